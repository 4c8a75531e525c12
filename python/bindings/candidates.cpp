// plait.Cost and Candidate: what a plan predicts for each algorithm.
#include <plait/plan.hpp>

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <sstream>

#include "bindings.hpp"

namespace plait::python {

void add_candidates(nb::module_& m) {
  nb::class_<Cost>(m, "Cost", "What one algorithm is predicted to cost, in counts, bytes, seconds.")
      .def_ro("multiplications", &Cost::multiplications,
              "int: executed, padding zeros and tails of tiles included")
      .def_ro("useful_multiplications", &Cost::useful_multiplications,
              "int: of these, those that an output depends on")
      .def_ro("additions", &Cost::additions, "int: one for each product, and those of partial sums")
      .def_ro("transform_operations", &Cost::transform_operations,
              "int: multiplications and additions of transforms")
      .def_ro("l2_bytes", &Cost::l2_bytes, "int: moved between L1 and L2")
      .def_ro("dram_bytes", &Cost::dram_bytes, "int: moved between the last cache and memory")
      .def_ro("workspace_bytes", &Cost::workspace_bytes)
      .def_ro("packed_bytes", &Cost::packed_bytes)
      .def_ro("pack_seconds", &Cost::pack_seconds)
      .def_ro("product_seconds", &Cost::product_seconds)
      .def_ro("gather_seconds", &Cost::gather_seconds)
      .def_ro("memory_seconds", &Cost::memory_seconds)
      .def_ro("thread_seconds", &Cost::thread_seconds)
      .def_ro("predicted_seconds", &Cost::predicted_seconds)
      .def_ro("error_rms", &Cost::error_rms,
              "float: expected rms error / rms output, of ReLU-like inputs and He's weights")
      .def_ro(
          "error_bound", &Cost::error_bound,
          "float: of the guarantee |computed - exact| <= error_bound * (error_range * max|x| * "
          "sum|K| + |bias| + |residual|) + error_floor * (1 + max|x| + max|K|), for every output, "
          "with max|x| over its window and sum|K| and max|K| over its channel's weights")
      .def_ro("error_range", &Cost::error_range,
              "float: how far inputs around a window may be above it, 1 or 32; see `error_bound`")
      .def_ro("error_floor", &Cost::error_floor,
              "float: of numbers too small for the dtype, flushed to zero; see `error_bound`")
      .def("__repr__", [](const Cost& c) {
        std::ostringstream text;
        text << "<plait.Cost " << c.predicted_seconds << " s, " << c.multiplications
             << " multiplications, " << c.workspace_bytes << " bytes of workspace>";
        return text.str();
      });
  nb::class_<Candidate>(m, "Candidate", "One algorithm's answer to a problem.")
      .def_ro("algorithm", &Candidate::algorithm)
      .def_ro("summary", &Candidate::summary, "str: what it does, in one line")
      .def_prop_ro(
          "standing", [](const Candidate& c) { return name_of(c.standing); },
          "str: 'chosen', 'runner-up', 'slower' or 'refused'")
      .def_ro("reason", &Candidate::reason,
              "str: why it was chosen, why it is slower, or what refused it")
      .def_ro("factor", &Candidate::factor,
              "float: predicted time / that of the chosen one; 0 if refused")
      .def_ro("cost", &Candidate::cost, "Cost: all zero if refused")
      .def("__repr__", [](const Candidate& c) {
        return "<plait.Candidate " + c.algorithm + ": " + std::string(name_of(c.standing)) + ", " +
               c.reason + ">";
      });
}

}  // namespace plait::python
