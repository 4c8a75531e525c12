#include "bench/bench_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace plait::cli {
namespace {

constexpr int kMostDelta = 256;  // twice the widest tile of any target
constexpr const char* kDelta = "delta";

}  // namespace

double DeltaSweep::seconds(std::size_t i) const {
  const BenchLine& line = run.lines[i];
  // An interrupt leaves times of no whole round.
  return line.round_medians.empty()
             ? summarize(line.timings.seconds).median_seconds
             : *std::min_element(line.round_medians.begin(), line.round_medians.end());
}

double DeltaSweep::peak_gflops() const {
  double peak = 0;
  for (const BenchLine& line : run.lines) peak = std::max(peak, line.peak_gflops);
  return peak;
}

double DeltaSweep::peak_share(std::size_t i) const {
  return run.lines[i].gflops(seconds(i)) / peak_gflops();
}

double DeltaSweep::measured_cycles(std::size_t i) const {
  const BenchLine& line = run.lines[i];
  const std::optional<StripStudy>& study = entries[i].study;
  if (!line.measured() || !study) return 0;
  // Of all threads together, as the peak is.
  const double cycles_per_second =
      peak_gflops() * 1e9 / (2 * study->lanes * run.settings.machine.rates.vector_fmas_per_cycle);
  return seconds(i) * cycles_per_second / static_cast<double>(study->terms);
}

double DeltaSweep::model_share(std::size_t i) const {
  const std::optional<StripStudy>& study = entries[i].study;
  if (!study) return 0;
  return study->seconds_of(StripLimit::multiply_adds) * run.lines[i].plan->threads() /
         run.settings.threads / study->predicted_seconds();
}

void check_bench_sweep(const std::string& name) {
  if (name != kDelta) {
    throw Error(Status::invalid_argument,
                fmt::format("unknown sweep '{}' (known: {})", name, kDelta));
  }
}

DeltaSweep plan_delta_sweep(BenchSettings settings, const std::vector<SourcedProblem>& problems) {
  if (problems.size() != 1) {
    throw Error(Status::invalid_argument,
                fmt::format("--sweep takes one problem but there are {}", problems.size()));
  }
  if (settings.limits.delta != 0) {
    throw Error(Status::invalid_argument,
                fmt::format("--sweep delta tries every delta: leave out --delta {}",
                            settings.limits.delta));
  }
  if (settings.limits.algorithm.empty()) settings.limits.algorithm = "direct/pixels";
  settings.measure_memory = false;
  DeltaSweep sweep;
  sweep.algorithm = settings.limits.algorithm;
  const std::vector<int> tiles = strip_deltas(sweep.algorithm, settings.machine.target);
  std::string refusal;
  bool any = false;
  for (int delta = 1; delta <= kMostDelta; ++delta) {
    settings.limits.delta = delta;
    BenchRun one = plan_bench(settings, problems);
    BenchLine& line = one.lines.front();
    const bool has_tile = std::find(tiles.begin(), tiles.end(), delta) != tiles.end();
    // What is said of a tile there is tells more than that there is no other.
    if (!line.plan && (refusal.empty() || has_tile)) refusal = line.refusal;
    if (!line.plan && !has_tile) continue;
    any = any || line.plan.has_value();
    DeltaEntry entry{delta, std::nullopt};
    if (line.plan) entry.study = strip_study(*line.plan, settings.machine);
    sweep.entries.push_back(entry);
    if (sweep.run.lines.empty()) {
      sweep.run = std::move(one);
    } else {
      sweep.run.lines.push_back(std::move(line));
    }
  }
  if (!any) {
    throw Error(Status::unsupported,
                fmt::format("{} has no delta to sweep here: {}", sweep.algorithm, refusal));
  }
  sweep.run.settings.limits.delta = 0;
  return sweep;
}

}  // namespace plait::cli
