// A plan is a prepared algorithm behind checks of everything that the caller gives.
#include <plait/plan.hpp>

#include <algorithm>
#include <cstdint>

#include <plait/operands.hpp>

#include "algorithms/registry.hpp"
#include "core/problem/problem_rules.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "core/values.hpp"
#include "planner/overlap_check.hpp"
#include "planner/planner.hpp"
#include "planner/workspace.hpp"

namespace plait {

struct Plan::State {
  Problem problem;
  std::string algorithm;
  Target target = Target::emu128;
  Explanation explanation;
  std::unique_ptr<Execution> execution;
  std::string packed_format;
  Pair output_step = 1;
  bool prepacked = true;

  const Cost& cost() const { return explanation.chosen().cost; }
};

namespace {

template <class T>
constexpr Dtype dtype_of() {
  return std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32;
}

template <class T>
void check_dtype(const Problem& problem) {
  if (problem.dtype != dtype_of<T>()) {
    throw Error(Status::invalid_argument, "the plan is for " + std::string(name_of(problem.dtype)) +
                                              " but was given " +
                                              std::string(name_of(dtype_of<T>())) + " data");
  }
}

// Strides of axes with a single element are never used, so they need not agree.
bool same_strides(const Dims& shape, const Dims& a, const Dims& b) {
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] > 1 && a[axis] != b[axis]) return false;
  }
  return true;
}

template <class T>
void check_view(std::string_view name, TensorView<T> view, const Dims& shape, const Dims& strides) {
  if (view.data() == nullptr || view.shape() != shape) {
    throw Error(Status::invalid_argument,
                std::string(name) + " must be " + to_string(shape) + " for this plan but is " +
                    (view.data() == nullptr ? "missing" : to_string(view.shape())));
  }
  if (!same_strides(shape, view.strides(), strides)) {
    throw Error(Status::invalid_argument,
                std::string(name) + " has strides " + strides_text(view.strides()) +
                    " but the plan was made for " + strides_text(strides));
  }
}

template <class T>
void check_operand(const Operand& operand, TensorView<T> view) {
  check_view(operand.name, view, operand.shape, operand.strides);
}

template <class T>
void check_second(const Problem& problem, TensorView<const T> second, TensorView<const T> bias) {
  if (problem.direction != Direction::backward_bias) {
    check_operand(second_operand(problem), second);
  } else if (second.data() != nullptr) {
    throw Error(Status::invalid_argument,
                "backward_bias reads dy alone but was given a second operand");
  }
  if (reads_bias(problem)) {
    check_view("bias", bias, {problem.c_o}, {1});
  } else if (bias.data() != nullptr) {
    throw Error(Status::invalid_argument,
                problem.bias
                    ? "a bias was given but gradients do not read it"
                    : "a bias was given but the plan's problem has none (add `bias` to the "
                      "line)");
  }
}

template <class T>
void check_residual(const Problem& problem, TensorView<const T> residual) {
  if (problem.residual) {
    check_view("residual", residual, problem.y_shape(), problem.effective_residual_strides());
  } else if (residual.data() != nullptr) {
    throw Error(Status::invalid_argument,
                "a residual was given but the plan's problem has none (add `res` to the line)");
  }
}

// Checks the first operand, the result and the options, and runs. Both forms of Plan::run share it.
template <class T>
void run_checked(const Problem& problem, const Execution& execution, const Cost& cost, Args args,
                 TensorView<const T> in, TensorView<T> out, const RunOptions<T>& options) {
  const Operand first = first_operand(problem);
  check_dtype<T>(problem);
  check_operand(first, in);
  check_operand(result_operand(problem), out);
  check_residual(problem, options.residual);
  check_no_overlap(first.name, in, out);
  check_no_overlap("the residual", options.residual, out);
  if (reinterpret_cast<std::uintptr_t>(options.workspace) % kBufferAlignment != 0) {
    throw Error(Status::invalid_argument, "the workspace must be aligned to 64 bytes");
  }

  args.in = in.data();
  args.out = out.data();
  args.residual = options.residual.data();
  const WorkspaceLease lease(options.workspace == nullptr ? cost.workspace_bytes : 0);
  args.workspace =
      options.workspace == nullptr ? lease.data() : static_cast<std::byte*>(options.workspace);
  args.executor = options.executor == nullptr ? &default_executor() : options.executor;
  args.cancel = options.cancel;
  args.report = options.report;
  execution.run(args);
  if (args.cancelled()) throw Error(Status::cancelled, "the run was cancelled");
}

}  // namespace

