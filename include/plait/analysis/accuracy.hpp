// How far an output is from the plain reference, output by output, in f64.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <plait/export.hpp>
#include <plait/plan.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

// How far outputs are from the reference.
struct ErrorReport {
  std::int64_t checked = 0;  // outputs compared
  std::int64_t outputs = 0;  // outputs there are
  double rms_output = 0;     // of the reference
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

// Problems of more multiplications are compared by samples: 1 GFLOP.
inline constexpr std::int64_t kSampledAboveMultiplications = 500'000'000;

// Compares y with the reference computed in f64 from the same x, K, bias, residual. Large problems
// are sampled: 4,096 outputs drawn with `seed`, corners always among them. `bound`
// is Cost::bound(). Non-finite outputs must be equal in kind (NaN, +Inf, -Inf), else the error
// counts as infinite. Views as in Plan::run; bias and residual may be empty. `cancel` is looked at
// before each output. Throws Error if the problem is not forward, and once *cancel is set
// (Status::cancelled).
template <class T>
PLAIT_API ErrorReport measure_error(const Problem& problem, const ErrorBound& bound,
                                    TensorView<const T> x, TensorView<const T> kernel,
                                    TensorView<const T> bias, TensorView<const T> residual,
                                    TensorView<const T> y, std::uint64_t seed = 1,
                                    const std::atomic<bool>* cancel = nullptr);

}  // namespace plait
