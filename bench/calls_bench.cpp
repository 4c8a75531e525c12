// What a call costs besides its arithmetic: on a layer that has next to none, and on layers of
// LeNet. bench/calls.py measures the same from Python.
#include <benchmark/benchmark.h>

#include <plait/conv2d.hpp>

namespace {

using plait::Tensor;

constexpr const char* kLines[] = {"1x1x3x3,1x1x2x2", "1x1x28x28,6x1x5x5,p2", "1x6x14x14,16x6x5x5"};

struct Layer {
  explicit Layer(const char* line)
      : problem(plait::parse_problem(line)),
        x(problem.x_shape()),
        weight(problem.weight_shape()),
        y(problem.y_shape()) {}
  plait::Problem problem;
  Tensor<float> x, weight, y;
};

void run_held_plan(benchmark::State& state, const char* line) {
  Layer layer(line);
  const plait::Plan plan = plait::plan(layer.problem, {.threads = 1});
  const plait::Packed packed = plan.pack(layer.weight);
  for (auto _ : state) plan.run(layer.x, packed, layer.y);
}

void call_conv2d(benchmark::State& state, const char* line) {
  const Layer layer(line);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        conv2d(layer.x, layer.weight, {.padding = layer.problem.padding, .threads = 1}));
  }
}

// Plans a problem whose shape differs from all earlier ones.
void plan_anew(benchmark::State& state, const char* line) {
  plait::Problem problem = plait::parse_problem(line);
  const std::int64_t w = problem.w;
  for (auto _ : state) {
    problem.w = w + (problem.w + 1 - w) % 16;
    benchmark::DoNotOptimize(plait::plan(problem, {.threads = static_cast<int>(state.range(0))}));
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const char* line : kLines) {
    const std::string layer = std::string("/") + line;
    benchmark::RegisterBenchmark(("plan.run" + layer).c_str(), run_held_plan, line);
    benchmark::RegisterBenchmark(("conv2d" + layer).c_str(), call_conv2d, line);
    benchmark::RegisterBenchmark(("plan" + layer).c_str(), plan_anew, line)->Arg(1)->Arg(2);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
