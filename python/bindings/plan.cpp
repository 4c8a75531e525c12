// plait.plan, Plan and Packed.
#include <plait/operands.hpp>
#include <plait/plan.hpp>

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <sstream>

#include <plait/error.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "long_call.hpp"

namespace plait::python {
namespace {

const Dims kNchwFromNhwc{0, 3, 1, 2};

Plan make_plan(nb::handle problem, nb::handle weight_shape, nb::handle accuracy,
               nb::handle max_workspace_bytes, nb::handle threads, nb::handle prepacked,
               nb::handle packed_format, nb::handle algorithm, nb::handle reproducible,
               nb::handle tile_columns) {
  if (!weight_shape.is_none() || PyTuple_Check(problem.ptr()) || PyList_Check(problem.ptr())) {
    throw nb::type_error(
        "the problem must be a problem line (str) or a plait.Problem, not shapes: pass "
        "plait.Problem.from_shapes(x_shape, weight_shape, stride=..., padding=...)");
  }
  Limits limits;
  limits.accuracy = parse_accuracy(to_text("accuracy", accuracy));
  limits.max_workspace_bytes = to_workspace_cap(max_workspace_bytes);
  limits.threads = to_threads(threads);
  limits.prepacked = to_bool("prepacked", prepacked);
  limits.packed_format = to_text("packed_format", packed_format);
  limits.algorithm = to_text("algorithm", algorithm);
  limits.reproducible = to_bool("reproducible", reproducible);
  if (!tile_columns.is_none()) {
    const std::int64_t outputs = to_int("tile_columns", tile_columns);
    if (outputs < 1 || outputs > std::numeric_limits<int>::max()) {
      throw Error(Status::invalid_argument,
                  "tile_columns must be at least 1, or None, but is " + std::to_string(outputs));
    }
    limits.tile_columns = static_cast<int>(outputs);
  }
  return plan(to_problem(problem), limits);
}

// The view with axes n, c, h, w. For an NHWC problem the array is n x h x w x c, as it lies in
// memory, or an n x c x h x w view of such memory.
template <class T>
TensorView<T> in_problem_axes(const TensorView<T>& view, const Operand& operand) {
  if (operand.layout != Layout::nhwc || view.rank() != 4) return view;
  const TensorView<T> moved = transposed(view, kNchwFromNhwc);
  const bool as_it_lies = moved.shape() == operand.shape &&
                          (view.shape() != operand.shape || moved.strides() == operand.strides);
  return as_it_lies ? moved : view;
}

// The arrays of one run.
template <class T>
class Run {
 public:
  Run(const Plan& plan, const Array& x, const Array& residual, const Kind& kind)
      : plan_(plan),
        problem_(plan.problem()),
        first_(first_operand(problem_)),
        result_(result_operand(problem_)),
        kind_(kind) {
    options_.executor = kind.executor();
    x_ = in_problem_axes(x.view<const T>(), first_);
    options_.residual = in_problem_axes(
        residual.view<const T>(),
        {"residual", problem_.y_shape(), problem_.effective_residual_strides(), problem_.y_layout});
    // For an n x c x h x w view of NHWC memory the output is such a view too.
    y_as_view_ = result_.layout == Layout::nhwc && first_.layout == Layout::nhwc &&
                 x.shape().rank() == 4 && x_.strides() == x.view<const T>().strides();
  }

  nb::object make_output() const {
    const Dims y = result_.shape;
    const Dims dense = y.rank() == 4 ? layout_strides(y, result_.layout) : dense_strides(y);
    if (result_.strides != dense) {
      throw Error(Status::invalid_argument,
                  "the problem gives " + std::string(result_.name) +
                      " strides of its own, so pass the array to write to as out");
    }
    if (result_.layout == Layout::nchw) return kind_.empty(y, problem_.dtype);
    const nb::object made = kind_.empty({y[0], y[2], y[3], y[1]}, problem_.dtype);
    return y_as_view_ ? transposed(made, kNchwFromNhwc) : made;
  }

