// Compares outputs with the reference, one by one.
#include <plait/analysis/accuracy.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <plait/error.hpp>

#include "algorithms/reference/reference.hpp"
#include "core/error_model.hpp"
#include "core/problem/problem_rules.hpp"
#include "core/random.hpp"

namespace plait {
namespace {

constexpr std::int64_t kSamples = 4096;

// The largest slope of an activation: how much it can enlarge a difference.
double largest_slope(const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::leaky:
      return std::max(1.0, std::abs(activation.slope));
    case ActivationKind::hswish:
      return 1.5;  // at v = 3
    case ActivationKind::silu:
      return 1.1;  // 1.0998 at v = 2.4
    default:
      return 1;
  }
}

class Comparison {
 public:
  Comparison(const Problem& problem, const ErrorBound& bound)
      : slope_(largest_slope(problem.activation)),
        bound_(bound),
        unit_(problem.dtype == Dtype::f64 ? kUnitRoundoff64 : kUnitRoundoff),
        activated_(problem.activation.kind != ActivationKind::none) {}

  void add(double computed, const algorithm::reference::Output& exact,
           const std::array<std::int64_t, 4>& at) {
    ++report_.checked;
    if (!std::isfinite(exact.value) || !std::isfinite(computed)) {
      const bool same =
          (std::isnan(exact.value) && std::isnan(computed)) || exact.value == computed;
      if (same) return;
      report_.max_error = std::numeric_limits<double>::infinity();
      keep_worst(std::numeric_limits<double>::infinity(), computed, exact.value, at);
      return;
    }
    const double error = std::abs(computed - exact.value);
    // An activation rounds once more, and its value may be large where the sum is small. Where the
    // sum is infinite, this rounding is the whole bound.
    const double of_sum = exact.of_infinity() ? 0 : slope_ * allowed_of_sum(exact);
    const double allowed = of_sum + (activated_ ? unit_ * std::abs(exact.value) : 0);
    squared_error_ += error * error;
    if (exact.squares > 0) {
      squared_over_terms_ += error * error / exact.squares;
      ++with_terms_;
    }
    squared_output_ += exact.value * exact.value;
    report_.max_error = std::max(report_.max_error, error);
    if (error > 0) keep_worst(error / allowed, computed, exact.value, at);
  }

  ErrorReport finish(std::int64_t outputs) {
    const auto checked = static_cast<double>(std::max<std::int64_t>(1, report_.checked));
    report_.outputs = outputs;
    report_.rms_error = std::sqrt(squared_error_ / checked);
    report_.rms_output = std::sqrt(squared_output_ / checked);
    report_.rms_over_terms = std::sqrt(squared_over_terms_ / std::max(1.0, with_terms_));
    return report_;
  }

 private:
  void keep_worst(double share, double computed, double exact,
                  const std::array<std::int64_t, 4>& at) {
    if (!(share > report_.worst_bound_share)) return;
    report_.worst_bound_share = share;
    report_.worst_at = at;
    report_.worst_computed = computed;
    report_.worst_exact = exact;
  }

  // The general bound of ErrorBound, and the smaller one of its algorithm.
  double allowed_of_sum(const algorithm::reference::Output& exact) const {
    const double of_window = bound_.range * exact.largest_x * exact.weights;
    return bound_.gamma * (std::min(of_window, exact.magnitude) + exact.added) +
           bound_.floor * (1 + exact.largest_x + exact.largest_weight);
  }

  ErrorReport report_;
  double slope_;
  ErrorBound bound_;
  double unit_;
  bool activated_;
  double squared_error_ = 0;
  double squared_output_ = 0;
  double squared_over_terms_ = 0;
  double with_terms_ = 0;
};

// The index of output number `sample` of a draw: the 16 corners first, then random outputs.
std::array<std::int64_t, 4> draw(const Dims& shape, std::int64_t sample, Random& random) {
  std::array<std::int64_t, 4> index{};
  for (int axis = 0; axis < 4; ++axis) {
    const std::int64_t corner = ((sample >> axis) & 1) * (shape[axis] - 1);
    index[static_cast<std::size_t>(axis)] =
        sample < 16 ? corner : random.between(0, shape[axis] - 1);
  }
  return index;
}

}  // namespace

template <class T>
ErrorReport measure_error(const Problem& problem, const ErrorBound& bound, TensorView<const T> x,
                          TensorView<const T> weight, TensorView<const T> bias,
                          TensorView<const T> residual, TensorView<const T> y, std::uint64_t seed,
                          const std::atomic<bool>* cancel) {
  require_forward(problem, "errors are measured in");
  const algorithm::reference::Operands<T> operands{x.data(), weight.data(), bias.data(),
                                                   residual.data()};
  Comparison comparison(problem, bound);
  auto compare = [&](std::int64_t n, std::int64_t o, std::int64_t i, std::int64_t j) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      throw Error(Status::cancelled, "cancelled while the outputs were compared");
    }
    comparison.add(static_cast<double>(y(n, o, i, j)),
                   algorithm::reference::output_at(problem, operands, n, o, i, j, bound.tile),
                   {n, o, i, j});
  };
  const Dims shape = problem.y_shape();
  if (problem.multiplications() > kSampledAboveMultiplications) {
    Random random(seed);
    for (std::int64_t sample = 0; sample < kSamples; ++sample) {
      const auto [n, o, i, j] = draw(shape, sample, random);
      compare(n, o, i, j);
    }
  } else {
    for (std::int64_t n = 0; n < shape[0]; ++n) {
      for (std::int64_t o = 0; o < shape[1]; ++o) {
        for (std::int64_t i = 0; i < shape[2]; ++i) {
          for (std::int64_t j = 0; j < shape[3]; ++j) compare(n, o, i, j);
        }
      }
    }
  }
  return comparison.finish(element_count(shape));
}

template ErrorReport measure_error(const Problem&, const ErrorBound&, TensorView<const float>,
                                   TensorView<const float>, TensorView<const float>,
                                   TensorView<const float>, TensorView<const float>, std::uint64_t,
                                   const std::atomic<bool>*);
template ErrorReport measure_error(const Problem&, const ErrorBound&, TensorView<const double>,
                                   TensorView<const double>, TensorView<const double>,
                                   TensorView<const double>, TensorView<const double>,
                                   std::uint64_t, const std::atomic<bool>*);

}  // namespace plait
