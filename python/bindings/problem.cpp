// plait.Problem: the sizes and options of a layer, from a problem line or from shapes.
#include <plait/problem.hpp>

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <plait/analysis/layer_class.hpp>
#include <plait/error.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"

namespace plait::python {
namespace {

Dims to_shape(const char* name, nb::handle value) {
  if (!nb::isinstance<nb::sequence>(value) || PyUnicode_Check(value.ptr()) || nb::len(value) != 4) {
    throw nb::type_error(
        (std::string(name) + " must be a shape of four ints but is " + nb::repr(value).c_str())
            .c_str());
  }
  Dims shape;
  for (const nb::handle size : value) shape.push_back(to_int(name, size));
  return shape;
}

Dtype to_dtype(nb::handle value) {
  const std::string name = to_text("dtype", value);
  if (name == "float32") return Dtype::f32;
  if (name == "float64") return Dtype::f64;
  throw Error(Status::invalid_argument,
              "dtype must be 'float32' or 'float64' but is '" + name + "'");
}

Problem from_shapes(nb::handle x_shape, nb::handle weight_shape, nb::handle stride,
                    nb::handle padding, nb::handle dilation, nb::handle groups, nb::handle bias,
                    nb::handle residual, nb::handle activation, nb::handle padding_mode,
                    nb::handle padding_value, nb::handle layout, nb::handle dtype) {
  const Dims x = to_shape("x_shape", x_shape);
  const Dims weight = to_shape("weight_shape", weight_shape);
  Problem problem = Problem::of(x, weight);
  problem.groups = to_int("groups", groups);
  problem.stride = to_pair("stride", stride, Axes::hw);
  problem.dilation = to_pair("dilation", dilation, Axes::hw);
  problem.padding = to_padding(padding, Axes::hw, problem);
  problem.bias = to_bool("bias", bias);
  problem.residual = to_bool("residual", residual);
  problem.activation = to_activation(activation);
  problem.padding_mode = to_padding_mode(padding_mode);
  problem.padding_value = to_double("padding_value", padding_value);
  problem.x_layout = problem.y_layout = to_layout(layout, Axes::hw);
  problem.dtype = to_dtype(dtype);
  if (problem.groups >= 1 && problem.c_i != weight[1] * problem.groups) {
    throw Error(Status::invalid_argument,
                "weight expects " + std::to_string(weight[1] * problem.groups) +
                    " input channels (" + std::to_string(weight[1]) + " in each of " +
                    std::to_string(problem.groups) + " groups) but x has " +
                    std::to_string(problem.c_i) + " (x_shape is n x c x h x w, in any layout)");
  }
  validate(problem);
  return problem;
}

nb::tuple pair_tuple(Pair pair) { return nb::make_tuple(pair.h, pair.w); }

constexpr const char* kProblemDoc =
    R"(A convolution layer: everything that decides the result except the numbers.

Parameters
----------
line : str
    A problem line, such as ``"1x64x56x56,64x64x3x3,s1,p1"``: the shape of x
    (n x c_in x h x w), the shape of the weights (c_out x c_in/groups x k_h x k_w), and options in
    any order. A name before a colon is dropped.

Raises
------
ValueError
    With the column and the text that is wrong, or with the shapes and the rule that they break.

See Also
--------
from_shapes : the same from Python's values.

Notes
-----
``str(problem)`` is the canonical line; equal problems compare and hash equal.)";

constexpr const char* kFromShapesSignature =
    "def from_shapes(x_shape: Sequence[int], weight_shape: Sequence[int], *, "
    "stride: int | Sequence[int] = 1, "
    "padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0, "
    "dilation: int | Sequence[int] = 1, groups: int = 1, bias: bool = False, "
    "residual: bool = False, activation: str | None = None, padding_mode: str = 'zeros', "
    "padding_value: float = 0.0, layout: str = 'nchw', dtype: str = 'float32') -> Problem";

constexpr const char* kFromShapesDoc = R"(A problem from shapes and options.

Parameters
----------
x_shape, weight_shape : sequence of int
    (n, c_in, h, w) and (c_out, c_in/groups, k_h, k_w), whatever the layout.
stride, padding, dilation, groups, activation, padding_mode, padding_value
    As in `plait.conv2d`.
bias, residual : bool
    Whether the layer adds a bias, and a tensor like the output.
layout : {'nchw', 'nhwc'}
    How x and y lie in memory.
dtype : {'float32', 'float64'}

Returns
-------
Problem

Raises
------
ValueError
    Naming the shapes and the rule that they break.)";

}  // namespace