  void write(const Array& out, nb::handle packed) {
    const TensorView<T> y = in_problem_axes(out.view<T>(), result_);
    Packed* weights = nullptr;
    if (nb::try_cast(packed, weights) && weights != nullptr) {
      released([&] { plan_.run<T>(x_, *weights, y, options_); });
      return;
    }
    nb::handle weight_object = packed;
    nb::handle bias_object = nb::none();
    nb::tuple pair;
    if (PyTuple_Check(packed.ptr()) && nb::len(packed) == 2) {
      weight_object = PyTuple_GET_ITEM(packed.ptr(), 0);
      bias_object = PyTuple_GET_ITEM(packed.ptr(), 1);
    }
    Array weight("weight", weight_object);
    Array bias("bias", bias_object);
    promote({&weight, &bias}, problem_.dtype);
    const auto weight_view = in_problem_axes(weight.view<const T>(), second_operand(problem_));
    const auto bias_view = bias.view<const T>();
    released([&] { plan_.run<T>(x_, weight_view, bias_view, y, options_); });
  }

 private:
  template <class Work>
  void released(Work&& work) {
    run_released(plan_.cost().predicted_seconds, [&](std::atomic<bool>* cancel) {
      options_.cancel = cancel;
      work();
    });
  }

  const Plan& plan_;
  const Problem& problem_;
  Operand first_;
  Operand result_;
  const Kind& kind_;
  TensorView<const T> x_;
  RunOptions<T> options_;
  bool y_as_view_ = false;
};

template <class T>
nb::object run_typed(const Plan& plan, Array& x, nb::handle packed, nb::handle residual_object,
                     nb::handle out_object) {
  Array residual("residual", residual_object);
  promote({&x, &residual}, plan.problem().dtype);
  const Kind kind(x);
  kind.check({&x, &residual});
  Run<T> run(plan, x, residual, kind);
  if (out_object.is_none()) {
    const nb::object made = run.make_output();
    run.write(Array("out", made, Access::write), packed);
    return kind.adopt(made);
  }
  const Array out("out", out_object, Access::write);
  kind.check({&out});
  run.write(out, packed);
  return nb::borrow(out_object);
}

nb::object run(const Plan& plan, nb::handle x_object, nb::handle packed, nb::handle residual,
               nb::handle out) {
  Array x("x", x_object);
  require({&x});
  if (packed.is_none() && plan.problem().direction != Direction::backward_bias) {
    throw nb::type_error("packed is missing");
  }
  return plan.problem().dtype == Dtype::f64 ? run_typed<double>(plan, x, packed, residual, out)
                                            : run_typed<float>(plan, x, packed, residual, out);
}

template <class T>
Packed pack_typed(const Plan& plan, const Array& weight, const Array& bias) {
  const auto dense = [](const TensorView<const T>& view) {
    return view.data() == nullptr || view.dense() ? Tensor<T>() : dense_copy(view);
  };
  const auto weight_view = weight.view<const T>();
  const auto bias_view = bias.view<const T>();
  const Tensor<T> weight_copy = dense(weight_view);
  const Tensor<T> bias_copy = dense(bias_view);
  const nb::gil_scoped_release released;
  return plan.pack<T>(weight_copy.size() == 0 ? weight_view : weight_copy.view(),
                      bias_copy.size() == 0 ? bias_view : bias_copy.view());
}

Packed pack(const Plan& plan, nb::handle weight_object, nb::handle bias_object) {
  Array weight("weight", weight_object);
  Array bias("bias", bias_object);
  require({&weight});
  promote({&weight, &bias}, plan.problem().dtype);
  Kind(weight).check({&weight, &bias});
  return plan.problem().dtype == Dtype::f64 ? pack_typed<double>(plan, weight, bias)
                                            : pack_typed<float>(plan, weight, bias);
}

std::string explanation_text(const Plan& plan) {
  std::ostringstream text;
  text << plan.explain();
  return text.str();
}

constexpr const char* kPlanSignature =
    "def plan(problem: str | Problem, *, accuracy: str = 'fp32', "
    "max_workspace_bytes: int | None = None, threads: int | None = None, prepacked: bool = True, "
    "packed_format: str | None = None, algorithm: str | None = None, reproducible: bool = False, "
    "tile_columns: int | None = None) -> Plan";

constexpr const char* kPlanDoc = R"(Plan a convolution: which algorithm, why, and at what cost.

Parameters
----------
problem : str or Problem
    A problem line, such as ``"1x64x56x56,64x64x3x3,p1"``, or a `Problem`.
accuracy : {'strict', 'fp32', 'relaxed'}
    Largest expected rms error / rms output: 5e-7, 2e-6, 5e-6.
max_workspace_bytes : int, optional
    Cap on the memory a run needs beside its operands; 0 always works.
threads : int, optional
    Threads of a run; None for what this process may use.
prepacked : bool
    True if weights are packed once by `Plan.pack`; False if every run gets them as they are.
packed_format : str, optional
    Only algorithms that take weights packed like this.
algorithm : str, optional
    Only this one; `plait.algorithms()` lists them.
reproducible : bool
    Whether the choice may depend on the problem and these limits alone.
tile_columns : int, optional
    Outputs side by side in a register tile.

Returns
-------
Plan

Raises
------
ValueError
    If the problem is not valid, or no algorithm takes it within the limits (with every reason).

Examples
--------
>>> plan = plait.plan("1x3x224x224,64x3x7x7,s2,p3,bias,act=relu")
>>> weight = numpy.ones((64, 3, 7, 7), "float32")
>>> packed = plan.pack(weight, numpy.zeros(64, "float32"))
>>> plan.run(numpy.ones((1, 3, 224, 224), "float32"), packed).shape
(1, 64, 112, 112))";

constexpr const char* kRunDoc = R"(Run the plan: y = act(conv(x, weight) + bias + residual).

Parameters
----------
x : array
    Shape n x c_in x h x w with the problem's strides. For an nhwc problem n x h x w x c_in, or an
    n x c_in x h x w view of such memory. In backward_data and backward_bias dy, like y.
packed : Packed, array, or tuple (array, array)
    What `pack` returned; for a plan with ``prepacked=False`` the weight, or weight and bias. In
    backward_weights dy, in backward_bias None.
residual : array, optional
    Like y; if and only if the problem has one.
out : array, optional
    Where to write y, without allocating; must not overlap x.

Returns
-------
array
    y, of shape n x c_out x h_out x w_out (n x h_out x w_out x c_out for nhwc): `out`, or a new
    array of the same kind as x. The gradient in other directions: dx, like x, dK, like weight, or
    dbias, of shape c_out.

Raises
------
ValueError
    Before anything is written, if a shape, stride, dtype, packed format or overlap breaks a rule.
TypeError
    If something is not on the CPU, or has values that the problem's dtype may not hold: int64, say,
    or float64 in a float32 problem.
KeyboardInterrupt
    On Ctrl-C, leaving y unspecified.

Notes
-----
The GIL is released. Several threads may run one plan at once, with outputs of their own.)";

}  // namespace

