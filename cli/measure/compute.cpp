#include "measure/compute.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

#include <plait/analysis/measure.hpp>

#include "app/interrupt.hpp"

namespace plait::cli {
namespace {

double seconds_of(auto&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::int64_t span_of(const Dims& shape, const Dims& strides) {
  std::int64_t span = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    span += (shape[axis] - 1) * std::abs(strides[axis]);
  }
  return span;
}

void check_memory(double bytes, const std::string& of) {
  const double available =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (bytes <= available) return;
  throw Error(Status::out_of_memory,
              fmt::format("needs some {:.3g} GB of memory ({}) but the machine has {:.3g} GB",
                          bytes / 1e9, of, available / 1e9));
}

void check_memory(const Plan& plan) {
  const Problem& p = plan.problem();
  const std::int64_t elements =
      span_of(p.x_shape(), p.effective_x_strides()) + element_count(p.kernel_shape()) +
      span_of(p.y_shape(), p.effective_y_strides()) +
      (p.residual ? span_of(p.y_shape(), p.effective_residual_strides()) : 0);
  const double needed = static_cast<double>(elements) * static_cast<double>(size_of(p.dtype)) +
                        static_cast<double>(plan.workspace_bytes()) +
                        static_cast<double>(plan.packed_bytes());
  check_memory(needed,
               fmt::format("x is {}, y is {}", to_string(p.x_shape()), to_string(p.y_shape())));
}

template <class T>
Tensor<T> run_and_measure(const Plan& plan, const Tensor<T>& x, const Tensor<T>& kernel,
                          const Tensor<T>* bias, double budget_seconds, Measured& measured) {
  const TensorView<const T> bias_view = bias != nullptr ? bias->view() : TensorView<const T>{};
  measured.explanation = plan.explain();
  measured.multiplications = plan.problem().multiplications();
  measured.error_bound = plan.cost().error_bound;

  Tensor<T> y(plan.problem().y_shape());
  Packed packed;
  measured.pack_seconds = seconds_of([&] { packed = plan.pack<T>(kernel.view(), bias_view); });
  RunOptions<T> options;
  options.cancel = &interrupted();
  options.report = &measured.ran;
  Timings timings;
  time_runs<T>(plan, x, packed, y, budget_seconds, timings, options);
  measured.runs = timings.runs;
  measured.seconds = summarize(std::move(timings.seconds)).median_seconds;

  stop_if_interrupted();
  measured.error = measure_error<T>(plan.problem(), plan.cost().bound(), x.view(), kernel.view(),
                                    bias_view, {}, y.view(), 1, &interrupted());
  stop_if_interrupted();
  return y;
}

template Tensor<float> run_and_measure(const Plan&, const Tensor<float>&, const Tensor<float>&,
                                       const Tensor<float>*, double, Measured&);
template Tensor<double> run_and_measure(const Plan&, const Tensor<double>&, const Tensor<double>&,
                                        const Tensor<double>*, double, Measured&);

}  // namespace plait::cli
