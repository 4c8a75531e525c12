// plait.cost.
#include <plait/analysis/layer_cost.hpp>

#include <nanobind/stl/string.h>

#include "arguments.hpp"
#include "bindings.hpp"
#include "io/json.hpp"

namespace plait::python {
namespace {

nb::dict cost_of(nb::handle problem, nb::handle direction) {
  Problem asked = to_problem(problem);
  if (!direction.is_none()) asked.direction = parse_direction(to_text("direction", direction));
  const cli::Json json = cli::to_json(cost(asked));
  nb::dict figures;
  for (const auto& [key, value] : json.items()) {
    if (value.is_number_integer()) {
      figures[key.c_str()] = value.get<std::int64_t>();
    } else if (value.is_number()) {
      figures[key.c_str()] = value.get<double>();
    } else {
      figures[key.c_str()] = value.get<std::string>();
    }
  }
  return figures;
}

constexpr const char* kCostDoc =
    R"(Count what a layer costs by its definition, whatever algorithm computes it.

A sum of t terms is t multiplications and t - 1 additions; a bias is one more addition per output.
Residual and activation are not counted.

Parameters
----------
problem : str or Problem
    A problem line or a problem.
direction : str, optional
    "forward", "backward_data", "backward_weights" or "backward_bias" instead of the problem's own.

Returns
-------
dict
    "direction"; "multiplications", "additions" and "operations", which is both; "macs", which are
    the multiplications, and "flops", 2 macs; "multiplications_without_padding" and
    "additions_without_padding", without the products by padding zeros; "parameters" and
    "parameters_with_bias"; "bytes_input", "bytes_weight", "bytes_output", "bytes_grad_input",
    "bytes_grad_weight" and "bytes_grad_output"; "memory_forward_bytes" (x, weight, y and the bias),
    "memory_training_forward_bytes" and "memory_backward_bytes" (x, weight, dy, dx, dweight and
    those of the bias): all exact. "arithmetic_intensity" in flops per byte read and written, and
    "roofline_seconds", the longer of multiplying at this machine's peak and of moving these bytes,
    at the rates that plans use.

Raises
------
ValueError
    If the problem is wrong, the direction is unknown, or a count passes 64 bits.

Examples
--------
>>> cost = plait.cost("1x128x256x256,128x128x5x5,p2")
>>> cost["operations"]
53678702592
>>> plait.cost("1x64x56x56,64x64x3x3,p1", direction="backward_weights")["multiplications"]
115605504)";

}  // namespace

void add_layer_cost(nb::module_& m) {
  m.def("cost", &cost_of, nb::arg("problem"), nb::arg("direction").none() = nb::none(),
        nb::sig("def cost(problem: str | Problem, direction: str | None = None) -> dict[str, Any]"),
        kCostDoc);
}

}  // namespace plait::python
