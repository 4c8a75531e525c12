// The C interface, over the public C++ one. No exception leaves a function of this file.
#include <plait/plait.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>

#include <plait/error.hpp>
#include <plait/operands.hpp>
#include <plait/plan.hpp>
#include <plait/version.hpp>

#include "capi/callers_executor.hpp"

struct plait_plan {
  plait::Plan plan;
  std::string target{plait::name_of(plan.target())};
  mutable std::once_flag explained{};  // the text is made when first asked for
  mutable std::string explanation{};
};

struct plait_packed {
  plait::Packed packed;
};

struct plait_cancel {
  std::atomic<bool> flag{false};
};

namespace {

using plait::Error;
using plait::Plan;
using plait::Problem;
using plait::Status;
using plait::TensorView;

thread_local std::string error_text;
thread_local const char* error_message = "";

plait_status fail(plait_status status, const char* message) noexcept {
  try {
    error_text = message;
    error_message = error_text.c_str();
  } catch (...) {
    error_message = "no memory for the error's message";
  }
  return status;
}

plait_status status_of(Status status) {
  switch (status) {
    case Status::invalid_argument:
      return PLAIT_INVALID_ARGUMENT;
    case Status::unsupported:
    case Status::out_of_memory:
      return PLAIT_UNSUPPORTED;
    case Status::cancelled:
      return PLAIT_CANCELLED;
    case Status::io:
      break;  // the C interface does not touch files
  }
  return PLAIT_INTERNAL;
}

template <class Call>
plait_status guarded(const Call& call) noexcept {
  try {
    call();
    return PLAIT_OK;
  } catch (const Error& error) {
    return fail(status_of(error.status()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(PLAIT_UNSUPPORTED, "no memory");
  } catch (const std::exception& error) {
    return fail(PLAIT_INTERNAL, error.what());
  } catch (...) {
    return fail(PLAIT_INTERNAL, "unknown exception");
  }
}

void require(const void* pointer, const char* name) {
  if (pointer == nullptr) {
    throw Error(Status::invalid_argument, std::string(name) + " is NULL");
  }
}

// `bytes` is the size that the struct had when the caller was compiled. Structs grow by whole
// words.
template <class Struct>
void check_size(std::size_t bytes, const char* name, const char* advice) {
  const std::string is = std::string(name) + " is " + std::to_string(bytes);
  if (bytes > sizeof(Struct)) {
    throw Error(Status::invalid_argument, is + " but plait " + plait::version() + " knows " +
                                              std::to_string(sizeof(Struct)) +
                                              ": the library is older than the header");
  }
  if (bytes == 0 || bytes % alignof(Struct) != 0) {
    throw Error(Status::invalid_argument, is + ": " + advice);
  }
}

// The fields that the caller set, and defaults for fields that the caller does not know.
template <class Struct>
Struct complete(const Struct* given, Struct defaults, const char* name, const char* advice) {
  // There must be no padding: a new field in its place would not change the size, by which old and
  // new callers are told apart.
  static_assert(std::has_unique_object_representations_v<Struct>);
  if (given == nullptr) return defaults;
  check_size<Struct>(given->struct_bytes, name, advice);
  std::memcpy(&defaults, given, given->struct_bytes);
  return defaults;
}

plait::Limits limits_of(const plait_limits* given) {
  const plait_limits set = complete(given, plait_limits PLAIT_LIMITS_INIT, "limits.struct_bytes",
                                    "start from PLAIT_LIMITS_INIT");
  plait::Limits limits;
  limits.max_workspace_bytes = set.max_workspace_bytes;
  if (set.accuracy != nullptr) limits.accuracy = plait::parse_accuracy(set.accuracy);
  if (set.algorithm != nullptr) limits.algorithm = set.algorithm;
  if (set.packed_format != nullptr) limits.packed_format = set.packed_format;
  limits.threads = set.threads;
  limits.prepacked = set.prepacked != 0;
  limits.reproducible = set.reproducible != 0;
  limits.tile_columns = set.tile_columns;
  return limits;
}

void copy_shape(const plait::Dims& shape, std::int64_t (&out)[4]) {
  std::copy(shape.begin(), shape.end(), out);
}

plait_plan_info info_of(const plait_plan& handle) {
  const Plan& plan = handle.plan;
  const Problem& problem = plan.problem();
  plait_plan_info info{};
  info.algorithm = plan.algorithm().c_str();
  info.target = handle.target.c_str();
  info.packed_format = plan.packed_format().c_str();
  copy_shape(problem.x_shape(), info.x_shape);
  copy_shape(problem.weight_shape(), info.weight_shape);
  copy_shape(problem.y_shape(), info.y_shape);
  info.multiplications = plan.cost().multiplications;
  info.workspace_bytes = plan.workspace_bytes();
  info.packed_bytes = plan.packed_bytes();
  info.predicted_seconds = plan.cost().predicted_seconds;
  info.error_rms = plan.cost().error_rms;
  info.error_bound = plan.cost().error_bound;
  info.error_range = plan.cost().error_range;
  info.error_floor = plan.cost().error_floor;
  info.threads = plan.threads();
  info.element_bytes = static_cast<std::int32_t>(plait::size_of(problem.dtype));
  info.has_bias = problem.bias ? 1 : 0;
  info.has_residual = problem.residual ? 1 : 0;
  return info;
}

template <class T>
TensorView<T> view_of(const plait::Operand& operand, T* data) {
  return {data, operand.shape, operand.strides};
}

template <class T>
TensorView<const T> bias_view(const Problem& problem, const T* bias) {
  return {bias, {problem.c_o}};
}

template <class T>
plait_status pack(const plait_plan* plan, const T* weight, const T* bias, plait_packed** packed) {
  return guarded([&] {
    require(packed, "packed");
    *packed = nullptr;
    require(plan, "plan");
    const Problem& problem = plan->plan.problem();
    *packed = new plait_packed{
        plan->plan.pack<T>(view_of(second_operand(problem), weight), bias_view(problem, bias))};
  });
}

// Checks the arguments that both forms of run take, and calls run(plan, x, y, options) with views.
template <class T, class Run>
plait_status run_checked(const plait_plan* plan, const T* x, const T* residual, T* y,
                         const plait_run_options* options, const Run& run) {
  return guarded([&] {
    require(plan, "plan");
    const plait_run_options set =
        complete(options, plait_run_options PLAIT_RUN_OPTIONS_INIT, "options.struct_bytes",
                 "start from PLAIT_RUN_OPTIONS_INIT");
    const std::size_t needed = plan->plan.workspace_bytes();
    if (set.workspace != nullptr && set.workspace_bytes < needed) {
      throw Error(Status::invalid_argument,
                  "the workspace has " + std::to_string(set.workspace_bytes) +
                      " bytes but the plan needs " + std::to_string(needed));
    }
    const Problem& problem = plan->plan.problem();
    plait::RunOptions<T> run_options;
    run_options.residual = {residual, problem.y_shape(), problem.effective_residual_strides()};
    run_options.workspace = set.workspace;
    run_options.cancel = set.cancel == nullptr ? nullptr : &set.cancel->flag;
    std::optional<plait::CallersExecutor> executor;
    if (set.executor != nullptr) run_options.executor = &executor.emplace(*set.executor);
    run(plan->plan, view_of(first_operand(problem), x), view_of(result_operand(problem), y),
        run_options);
  });
}

template <class T>
plait_status run_packed(const plait_plan* plan, const T* x, const plait_packed* packed,
                        const T* residual, T* y, const plait_run_options* options) {
  return run_checked(plan, x, residual, y, options,
                     [&](const Plan& p, auto x_view, auto y_view, const auto& run_options) {
                       require(packed, "packed");
                       p.run<T>(x_view, packed->packed, y_view, run_options);
                     });
}

template <class T>
plait_status run_unpacked(const plait_plan* plan, const T* x, const T* weight, const T* bias,
                          const T* residual, T* y, const plait_run_options* options) {
  return run_checked(plan, x, residual, y, options,
                     [&](const Plan& p, auto x_view, auto y_view, const auto& run_options) {
                       p.run<T>(x_view, view_of(second_operand(p.problem()), weight),
                                bias_view(p.problem(), bias), y_view, run_options);
                     });
}

}  // namespace

const char* plait_version() { return plait::version(); }

const char* plait_error_message() { return error_message; }

plait_status plait_plan_create(const char* problem_line, const plait_limits* limits,
                               plait_plan** plan) {
  return guarded([&] {
    require(plan, "plan");
    *plan = nullptr;
    require(problem_line, "problem_line");
    *plan = new plait_plan{plait::plan(problem_line, limits_of(limits))};
  });
}

void plait_plan_destroy(plait_plan* plan) { delete plan; }

plait_status plait_plan_get_info(const plait_plan* plan, plait_plan_info* info, size_t info_bytes) {
  return guarded([&] {
    require(plan, "plan");
    require(info, "info");
    check_size<plait_plan_info>(info_bytes, "info_bytes", "pass sizeof(plait_plan_info)");
    const plait_plan_info known = info_of(*plan);
    std::memcpy(info, &known, info_bytes);
  });
}

const char* plait_plan_explain(const plait_plan* plan) {
  const char* text = nullptr;
  guarded([&] {
    require(plan, "plan");
    std::call_once(plan->explained, [&] {
      std::ostringstream out;
      out << plan->plan.explain();
      plan->explanation = out.str();
    });
    text = plan->explanation.c_str();
  });
  return text;
}

plait_status plait_pack_f32(const plait_plan* plan, const float* weight, const float* bias,
                            plait_packed** packed) {
  return pack(plan, weight, bias, packed);
}

plait_status plait_pack_f64(const plait_plan* plan, const double* weight, const double* bias,
                            plait_packed** packed) {
  return pack(plan, weight, bias, packed);
}

void plait_packed_destroy(plait_packed* packed) { delete packed; }

plait_status plait_cancel_create(plait_cancel** cancel) {
  return guarded([&] {
    require(cancel, "cancel");
    *cancel = nullptr;
    *cancel = new plait_cancel;
  });
}

plait_status plait_cancel_set(plait_cancel* cancel, int cancelled) {
  return guarded([&] {
    require(cancel, "cancel");
    cancel->flag.store(cancelled != 0, std::memory_order_relaxed);
  });
}

void plait_cancel_destroy(plait_cancel* cancel) { delete cancel; }

plait_status plait_run_f32(const plait_plan* plan, const float* x, const plait_packed* packed,
                           const float* residual, float* y, const plait_run_options* options) {
  return run_packed(plan, x, packed, residual, y, options);
}

plait_status plait_run_f64(const plait_plan* plan, const double* x, const plait_packed* packed,
                           const double* residual, double* y, const plait_run_options* options) {
  return run_packed(plan, x, packed, residual, y, options);
}

plait_status plait_run_unpacked_f32(const plait_plan* plan, const float* x, const float* weight,
                                    const float* bias, const float* residual, float* y,
                                    const plait_run_options* options) {
  return run_unpacked(plan, x, weight, bias, residual, y, options);
}

plait_status plait_run_unpacked_f64(const plait_plan* plan, const double* x, const double* weight,
                                    const double* bias, const double* residual, double* y,
                                    const plait_run_options* options) {
  return run_unpacked(plan, x, weight, bias, residual, y, options);
}