void add_problem(nb::module_& m) {
  nb::class_<Problem>(m, "Problem", kProblemDoc)
      .def(
          "__init__",
          [](Problem* self, nb::handle line) {
            if (line.is_none()) throw nb::type_error("line must be a str but is None");
            new (self) Problem(parse_problem(to_text("line", line)));
          },
          nb::arg("line").none(), nb::sig("def __init__(self, line: str) -> None"))
      .def_static("from_shapes", &from_shapes, nb::arg("x_shape"), nb::arg("weight_shape"),
                  nb::kw_only(), nb::arg("stride") = 1, nb::arg("padding") = 0,
                  nb::arg("dilation") = 1, nb::arg("groups") = 1, nb::arg("bias") = false,
                  nb::arg("residual") = false, nb::arg("activation").none() = nb::none(),
                  nb::arg("padding_mode") = "zeros", nb::arg("padding_value") = 0.0,
                  nb::arg("layout") = "nchw", nb::arg("dtype") = "float32",
                  nb::sig(kFromShapesSignature), kFromShapesDoc)
      .def_prop_ro(
          "x_shape", [](const Problem& p) { return to_tuple(p.x_shape()); },
          nb::sig("def x_shape(self) -> tuple[int, int, int, int]"),
          "tuple: (n, c_in, h, w), in any layout")
      .def_prop_ro(
          "weight_shape", [](const Problem& p) { return to_tuple(p.weight_shape()); },
          nb::sig("def weight_shape(self) -> tuple[int, int, int, int]"),
          "tuple: (c_out, c_in/groups, k_h, k_w)")
      .def_prop_ro(
          "y_shape", [](const Problem& p) { return to_tuple(p.y_shape()); },
          nb::sig("def y_shape(self) -> tuple[int, int, int, int]"),
          "tuple: (n, c_out, h_out, w_out), in any layout")
      .def_prop_ro(
          "stride", [](const Problem& p) { return pair_tuple(p.stride); },
          nb::sig("def stride(self) -> tuple[int, int]"), "tuple: (h, w)")
      .def_prop_ro(
          "padding",
          [](const Problem& p) {
            return nb::make_tuple(nb::make_tuple(p.padding.top, p.padding.bottom),
                                  nb::make_tuple(p.padding.left, p.padding.right));
          },
          nb::sig("def padding(self) -> tuple[tuple[int, int], tuple[int, int]]"),
          "tuple: ((top, bottom), (left, right))")
      .def_prop_ro(
          "dilation", [](const Problem& p) { return pair_tuple(p.dilation); },
          nb::sig("def dilation(self) -> tuple[int, int]"), "tuple: (h, w)")
      .def_ro("groups", &Problem::groups)
      .def_ro("bias", &Problem::bias, "bool: whether the layer adds one value per output channel")
      .def_ro("residual", &Problem::residual, "bool: whether it adds a tensor like the output")
      .def_prop_ro(
          "activation",
          [](const Problem& p) -> nb::object {
            if (p.activation.kind == ActivationKind::none) return nb::none();
            std::string text(name_of(p.activation.kind));
            if (p.activation.kind == ActivationKind::leaky) {
              text += std::string(":") + nb::repr(nb::float_(p.activation.slope)).c_str();
            }
            return nb::cast(text);
          },
          nb::sig("def activation(self) -> str | None"), "str or None: as after act= in the line")
      .def_prop_ro("padding_mode", [](const Problem& p) { return name_of(p.padding_mode); })
      .def_ro("padding_value", &Problem::padding_value, "float: of padding_mode 'constant'")
      .def_prop_ro(
          "dtype",
          [](const Problem& p) -> std::string_view {
            if (p.dtype == Dtype::f32) return "float32";
            if (p.dtype == Dtype::f64) return "float64";
            return name_of(p.dtype);
          },
          "str: 'float32', 'float64', or the line's name of another")
      .def_prop_ro(
          "direction", [](const Problem& p) { return name_of(p.direction); },
          "str: 'forward' or 'backward_...'")
      .def_prop_ro("x_layout", [](const Problem& p) { return name_of(p.x_layout); })
      .def_prop_ro(
          "y_layout", [](const Problem& p) { return name_of(p.y_layout); },
          "str: of y and of the residual")
      .def_prop_ro("depth", &Problem::depth, "int: terms in the sum of one output")
      .def_prop_ro("multiplications", &Problem::multiplications,
                   "int: products of the layer, those with padding zeros included")
      .def_prop_ro(
          "layer_class", [](const Problem& p) { return name_of(layer_class(p)); },
          "str: the kind of layer that benchmarks average by, such as '3x3 s1 at 28+ px'")
      .def("__str__", [](const Problem& p) { return to_string(p); })
      .def("__repr__", [](const Problem& p) { return "plait.Problem('" + to_string(p) + "')"; })
      .def(
          "__eq__", [](const Problem& a, const Problem& b) { return a == b; }, nb::is_operator(),
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__hash__", [](const Problem& p) { return std::hash<std::string>()(to_string(p)); })
      .def(
          "__reduce__",
          [](nb::handle self) {
            return nb::make_tuple(self.type(), nb::make_tuple(nb::str(self)));
          },
          nb::sig("def __reduce__(self) -> tuple[type[Problem], tuple[str]]"));
}

}  // namespace plait::python
