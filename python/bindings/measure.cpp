// plait.measure_peak_gflops.
#include <plait/analysis/measure.hpp>

#include <plait/machine.hpp>

#include "arguments.hpp"
#include "bindings.hpp"

namespace plait::python {
namespace {

double measure_peak(nb::handle threads, nb::handle seconds) {
  const double budget_seconds = to_double("seconds", seconds);
  const int count = to_threads(threads);
  const Machine& machine = host_machine();
  const nb::gil_scoped_release released;
  return measure_peak_gflops(machine.target, count > 0 ? count : machine.default_threads(),
                             budget_seconds);
}

constexpr const char* kMeasurePeakDoc =
    R"(Measure the highest rate of float32 multiply-adds that some threads reach together.

Clocks of shared machines wander: compare a layer's rate with a peak measured at its side.

Parameters
----------
threads : int, optional
    As many as a plan would use if not given.
seconds : float
    How long to try.

Returns
-------
float
    In 1e9 operations per second, two per multiply-add.)";

}  // namespace

void add_measure(nb::module_& m) {
  m.def("measure_peak_gflops", &measure_peak, nb::kw_only(), nb::arg("threads").none() = nb::none(),
        nb::arg("seconds") = 0.003,
        nb::sig("def measure_peak_gflops(*, threads: int | None = None, seconds: float = 0.003) "
                "-> float"),
        kMeasurePeakDoc);
}

}  // namespace plait::python
