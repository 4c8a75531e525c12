// The 1x1 layers of ResNet-50, as GFLOP/s and as a share of the FMA peak measured in the same run.
//
//   pointwise_bench [--benchmark_filter=REGEX ...]
//
// Each layer runs on one thread and on the machine's default. The peak is that of the same number
// of threads, measured right before and right after the layer; the larger one counts.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
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
  const plait::Plan plan = plait::plan(problem, {.threads = threads, .algorithm = "pointwise"});
  const plait::Tensor<float> x = random_tensor(problem.x_shape());
  plait::Tensor<float> y(problem.y_shape());
  const plait::Packed packed = plan.pack(random_tensor(problem.kernel_shape()));
  const double before = peak_gflops(plan.target(), threads);
  double shortest = 1;
  for (auto _ : state) {
    const double seconds = seconds_of([&] { plan.run(x, packed, y); });
    shortest = std::min(shortest, seconds);
    state.SetIterationTime(seconds);
  }
  const double peak = std::max(before, peak_gflops(plan.target(), threads));
  const double gflops = 2e-9 * static_cast<double>(problem.multiplications());
  state.counters["GFLOP/s"] =
      benchmark::Counter(gflops, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["best"] = gflops / shortest;
  state.counters["peak"] = peak;
  state.counters["share"] = gflops / shortest / peak;
  state.SetLabel(plait::to_string(problem) + " " + std::string(name_of(plan.target())));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::ifstream file(PLAIT_PROBLEMS "/resnet50.txt");
  std::stringstream text;
  text << file.rdbuf();
  const int all = plait::host_machine().default_threads();
  for (const plait::NamedProblem& layer : plait::parse_problem_lines(text.str())) {
    if (layer.problem.k_h != 1 || layer.problem.k_w != 1) continue;
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
