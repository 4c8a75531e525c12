// Runs one layer by the library's own threads and by an executor, and compares the outputs.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>

#include <plait/plait.hpp>

namespace examples {

// Numbers between -1 and 1 that look random; c_executor.c has the same.
inline void fill(plait::Tensor<float>& tensor, std::uint32_t seed) {
  for (float& value : tensor) {
    seed = seed * 1664525U + 1013904223U;
    value = static_cast<float>(seed >> 8) / 8388608.0F - 1;
  }
}

// Passes tasks on to another executor and counts them.
class Counted final : public plait::Executor {
 public:
  explicit Counted(plait::Executor& executor) : executor_(executor) {}
  void run(int count, plait::TaskRef task) override {
    tasks += count;
    executor_.run(count, task);
  }
  std::atomic<int> tasks{0};

 private:
  plait::Executor& executor_;
};

// The layer, which runs with a packed weight and in one call. The plan of the one call may take
// another algorithm.
struct Outputs {
  plait::Tensor<float> packed{{1, 32, 56, 56}};
  plait::Tensor<float> one_call;
};

inline Outputs run_layer(plait::Executor& executor) {
  plait::Tensor<float> x({1, 16, 56, 56});
  plait::Tensor<float> k({32, 16, 3, 3});
  fill(x, 1);
  fill(k, 2);
  Outputs y;
  const plait::Plan plan = plait::plan("1x16x56x56,32x16x3x3,p1", {.threads = 4});
  plan.run(x, plan.pack(k), y.packed, {.executor = &executor});
  y.one_call = plait::conv2d(x, k, {.padding = 1, .threads = 4, .executor = &executor});
  return y;
}

inline float greatest_difference(const plait::Tensor<float>& a, const plait::Tensor<float>& b) {
  float greatest = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    greatest = std::max(greatest, std::abs(a.data()[i] - b.data()[i]));
  }
  return greatest;
}

// Also runs the layer in two of the executor's tasks at once, as a program does whose own work is
// parallel. Returns what main should: 0 if all outputs are the same bits.
inline int compare_with_default(plait::Executor& given) {
  const Outputs expected = run_layer(plait::default_executor());
  Counted executor(given);
  std::array<Outputs, 3> made = {run_layer(executor)};
  const int tasks = executor.tasks;
  given.run(2, [&](int index) { made[static_cast<std::size_t>(1 + index)] = run_layer(executor); });

  double sum = 0;
  for (const float value : expected.packed) sum += value;
  float difference = 0;
  for (const Outputs& y : made) {
    difference = std::max({difference, greatest_difference(y.packed, expected.packed),
                           greatest_difference(y.one_call, expected.one_call)});
  }
  std::cout << tasks << " tasks, sum of outputs " << sum << ", greatest difference " << difference
            << "\n";
  return tasks > 0 && difference == 0 ? 0 : 1;
}

}  // namespace examples
