// How far the outputs of a run are from the plain reference, which sums in f64.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <plait/export.hpp>
#include <plait/plan.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

// Differences to the reference, over the outputs that were compared.
struct ErrorReport {
  std::int64_t checked = 0;  // outputs compared
  std::int64_t outputs = 0;  // outputs there are
  double rms_output = 0;     // rms of the reference's outputs
  double rms_error = 0;
  double max_error = 0;
  double worst_bound_share = 0;  // largest |error| / what its ErrorBound allows; <= 1 if kept
  std::array<std::int64_t, 4> worst_at = {};  // that output: image, channel, row, column
  double worst_computed = 0;
  double worst_exact = 0;
  // Rms of error / sqrt(sum of (x w)^2 + bias^2 + residual^2) over outputs where that sum is not 0:
  // what Cost::error_rms expects, output by output.
  double rms_over_terms = 0;

  double relative_rms() const { return rms_output > 0 ? rms_error / rms_output : rms_error; }
};

// Problems with more multiplications than this (1 GFLOP) are compared by samples.
inline constexpr std::int64_t kSampledAboveMultiplications = 500'000'000;

// Compares y with the reference, computed in f64 from the same x, weight, bias and residual. Large
// problems are sampled: 4,096 outputs drawn with `seed`, the corners always among them. `bound` is
// Cost::bound(). Outputs that are not finite must be equal in kind (NaN, +Inf, -Inf), else the
// error counts as infinite. Views are as in Plan::run; bias and residual may be empty. `cancel` is
// polled before each output. Throws Error if the problem is not forward, and with Status::cancelled
// once *cancel is set.
template <class T>
PLAIT_API ErrorReport measure_error(const Problem& problem, const ErrorBound& bound,
                                    TensorView<const T> x, TensorView<const T> weight,
                                    TensorView<const T> bias, TensorView<const T> residual,
                                    TensorView<const T> y, std::uint64_t seed = 1,
                                    const std::atomic<bool>* cancel = nullptr);

}  // namespace plait