void add_plan(nb::module_& m) {
  nb::class_<Packed>(m, "Packed",
                     "Weights and bias in the order one algorithm wants them; from `Plan.pack`.")
      .def_prop_ro("format", &Packed::format, "str: algorithm, target, tile and weight shape")
      .def_prop_ro("nbytes", &Packed::bytes, "int: bytes")
      .def("__repr__", [](const Packed& p) {
        return "<plait.Packed " + p.format() + ", " + std::to_string(p.bytes()) + " bytes>";
      });
  nb::class_<Plan>(m, "Plan", "How a problem will be computed; from `plait.plan`. Immutable.")
      .def_prop_ro("problem", &Plan::problem, nb::rv_policy::copy)
      .def_prop_ro("algorithm", &Plan::algorithm)
      .def_prop_ro(
          "target", [](const Plan& p) { return name_of(p.target()); },
          "str: the SIMD instruction set")
      .def_prop_ro("threads", &Plan::threads)
      .def_prop_ro("workspace_bytes", &Plan::workspace_bytes,
                   "int: memory a run needs beside its operands, exactly; kept per thread")
      .def_prop_ro("packed_bytes", &Plan::packed_bytes)
      .def_prop_ro("packed_format", &Plan::packed_format)
      .def_prop_ro("predicted_seconds", [](const Plan& p) { return p.cost().predicted_seconds; })
      .def_prop_ro(
          "error_rms", [](const Plan& p) { return p.cost().error_rms; },
          "float: expected rms error / rms output")
      .def_prop_ro(
          "error_bound", [](const Plan& p) { return p.cost().error_bound; },
          "float: see `Cost.error_bound`")
      .def_prop_ro(
          "error_range", [](const Plan& p) { return p.cost().error_range; },
          "float: see `Cost.error_bound`")
      .def_prop_ro(
          "error_floor", [](const Plan& p) { return p.cost().error_floor; },
          "float: see `Cost.error_bound`")
      .def_prop_ro("cost", &Plan::cost, nb::rv_policy::copy)
      .def_prop_ro(
          "candidates", [](const Plan& p) { return p.explain().candidates; },
          "list of Candidate: chosen, runner-up, slower ones, refused ones")
      .def_prop_ro(
          "config", [](const Plan& p) { return p.explain().config; }, "str: how the work is cut up")
      .def("explain", &explanation_text, "The plan in words: what was chosen, why, at what cost.")
      .def("pack", &pack, nb::arg("weight").none(), nb::arg("bias").none() = nb::none(),
           nb::sig("def pack(self, weight: Any, bias: Any = None) -> Packed"),
           "Pack weights (c_out x c_in/groups x k_h x k_w) and bias (c_out) for `run`.\n\n"
           "Returns\n-------\nPacked\n    A copy; immutable.\n\n"
           "Raises\n------\nValueError\n    For shapes other than the problem's.")
      .def("run", &run, nb::arg("x").none(), nb::arg("packed").none(),
           nb::arg("residual").none() = nb::none(), nb::arg("out").none() = nb::none(),
           nb::sig(
               "def run(self, x: Any, packed: Any, residual: Any = None, out: Any = None) -> Any"),
           kRunDoc)
      .def("__repr__", [](const Plan& p) {
        return "<plait.Plan " + to_string(p.problem()) + ": " + p.algorithm() + " on " +
               std::string(name_of(p.target())) + ", " + std::to_string(p.threads()) +
               (p.threads() == 1 ? " thread>" : " threads>");
      });
  m.def("plan", &make_plan, nb::arg("problem").none(), nb::arg("weight_shape").none() = nb::none(),
        nb::kw_only(),  // so that the error can say what to write instead
        nb::arg("accuracy").none() = "fp32", nb::arg("max_workspace_bytes").none() = nb::none(),
        nb::arg("threads").none() = nb::none(), nb::arg("prepacked").none() = true,
        nb::arg("packed_format").none() = nb::none(), nb::arg("algorithm").none() = nb::none(),
        nb::arg("reproducible").none() = false, nb::arg("tile_columns").none() = nb::none(),
        nb::sig(kPlanSignature), kPlanDoc);
  m.def(
      "algorithms",
      [] {
        nb::dict all;
        for (const AlgorithmInfo& one : algorithms()) all[one.name.c_str()] = one.summary;
        return all;
      },
      nb::sig("def algorithms() -> dict[str, str]"),
      "All algorithms, by name.\n\nReturns\n-------\ndict\n    From name to what it does, in one "
      "line.");
}

}  // namespace plait::python
