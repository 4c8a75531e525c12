#include "analysis/verify/check.hpp"

#include <algorithm>
#include <cmath>

#include <plait/analysis/accuracy.hpp>

#include "analysis/float_bits.hpp"
#include "analysis/test_data.hpp"
#include "analysis/verify/case_data.hpp"
#include "analysis/verify/guarded.hpp"

namespace plait {
namespace {

// The plainest case that must give the same bits: prepacked, on one thread, without a cap on the
// workspace, with real caches, on the narrowest target that rounds alike.
Case plain(const Case& test) {
  Case plain = test;
  plain.limits = {};
  plain.limits.accuracy = test.limits.accuracy;
  plain.limits.algorithm = test.limits.algorithm;
  plain.limits.threads = 1;
  plain.machine = host_machine();
  const bool fused = has_fused_multiply_add(test.machine.target);
  plain.machine.use(
      *std::find_if(plain.machine.targets.begin(), plain.machine.targets.end(),
                    [&](Target target) { return has_fused_multiply_add(target) == fused; }));
  return plain;
}

// The operands of a case in guarded memory.
template <class T>
class Arena {
 public:
  explicit Arena(const Case& test)
      : problem_(test.problem),
        side_(test.guard_behind ? GuardedBytes::Side::behind : GuardedBytes::Side::before),
        x_(problem_.x_shape(), problem_.effective_x_strides(), side_),
        weight_(problem_.weight_shape(), dense_strides(problem_.weight_shape()), side_),
        bias_({1, 1, 1, problem_.c_o}, {1, 1, 1, 1}, side_),
        residual_(problem_.y_shape(), problem_.effective_residual_strides(), side_),
        y_(problem_.y_shape(), problem_.effective_y_strides(), side_),
        x_values_(problem_.x_shape()),
        weight_values_(problem_.weight_shape()),
        bias_values_({1, 1, 1, problem_.c_o}),
        residual_values_(problem_.y_shape()) {
    Random random(test.data_seed);
    fill_operands(test.data, x_values_, weight_values_, random);
    fill_he(bias_values_, 2, random);
    fill_he(residual_values_, 2, random);
    x_.copy_from(x_values_);
    weight_.copy_from(weight_values_);
    bias_.copy_from(bias_values_);
    residual_.copy_from(residual_values_);
    // Elements of an input that share an address hold the value that was written last.
    x_values_ = dense_copy(TensorView<const T>(x_.view()));
    residual_values_ = dense_copy(TensorView<const T>(residual_.view()));
  }

  // Runs the plan in a workspace of exactly the size that it asks for.
  RunReport run(const Plan& plan) {
    GuardedBytes workspace(plan.workspace_bytes(), 64, side_);
    RunReport report;
    RunOptions<T> options;
    options.residual = residual();
    options.workspace = plan.workspace_bytes() == 0 ? nullptr : workspace.data();
    options.report = &report;
    if (plan.explain().limits.prepacked) {
      const Packed packed = plan.pack<T>(weight_.view(), bias());
      plan.run<T>(x_.view(), packed, y_.view(), options);
    } else {
      plan.run<T>(x_.view(), weight_.view(), bias(), y_.view(), options);
    }
    workspace_kept_ = workspace.slack_untouched();
    return report;
  }

  // The dense output of another plan for the same operands.
  Tensor<T> outputs_of(const Plan& other) const {
    const GuardedTensor<T> y(problem_.y_shape(), problem_.effective_y_strides(), side_);
    RunOptions<T> options;
    options.residual = residual();
    other.run<T>(x_.view(), other.pack<T>(weight_.view(), bias()), y.view(), options);
    return dense_copy(TensorView<const T>(y.view()));
  }
  Tensor<T> outputs() const { return dense_copy(TensorView<const T>(y_.view())); }

  ErrorReport error(const ErrorBound& bound) const {
    return measure_error<T>(problem_, bound, x_.view(), weight_.view(), bias(), residual(),
                            y_.view());
  }

  // Where something else than the elements of y was written; null: nowhere.
  const char* overwritten() const {
    if (!workspace_kept_) return "around the workspace";
    if (!y_.gaps_untouched()) return "around or between the elements of y";
    if (!intact(x_, x_values_)) return "to x";
    if (!intact(weight_, weight_values_)) return "to the weight";
    if (!intact(bias_, bias_values_)) return "to the bias";
    if (!intact(residual_, residual_values_)) return "to the residual";
    return nullptr;
  }

 private:
  TensorView<const T> bias() const {
    return problem_.bias ? TensorView<const T>(bias_.view().data(), {problem_.c_o})
                         : TensorView<const T>();
  }
  TensorView<const T> residual() const {
    return problem_.residual ? TensorView<const T>(residual_.view()) : TensorView<const T>();
  }