const Problem& Plan::problem() const { return state_->problem; }
const std::string& Plan::algorithm() const { return state_->algorithm; }
Target Plan::target() const { return state_->target; }
int Plan::threads() const { return state_->execution->threads(); }
std::size_t Plan::workspace_bytes() const { return cost().workspace_bytes; }
std::size_t Plan::packed_bytes() const { return cost().packed_bytes; }
const std::string& Plan::packed_format() const { return state_->packed_format; }
const Cost& Plan::cost() const { return state_->cost(); }
Pair Plan::output_step() const { return state_->output_step; }
const Explanation& Plan::explain() const { return state_->explanation; }

template <class T>
Packed Plan::pack(TensorView<const T> weight, TensorView<const T> bias) const {
  if (!state_->prepacked) {
    throw Error(Status::invalid_argument,
                reads_weights(problem().direction)
                    ? "the plan was made with prepacked = false: hand weight and bias to run"
                    : std::string(name_of(problem().direction)) +
                          " reads no weight that could be packed: hand its operands to run");
  }
  check_dtype<T>(problem());
  check_second(problem(), weight, bias);
  AlignedBytes bytes = allocate_aligned(packed_bytes(), "packed weights");
  state_->execution->pack(weight.data(), bias.data(), bytes.get());
  const std::shared_ptr<std::byte[]> owner(std::move(bytes));
  return Packed(packed_format(), std::shared_ptr<const std::byte>(owner, owner.get()),
                packed_bytes());
}

template <class T>
void Plan::run(TensorView<const T> in, const Packed& packed, TensorView<T> out,
               const RunOptions<T>& options) const {
  if (!state_->prepacked || packed.format() != packed_format()) {
    throw Error(Status::invalid_argument,
                "weights are packed as \"" + packed.format() + "\" but the plan takes " +
                    (state_->prepacked ? "\"" + packed_format() + "\""
                                       : std::string("weight and bias unpacked")));
  }
  Args args;
  args.packed = packed.data();
  run_checked(problem(), *state_->execution, cost(), args, in, out, options);
}

template <class T>
void Plan::run(TensorView<const T> in, TensorView<const T> second, TensorView<const T> bias,
               TensorView<T> out, const RunOptions<T>& options) const {
  if (state_->prepacked) {
    throw Error(Status::invalid_argument,
                "the plan takes packed weights: call pack, or plan with prepacked = false");
  }
  check_dtype<T>(problem());
  check_second(problem(), second, bias);
  check_no_overlap(second_operand(problem()).name, second, out);
  check_no_overlap("bias", bias, out);
  Args args;
  args.second = second.data();
  args.bias = bias.data();
  run_checked(problem(), *state_->execution, cost(), args, in, out, options);
}

template Packed Plan::pack(TensorView<const float>, TensorView<const float>) const;
template Packed Plan::pack(TensorView<const double>, TensorView<const double>) const;
template void Plan::run(TensorView<const float>, const Packed&, TensorView<float>,
                        const RunOptions<float>&) const;
template void Plan::run(TensorView<const double>, const Packed&, TensorView<double>,
                        const RunOptions<double>&) const;
template void Plan::run(TensorView<const float>, TensorView<const float>, TensorView<const float>,
                        TensorView<float>, const RunOptions<float>&) const;
template void Plan::run(TensorView<const double>, TensorView<const double>,
                        TensorView<const double>, TensorView<double>,
                        const RunOptions<double>&) const;

Plan plan(const Problem& problem, const Limits& limits, const Machine& machine) {
  validate(problem);
  const std::span<const Algorithm> algorithms = registry();
  Limits complete = complete_limits(limits, machine, algorithms);
  complete.prepacked = complete.prepacked && reads_weights(problem.direction);
  Ranking ranking = rank(problem, complete, machine, algorithms);
  auto state = std::make_shared<Plan::State>();
  state->problem = problem;
  state->algorithm = ranking.chosen->name;
  state->target = machine.target;
  state->explanation = std::move(ranking.explanation);
  state->execution = std::move(ranking.execution);
  state->output_step = ranking.output_step;
  state->packed_format = state->execution->packed_format();
  state->prepacked = complete.prepacked;
  return Plan(std::move(state));
}

Plan plan(std::string_view problem_line, const Limits& limits, const Machine& machine) {
  return plan(parse_problem(problem_line), limits, machine);
}

std::vector<AlgorithmInfo> algorithms() {
  std::vector<AlgorithmInfo> list;
  for (const Algorithm& algorithm : registry()) list.push_back({algorithm.name, algorithm.summary});
  std::sort(list.begin(), list.end(),
            [](const AlgorithmInfo& a, const AlgorithmInfo& b) { return a.name < b.name; });
  return list;
}

}  // namespace plait
