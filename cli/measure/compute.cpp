#include "measure/compute.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include <plait/analysis/measure.hpp>
#include <plait/text.hpp>

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
      span_of(p.x_shape(), p.effective_x_strides()) + element_count(p.weight_shape()) +
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

Totals totals_of(const std::vector<Measured>& measured) {
  Totals totals;
  for (const Measured& one : measured) {
    totals.seconds += one.seconds;
    totals.multiplications += one.multiplications;
    totals.kept_bound = totals.kept_bound && one.kept_bound();
  }
  return totals;
}

std::string measured_text(const Measured& measured) {
  const ErrorReport& error = measured.error;
  std::string text;
  text += fmt::format("time      {}, median of {}; packing the weights {}\n",
                      seconds_text(measured.seconds), counted(measured.runs, "run"),
                      seconds_text(measured.pack_seconds));
  text += fmt::format("rate      {:.3g} GFLOP/s\n", measured.gflops());
  if (measured.ran.direct_tiles > 0) {
    text += fmt::format("tiles     {}, of which {} by direct sums: their inputs differ too much\n",
                        count_text(measured.ran.tiles), count_text(measured.ran.direct_tiles));
  }
  text += fmt::format("error     rms {:.2g} of the output's, largest {:.2g}, {:.2g} of its bound",
                      error.relative_rms(), error.max_error, error.worst_bound_share);
  text += error.checked == error.outputs
              ? fmt::format(" (all {} outputs)\n", error.outputs)
              : fmt::format(" ({} of {} outputs)\n", error.checked, error.outputs);
  return text;
}

std::string broken_bound_text(const std::vector<Measured>& measured) {
  const auto share = [](const Measured& one) { return one.error.worst_bound_share; };
  const auto worst =
      std::max_element(measured.begin(), measured.end(),
                       [&](const Measured& a, const Measured& b) { return share(a) < share(b); });
  const ErrorReport& error = worst->error;
  return fmt::format(
      "{}output [{}, {}, {}, {}] is {:.9g} but {:.9g} by the reference, {:.3g} times as far from "
      "it as its bound allows",
      worst->name.empty() ? "" : worst->name + ": ", error.worst_at[0], error.worst_at[1],
      error.worst_at[2], error.worst_at[3], error.worst_computed, error.worst_exact,
      error.worst_bound_share);
}

std::string totals_text(const Totals& totals, std::size_t convolutions) {
  return fmt::format("total     {} for {} convolutions, {:.3g} GFLOP/s\n",
                     seconds_text(totals.seconds), convolutions, totals.gflops());
}

Json to_json(const ErrorReport& error, double bound) {
  return {{"outputs", error.outputs},
          {"checked", error.checked},
          {"rms_output", error.rms_output},
          {"rms_error", error.rms_error},
          {"relative_rms", error.relative_rms()},
          {"max_error", error.max_error},
          {"bound", bound},
          {"worst_bound_share", error.worst_bound_share},
          {"kept_bound", error.worst_bound_share <= 1}};
}

Json to_json(const Measured& measured) {
  return {{"name", measured.name},
          {"plan", to_json(measured.explanation)},
          {"ran",
           {{"algorithm", measured.ran.algorithm},
            {"target", name_of(measured.ran.target)},
            {"threads", measured.ran.threads},
            {"tiles", measured.ran.tiles},
            {"direct_tiles", measured.ran.direct_tiles}}},
          {"runs", measured.runs},
          {"seconds", measured.seconds},
          {"pack_seconds", measured.pack_seconds},
          {"multiplications", measured.multiplications},
          {"gflops", measured.gflops()},
          {"error", to_json(measured.error, measured.error_bound)}};
}

template Tensor<float> run_and_measure(const Plan&, const Tensor<float>&, const Tensor<float>&,
                                       const Tensor<float>*, double, Measured&);
template Tensor<double> run_and_measure(const Plan&, const Tensor<double>&, const Tensor<double>&,
                                        const Tensor<double>*, double, Measured&);

}  // namespace plait::cli
