// The layers of ResNet-50, as GFLOP/s and as a share of the FMA peak measured in the same run.
//
//   layers_bench [--benchmark_filter=REGEX ...]     e.g. --benchmark_filter=res2.*threads:2
//
// Each layer runs on one thread and on the machine's default, by the algorithm that the planner
// chooses (PLAIT_FORCE_ALGORITHM and PLAIT_FORCE_TARGET force others). `share` is that of the
// median run; the peak is that of the same number of threads, measured right before and right after
// the layer, the larger one counting.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <sstream>

#include <plait/plait.hpp>

#include "kernels/peak.hpp"

namespace {

double seconds_of(auto work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The best of several bursts on all threads at once.
double peak_gflops(plait::Target target, int threads) {
  double shortest = 1;
  auto burst = [target](int) {
    for (int i = 0; i < 8; ++i) benchmark::DoNotOptimize(plait::kernels::fma_burst(target));
  };
  for (int i = 0; i < 50; ++i) {
    shortest =
        std::min(shortest, seconds_of([&] { plait::default_executor().run(threads, burst); }));
  }
  const auto macs = static_cast<double>(plait::kernels::fma_burst_macs(target)) * 8 * threads;
  return 2e-9 * macs / shortest;
}

plait::Tensor<float> random_tensor(const plait::Dims& shape) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  plait::Tensor<float> tensor(shape);
  for (float& value : tensor) value = normal(generator);
  return tensor;
}

void run_layer(benchmark::State& state, const plait::Problem& problem, int threads) {
  const plait::Plan plan = plait::plan(problem, {.threads = threads});
  const plait::Tensor<float> x = random_tensor(problem.x_shape());
  plait::Tensor<float> y(problem.y_shape());
  const plait::Packed packed = plan.pack(random_tensor(problem.kernel_shape()));
  const double before = peak_gflops(plan.target(), threads);
  std::vector<double> seconds;
  for (auto _ : state) {
    seconds.push_back(seconds_of([&] { plan.run(x, packed, y); }));
    state.SetIterationTime(seconds.back());
  }
  const double peak = std::max(before, peak_gflops(plan.target(), threads));
  std::sort(seconds.begin(), seconds.end());
  const double gflop = 2e-9 * static_cast<double>(problem.multiplications());
  const double median = gflop / seconds[seconds.size() / 2];
  state.counters["median_gflops"] = median;
  state.counters["best_gflops"] = gflop / seconds.front();
  state.counters["peak_gflops"] = peak;
  state.counters["share"] = median / peak;
  state.SetLabel(plait::to_string(problem) + " " + plan.algorithm() + " " +
                 std::string(name_of(plan.target())));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::ifstream file(PLAIT_PROBLEMS "/resnet50.txt");
  std::stringstream text;
  text << file.rdbuf();
  const int all = plait::host_machine().default_threads();
  for (const plait::NamedProblem& layer : plait::parse_problem_lines(text.str())) {
    for (const int threads : all == 1 ? std::vector<int>{1} : std::vector<int>{1, all}) {
      benchmark::RegisterBenchmark((layer.name + "/threads:" + std::to_string(threads)).c_str(),
                                   [problem = layer.problem, threads](benchmark::State& state) {
                                     run_layer(state, problem, threads);
                                   })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