  // Whether an input is unchanged, including the gaps between its elements.
  static bool intact(const GuardedTensor<T>& input, const Tensor<T>& values) {
    const Tensor<T> now = dense_copy(TensorView<const T>(input.view()));
    const auto same = [](T a, T b) { return bits_of(a) == bits_of(b); };
    return input.gaps_untouched() && std::equal(now.begin(), now.end(), values.begin(), same);
  }

  const Problem& problem_;
  GuardedBytes::Side side_;
  GuardedTensor<T> x_, weight_, bias_, residual_, y_;
  Tensor<T> x_values_, weight_values_, bias_values_, residual_values_;
  bool workspace_kept_ = true;
};

std::string failure_of_plan(const Case& test, const Plan& plan) {
  if (plan.algorithm() != test.limits.algorithm) return "the plan takes " + plan.algorithm();
  if (plan.workspace_bytes() > test.limits.max_workspace_bytes) {
    return "asks for " + std::to_string(plan.workspace_bytes()) + " bytes of workspace";
  }
  if (plan.threads() > test.limits.threads) {
    return "takes " + std::to_string(plan.threads()) + " threads";
  }
  return {};
}

std::string failure_of_run(const Plan& plan, const RunReport& report) {
  if (report.algorithm != plan.algorithm()) return report.algorithm + " ran";
  // Plain loops are compiled once, for no particular target, and report the lowest one.
  if (report.target != plan.target() && report.target != Target::emu128) {
    return "the code for " + std::string(name_of(report.target)) + " ran";
  }
  const Cost& cost = plan.cost();
  const bool has_tiles = cost.error_tile > 0;
  if ((report.tiles > 0) != has_tiles || report.direct_tiles > report.tiles) {
    return "counted " + std::to_string(report.direct_tiles) + " direct tiles of " +
           std::to_string(report.tiles);
  }
  if (report.direct_tiles > 0) return {};  // these change the counts from those predicted
  struct Count {
    const char* of;
    std::int64_t executed, predicted;
  };
  for (const Count& count : {Count{" products", report.multiplications, cost.multiplications},
                             Count{" additions", report.additions, cost.additions},
                             Count{" operations of transforms", report.transform_operations,
                                   cost.transform_operations}}) {
    if (count.executed != count.predicted) {
      return "executed " + std::to_string(count.executed) + count.of + " but predicted " +
             std::to_string(count.predicted);
    }
  }
  return {};
}

std::string failure_of_output(const Case& test, const ErrorReport& error) {
  if (error.checked != error.outputs &&
      test.problem.multiplications() <= kSampledAboveMultiplications) {
    return "checked " + std::to_string(error.checked) + " outputs only";
  }
  if (!(error.worst_bound_share <= 1)) {
    return "error of " + std::to_string(error.worst_bound_share) + " times its bound";
  }
  return {};
}

template <class T>
std::string failure_of_bits(const Case& test, const Arena<T>& arena) {
  const Case other = plain(test);
  const Plan plan = plait::plan(other.problem, other.limits, other.machine);
  const Tensor<T> expected = arena.outputs_of(plan);
  const Tensor<T> outputs = arena.outputs();
  for (std::int64_t i = 0; i < outputs.size(); ++i) {
    const T value = outputs.data()[i];
    if (bits_of(value) == bits_of(expected.data()[i])) continue;
    if (std::isnan(value) && std::isnan(expected.data()[i])) continue;  // payloads may differ
    return "output " + std::to_string(i) + " has other bits than on one thread of " +
           std::string(name_of(plan.target())) + " with real caches";
  }
  return {};
}

template <class T>
void check_run(const Case& test, const Plan& plan, CheckResult& result) {
  Arena<T> arena(test);
  const RunReport report = arena.run(plan);
  result.failure = failure_of_run(plan, report);
  if (!result.failure.empty()) return;
  const ErrorReport error = arena.error(plan.cost().bound());
  result.failure = failure_of_output(test, error);
  if (!result.failure.empty()) return;
  if (const char* place = arena.overwritten()) {
    result.failure = "wrote " + std::string(place);
    return;
  }
  result.failure = failure_of_bits(test, arena);
  result.outputs = error.checked;
  result.worst_bound_share = error.worst_bound_share;
  result.loops = report.loops;
  if (test.data == DataKind::relu_like && test.problem.activation.kind == ActivationKind::none) {
    result.rms_share = error.rms_over_terms / plan.cost().error_rms;
  }
}

}  // namespace

CheckResult check(const Case& test) {
  CheckResult result;
  try {
    const Plan made = plan(test.problem, test.limits, test.machine);
    result.failure = failure_of_plan(test, made);
    if (!result.failure.empty()) return result;
    test.problem.dtype == Dtype::f64 ? check_run<double>(test, made, result)
                                     : check_run<float>(test, made, result);
  } catch (const Error& error) {
    result.refused = error.is_refusal();
    if (!result.refused) result.failure = error.what();
  }
  return result;
}

}  // namespace plait
