// Compares the outputs of two algorithms on the same data, in units in the last place.
#include <plait/analysis/verify.hpp>

#include <cmath>
#include <limits>

#include <plait/analysis/accuracy.hpp>

#include "analysis/float_bits.hpp"
#include "analysis/test_data.hpp"
#include "core/problem/problem_rules.hpp"

namespace plait {
namespace {

// Maps floating-point numbers to integers in the same order, so that neighbours are one apart, also
// -0 and +0.
template <class T>
std::uint64_t ordered(T value) {
  using Bits = FloatBits<T>;
  constexpr Bits kSign = Bits{1} << (std::numeric_limits<Bits>::digits - 1);
  const Bits bits = bits_of(value);
  return (bits & kSign) != 0 ? static_cast<Bits>(~bits) : bits | kSign;
}

template <class T>
std::uint64_t ulps_between(T a, T b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t i = ordered(a);
  const std::uint64_t j = ordered(b);
  return i > j ? i - j : j - i;
}

// Returns the output of one algorithm, and sets `rms` to its rms error / rms output.
template <class T>
Tensor<T> run(const Plan& plan, const Operands<T>& operands, const std::atomic<bool>* cancel,
              double& rms) {
  const Problem& p = plan.problem();
  RunOptions<T> options;
  options.residual = operands.residual_view();
  options.cancel = cancel;
  Tensor<T> y(p.y_shape());
  plan.run<T>(operands.x.view(), plan.pack<T>(operands.kernel.view(), operands.bias_view()),
              y.view(), options);
  rms = measure_error<T>(p, plan.cost().bound(), operands.x.view(), operands.kernel.view(),
                         operands.bias_view(), operands.residual_view(), y.view(), 1, cancel)
            .relative_rms();
  return y;
}

template <class T>
UlpReport compare_runs(const Plan& first, const Plan& second, std::uint64_t seed,
                       const std::atomic<bool>* cancel) {
  const Operands<T> operands(first.problem(), seed);
  UlpReport report;
  const Tensor<T> a = run(first, operands, cancel, report.first_rms);
  const Tensor<T> b = run(second, operands, cancel, report.second_rms);
  report.outputs = a.size();
  for (std::int64_t i = 0; i < report.outputs; ++i) {
    const std::uint64_t ulps = ulps_between(a.data()[i], b.data()[i]);
    report.equal += ulps == 0 ? 1 : 0;
    report.max_ulps = std::max(report.max_ulps, ulps);
    report.mean_ulps += static_cast<double>(ulps) / static_cast<double>(report.outputs);
    report.max_difference =
        std::max(report.max_difference, std::abs(static_cast<double>(a.data()[i] - b.data()[i])));
  }
  return report;
}

}  // namespace

UlpReport compare(const Problem& problem, const std::string& first, const std::string& second,
                  const Limits& limits, const Machine& machine, std::uint64_t seed,
                  const std::atomic<bool>* cancel) {
  require_forward(problem, "outputs are compared in");
  Problem dense = problem;  // the memory layout does not matter here
  dense.x_layout = dense.y_layout = Layout::nchw;
  dense.x_strides.reset();
  dense.y_strides.reset();
  dense.residual_strides.reset();
  Limits forced = limits;
  forced.prepacked = true;
  forced.algorithm = first;
  const Plan a = plan(dense, forced, machine);
  forced.algorithm = second;
  const Plan b = plan(dense, forced, machine);
  return problem.dtype == Dtype::f64 ? compare_runs<double>(a, b, seed, cancel)
                                     : compare_runs<float>(a, b, seed, cancel);
}

}  // namespace plait
