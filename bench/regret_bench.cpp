// How far the planner's choice is from the fastest algorithm, over seeded batches of images with
// few pixels each. Every algorithm that takes the problem is timed, in interleaved rounds.
//   regret_bench [COUNT] [SEED] [THREADS] [ROUNDS]       by default 200 1 1 7
// A row per problem: regret, the choice, the fastest, the problem; then mean, maximum and
// quantiles. With a fifth argument of any kind, also a row per algorithm: predicted and measured
// seconds.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <plait/analysis/measure.hpp>
#include <plait/plan.hpp>

#include "core/random.hpp"

namespace {

using plait::Problem;
using plait::Random;

constexpr std::int64_t kMostProducts = 200'000'000;  // a few ms
constexpr double kTooSlow = 4;  // an algorithm this many times slower is timed in two rounds only

Problem few_pixels(Random& random) {
  static constexpr std::int64_t kChannels[] = {8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512};
  static constexpr std::int64_t kGroups[] = {1, 1, 1, 1, 2, 4, 8};
  for (;;) {
    Problem p;
    p.n = random.between(2, 256);
    p.h = random.between(1, 7);
    p.w = random.chance(0.7) ? p.h : random.between(1, 7);
    p.c_i = random.pick(kChannels);
    p.c_o = random.pick(kChannels);
    p.groups = random.chance(0.15) ? p.c_i : random.pick(kGroups);
    if (p.groups == p.c_i) p.c_o = p.c_i;
    if (p.c_i % p.groups != 0 || p.c_o % p.groups != 0) continue;
    if (random.chance(0.5)) {
      p.k_h = p.k_w = 3;
      p.padding = plait::Padding(1);
    }
    if (p.multiplications() <= kMostProducts) return p;
  }
}

struct Contestant {
  Contestant(const Problem& problem, const plait::Candidate& candidate, int threads,
             const plait::Tensor<float>& weight)
      : name(candidate.algorithm),
        predicted_seconds(candidate.cost.predicted_seconds),
        plan(plait::plan(problem, {.threads = threads, .algorithm = candidate.algorithm})),
        packed(plan.pack(weight)) {}

  std::string name;
  double predicted_seconds;
  plait::Plan plan;
  plait::Packed packed;
  double seconds = 1e9;  // the shortest time
};

// The choice comes first.
std::vector<Contestant> race(const Problem& problem, int threads, int rounds, Random& random) {
  plait::Tensor<float> x(problem.x_shape());
  plait::Tensor<float> weight(problem.weight_shape());
  plait::Tensor<float> y(problem.y_shape());
  for (float& value : x) value = static_cast<float>(random.uniform());
  for (float& value : weight) value = static_cast<float>(random.normal());
  std::vector<Contestant> field;
  const plait::Plan plan = plait::plan(problem, {.threads = threads});
  for (const plait::Candidate& candidate : plan.explain().candidates) {
    if (candidate.standing == plait::Candidate::Standing::refused) break;
    field.emplace_back(problem, candidate, threads, weight);
  }
  double least = 1e9;
  for (int round = 0; round < rounds; ++round) {
    for (Contestant& one : field) {
      if (round > 1 && one.seconds > kTooSlow * least) continue;
      plait::Timings timings;
      plait::time_runs<float>(one.plan, x.view(), one.packed, y.view(), 0.001, timings);
      one.seconds =
          std::min(one.seconds, *std::min_element(timings.seconds.begin(), timings.seconds.end()));
      least = std::min(least, one.seconds);
    }
  }
  return field;
}

}  // namespace

int main(int count, char** given) {
  const std::span<char*> arguments(given, static_cast<std::size_t>(count));
  const auto number = [&](std::size_t i, int otherwise) {
    return i < arguments.size() ? std::atoi(arguments[i]) : otherwise;
  };
  const int problems = number(1, 200);
  const int threads = number(3, 1);
  Random random(static_cast<std::uint64_t>(number(2, 1)));
  std::vector<double> regrets;
  for (int i = 0; i < problems; ++i) {
    const Problem problem = few_pixels(random);
    const std::vector<Contestant> field = race(problem, threads, number(4, 7), random);
    const Contestant& best = *std::min_element(
        field.begin(), field.end(),
        [](const Contestant& a, const Contestant& b) { return a.seconds < b.seconds; });
    regrets.push_back(field.front().seconds / best.seconds);
    std::printf("%.2f %s %s %s\n", regrets.back(), field.front().name.c_str(), best.name.c_str(),
                to_string(problem).c_str());
    for (const Contestant& one : field) {
      if (arguments.size() <= 5) break;
      std::printf("  %-14s %10.2f us predicted %10.2f us\n", one.name.c_str(),
                  one.predicted_seconds * 1e6, one.seconds * 1e6);
    }
  }
  std::sort(regrets.begin(), regrets.end());
  const double sum = std::accumulate(regrets.begin(), regrets.end(), 0.0);
  std::printf("mean %.3f, median %.2f, 90 %% %.2f, 95 %% %.2f, most %.2f of %zu\n",
              sum / static_cast<double>(regrets.size()), regrets[regrets.size() / 2],
              regrets[regrets.size() * 9 / 10], regrets[regrets.size() * 19 / 20], regrets.back(),
              regrets.size());
}
