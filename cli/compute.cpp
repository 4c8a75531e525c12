#include "compute.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "interrupt.hpp"

namespace plait::faces {
namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void check_memory(const Plan& plan) {
  const Problem& p = plan.problem();
  const double element = static_cast<double>(size_of(p.dtype));
  const double x = static_cast<double>(element_count(p.x_shape())) * element;
  // y, and the reference in f64 where it is computed in full.
  const double y = static_cast<double>(element_count(p.y_shape())) * (element + 8);
  const double needed = x + y + static_cast<double>(plan.workspace_bytes()) +
                        2 * static_cast<double>(plan.packed_bytes());
  const double available =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (needed <= available) return;
  throw Error(
      Status::unsupported,
      fmt::format("needs some {:.3g} GB of memory (x is {}, y is {}) but the machine has "
                  "{:.3g} GB",
                  needed / 1e9, to_string(p.x_shape()), to_string(p.y_shape()), available / 1e9));
}

template <class T>
Tensor<T> run_and_measure(const Plan& plan, const Tensor<T>& x, const Tensor<T>& kernel,
                          const Tensor<T>* bias, double budget_seconds, Measured& measured) {
  const TensorView<const T> bias_view = bias != nullptr ? bias->view() : TensorView<const T>{};
  measured.explanation = plan.explain();
  measured.multiplications = plan.problem().multiplications();
  measured.error_bound = plan.cost().error_bound;

  Tensor<T> y(plan.problem().y_shape());
  const Stopwatch pack_watch;
  const Packed packed = plan.pack<T>(kernel.view(), bias_view);
  measured.pack_seconds = pack_watch.seconds();
  RunOptions<T> options;
  options.cancel = &interrupted();
  options.report = &measured.ran;
  const auto timed_run = [&] {
    const Stopwatch watch;
    plan.run<T>(x, packed, y, options);
    return watch.seconds();
  };

  const Stopwatch total;
  std::vector<double> times = {timed_run()};
  if (total.seconds() < budget_seconds) {
    times.clear();  // the first run warmed up caches, pages and threads
    do {
      times.push_back(timed_run());
    } while (total.seconds() < budget_seconds);
  }
  measured.runs = static_cast<int>(times.size());
  measured.seconds = median(std::move(times));

  stop_if_interrupted();
  measured.error = measure_error<T>(plan.problem(), measured.error_bound, x.view(), kernel.view(),
                                    bias_view, {}, y.view());
  stop_if_interrupted();
  return y;
}

template Tensor<float> run_and_measure(const Plan&, const Tensor<float>&, const Tensor<float>&,
                                       const Tensor<float>*, double, Measured&);
template Tensor<double> run_and_measure(const Plan&, const Tensor<double>&, const Tensor<double>&,
                                        const Tensor<double>*, double, Measured&);

}  // namespace plait::faces
