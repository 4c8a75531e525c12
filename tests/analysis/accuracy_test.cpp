// The measurement of errors itself, on outputs whose errors are known.
#include <plait/analysis/accuracy.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "support/calls.hpp"

namespace plait::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Of y computed as 1 * x.
ErrorReport error_of_copy(const Tensor<float>& x, const Tensor<float>& y, double bound) {
  Problem problem;
  problem.w = x.size(3);
  const Tensor<float> kernel({1, 1, 1, 1}, {1});
  return measure_error<float>(problem, {.gamma = bound}, x.view(), kernel.view(), {}, {}, y.view());
}

ErrorReport error_of_copy(float x, float y) {
  return error_of_copy(Tensor<float>({1, 1, 1, 1}, {x}), Tensor<float>({1, 1, 1, 1}, {y}), 1e-6);
}

TEST(MeasureError, GivesErrorsInTheirUnits) {
  const Tensor<float> x({1, 1, 1, 4}, {3, -4, 0, 12});
  const Tensor<float> y({1, 1, 1, 4}, {3, -4.5, 0, 12});
  const ErrorReport error = error_of_copy(x, y, 0.25);
  EXPECT_EQ(error.outputs, 4);
  EXPECT_EQ(error.checked, 4);
  EXPECT_DOUBLE_EQ(error.max_error, 0.5);
  EXPECT_NEAR(error.worst_bound_share, 0.5, 1e-12);  // 0.25 |-4| is allowed
  EXPECT_DOUBLE_EQ(error.rms_error, 0.25);
  EXPECT_DOUBLE_EQ(error.rms_output, 6.5);
  // Of three outputs that have terms, one is off by an eighth of its terms.
  EXPECT_DOUBLE_EQ(error.rms_over_terms, 0.125 / std::sqrt(3));
}

// Of a form of four outputs: what is large in the tile, but not in an output's window, excuses no
// error of that output; nor does it one of windows of zeros.
TEST(MeasureError, HoldsOutputsToTheirWindows) {
  Problem problem;
  problem.w = 8;
  problem.k_w = 3;
  const Tensor<float> kernel({1, 1, 1, 3}, {1, 1, 1});
  const Tensor<float> x({1, 1, 1, 8}, {1e6F, 1, 1, 1, 0, 0, 0, 0});
  const ErrorBound bound{.gamma = 0x1p-12, .range = 32, .tile = 4};
  const auto share = [&](std::int64_t output, float error) {
    Tensor<float> y({1, 1, 1, 6}, {1000002, 3, 2, 1, 0, 0});
    y(0, 0, 0, output) += error;
    const ErrorReport report =
        measure_error<float>(problem, bound, x.view(), kernel.view(), {}, {}, y.view());
    EXPECT_EQ(report.worst_at[3], output);
    return report.worst_bound_share;
  };
  EXPECT_NEAR(share(0, 64), 64 / (0x1p-12 * 3e6), 1e-3);  // its tile's bound: 3 |K| of 1e6
  EXPECT_NEAR(share(1, 0.01F), 0.01 / (0x1p-12 * 32 * 3), 1e-3);
  EXPECT_NEAR(share(3, 0.01F), 0.01 / (0x1p-12 * 32 * 3), 1e-3);
  EXPECT_EQ(share(4, 1e-30F), std::numeric_limits<double>::infinity());
}

TEST(MeasureError, TakesNonFiniteOutputsForRightOnlyIfTheyAreTheSame) {
  constexpr std::array kValues = {1.0F, kInfinity, -kInfinity, kNaN};
  for (std::size_t exact = 0; exact < kValues.size(); ++exact) {
    for (std::size_t computed = 0; computed < kValues.size(); ++computed) {
      const ErrorReport error = error_of_copy(kValues[exact], kValues[computed]);
      if (exact == computed) {
        EXPECT_EQ(error.worst_bound_share, 0) << kValues[exact];
        EXPECT_EQ(error.max_error, 0) << kValues[exact];
      } else {
        EXPECT_EQ(error.worst_bound_share, kInfinity) << kValues[exact] << " " << kValues[computed];
        EXPECT_EQ(error.max_error, kInfinity) << kValues[exact] << " " << kValues[computed];
      }
    }
  }
}

// Above 1 GFLOP outputs are sampled: a wrong one may be missed, but not in a corner.
TEST(MeasureError, SamplesOfALargeOutputHoldItsCorners) {
  const Problem problem = parse_problem("2x256x34x32,1024x256x1x1");
  const Tensor<float> x(problem.x_shape());
  const Tensor<float> kernel(problem.weight_shape());
  Tensor<float> y(problem.y_shape());
  const auto measure = [&] {
    return measure_error<float>(problem, {.gamma = 1}, x.view(), kernel.view(), {}, {}, y.view());
  };
  const ErrorReport right = measure();
  EXPECT_EQ(right.max_error, 0);
  EXPECT_EQ(right.outputs, y.size());
  EXPECT_EQ(right.checked, 4096);
  for (const std::int64_t n : {0, 1}) {
    for (const std::int64_t o : {0, 1023}) {
      for (const std::int64_t i : {0, 33}) {
        for (const std::int64_t j : {0, 31}) {
          y(n, o, i, j) = 1;
          EXPECT_EQ(measure().max_error, 1) << n << " " << o << " " << i << " " << j;
          y(n, o, i, j) = 0;
        }
      }
    }
  }
}

TEST(MeasureError, IsCancelledBeforeTheFirstOutput) {
  const Tensor<float> x({1, 1, 1, 1}, {1});
  const std::atomic<bool> cancel = true;
  EXPECT_EQ(
      error_of(
          Status::cancelled,
          [&] { measure_error<float>({}, {}, x.view(), x.view(), {}, {}, x.view(), 1, &cancel); }),
      "cancelled while the outputs were compared");
}

// Of outputs of half a million products each; if the flag is never seen, this takes many seconds,
// and fails.
TEST(MeasureError, IsCancelledInTheMiddle) {
  const Problem problem = parse_problem("1x512x32x32,1x512x31x31,p15");
  const Tensor<float> x(problem.x_shape());
  const Tensor<float> kernel(problem.weight_shape());
  const Tensor<float> y(problem.y_shape());
  std::atomic<bool> cancel = false;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    cancel = true;
  });
  error_of(Status::cancelled, [&] {
    measure_error<float>(problem, {}, x.view(), kernel.view(), {}, {}, y.view(), 1, &cancel);
  });
  canceller.join();
}

}  // namespace
}  // namespace plait::test
