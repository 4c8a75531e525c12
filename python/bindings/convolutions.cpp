// conv2d, conv1d and the chapter's functions: from Python's arrays and options to the library's
// calls, and back to an array of the input's kind. python/plait documents the arguments.
#include <plait/conv2d.hpp>
#include <plait/corr2d.hpp>
#include <plait/error.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "long_call.hpp"

namespace plait::python {
namespace {

// Everything a caller hands to conv2d or conv1d.
struct Call {
  Axes axes = Axes::hw;
  nb::handle input, weight, bias, stride, padding, dilation, groups, padding_mode, padding_value,
      activation, residual, layout, flip, algorithm, accuracy, max_workspace_bytes, threads,
      reproducible, out;
};

// A map of one axis as a picture of one row: an axis h of size 1 before w.
template <class T>
TensorView<T> with_row(const TensorView<T>& view, int before) {
  Dims shape;
  Dims strides;
  for (int axis = 0; axis < view.rank(); ++axis) {
    if (axis == before) {
      shape.push_back(1);
      strides.push_back(0);
    }
    shape.push_back(view.shape()[axis]);
    strides.push_back(view.strides()[axis]);
  }
  return {view.data(), shape, strides};
}

// Checked here, as the library would speak of axes that the caller of conv1d does not have.
void check_ranks_of_rows(const Array& input, const Array& weight, Layout layout) {
  if (input.shape().rank() != 2 && input.shape().rank() != 3) {
    const std::string axes = layout == Layout::nchw ? "c x l" : "l x c";
    throw Error(Status::invalid_argument, "input must be n x " + axes + " or " + axes + " but is " +
                                              to_string(input.shape()));
  }
  if (weight.shape().rank() != 3) {
    throw Error(Status::invalid_argument,
                "weight must be c_o x c_i/groups x k but is " + to_string(weight.shape()));
  }
}

// The kernel turned by 180 degrees: correlation with it is convolution with the kernel.
template <class T>
TensorView<T> turned(const TensorView<T>& kernel) {
  if (kernel.rank() != 4 || kernel.empty()) return kernel;
  const Dims& strides = kernel.strides();
  T* last = kernel.data() + (kernel.size(2) - 1) * strides[2] + (kernel.size(3) - 1) * strides[3];
  return {last, kernel.shape(), {strides[0], strides[1], -strides[2], -strides[3]}};
}

template <class T>
class Convolution {
 public:
  Convolution(const Call& call, const Array& input)
      : call_(call),
        layout_(to_layout(call.layout, call.axes)),
        input_(input),
        weight_("weight", call.weight),
        bias_("bias", call.bias),
        residual_("residual", call.residual),
        kind_(input_) {
    kind_.check({&input_, &weight_, &bias_, &residual_});
    if (call.axes == Axes::w) check_ranks_of_rows(input_, weight_, layout_);
    x_ = picture(input_);
    const auto weight = weight_.template view<const T>();
    kernel_ = call.axes == Axes::w ? with_row(weight, 2) : weight;
    if (to_bool("flip", call.flip)) kernel_ = turned(kernel_);
    options_ = options();
  }

  nb::object run() {
    const Plan plan = conv2d_plan<T>(x_, kernel_, options_);
    const double seconds = plan.cost().predicted_seconds;
    if (call_.out.is_none()) {
      const nb::object made = make_output(plan.problem());
      write(Array("out", made, Access::write), seconds);
      return kind_.adopt(made);
    }
    const Array out("out", call_.out, Access::write);
    kind_.check({&out});
    write(out, seconds);
    return nb::borrow(call_.out);
  }

 private:
  // A view of n x c x h x w (or in NHWC order), whatever the call's axes.
  template <class U = const T>
  TensorView<U> picture(const Array& array) const {
    const auto view = array.view<U>();
    if (!array.given() || call_.axes == Axes::hw) return view;
    return with_row(view, view.rank() - (layout_ == Layout::nchw ? 1 : 2));
  }

  Conv2dOptions<T> options() const {
    Conv2dOptions<T> o;
    o.stride = to_pair("stride", call_.stride, call_.axes);
    o.dilation = to_pair("dilation", call_.dilation, call_.axes);
    o.groups = to_int("groups", call_.groups);
    o.padding = to_padding(call_.padding, call_.axes, sizes(o));
    o.bias = bias_.view<const T>();
    o.residual = picture(residual_);
    o.activation = to_activation(call_.activation);
    o.padding_mode = to_padding_mode(call_.padding_mode);
    o.padding_value = to_double("padding_value", call_.padding_value);
    o.layout = layout_;
    o.accuracy = parse_accuracy(to_text("accuracy", call_.accuracy));
    o.max_workspace_bytes = to_workspace_cap(call_.max_workspace_bytes);
    o.threads = to_threads(call_.threads);
    o.algorithm = to_text("algorithm", call_.algorithm);
    o.reproducible = to_bool("reproducible", call_.reproducible);
    return o;
  }

  // What 'same' needs to know; wrong ranks are for the library to refuse.
  Problem sizes(const Conv2dOptions<T>& o) const {
    Problem problem;
    problem.stride = o.stride;
    problem.dilation = o.dilation;
    if (x_.rank() < 3 || kernel_.rank() != 4) return problem;
    const int h = x_.rank() - (layout_ == Layout::nchw ? 2 : 3);
    problem.h = x_.size(h);
    problem.w = x_.size(h + 1);
    problem.k_h = kernel_.size(2);
    problem.k_w = kernel_.size(3);
    return problem;
  }

  // A numpy array for the output, in the caller's axes, lying in memory as the plan wants it.
  nb::object make_output(const Problem& problem) const {
    const Dims y = problem.y_shape();
    const bool batch = x_.rank() == 4;
    const bool rows = call_.axes == Axes::w;
    Dims memory;  // sizes, outermost first
    if (batch) memory.push_back(y[0]);
    if (problem.y_layout == Layout::nchw) memory.push_back(y[1]);
    if (!rows) memory.push_back(y[2]);
    memory.push_back(y[3]);
    if (problem.y_layout == Layout::nhwc) memory.push_back(y[1]);
    nb::object made = kind_.empty(memory, input_.dtype());
    if (problem.y_layout == layout_) return made;
    // The caller's axes order is not that of memory: channels come first in one, last in the other.
    const int rank = memory.rank();
    const int first = batch ? 1 : 0;
    Dims axes;
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
    if (layout_ == Layout::nchw) {
      for (int axis = first; axis < rank; ++axis) axes[axis] = axis == first ? rank - 1 : axis - 1;
    } else {
      for (int axis = first; axis < rank; ++axis) axes[axis] = axis == rank - 1 ? first : axis + 1;
    }
    return transposed(made, axes);
  }

  void write(const Array& out, double predicted_seconds) {
    if (call_.axes == Axes::w && out.shape().rank() != input_.shape().rank()) {
      throw Error(Status::invalid_argument, "out must have as many axes as the input, " +
                                                std::to_string(input_.shape().rank()) +
                                                ", but is " + to_string(out.shape()));
    }
    const TensorView<T> y = picture<T>(out);
    run_released(predicted_seconds, [&](std::atomic<bool>* cancel) {
      options_.cancel = cancel;
      conv2d_into<T>(y, x_, kernel_, options_);
    });
  }

  const Call& call_;
  Layout layout_;
  const Array& input_;
  Array weight_, bias_, residual_;
  Kind kind_;
  TensorView<const T> x_, kernel_;
  Conv2dOptions<T> options_;
};

nb::object convolve(const Call& call) {
  for (const auto& [name, operand] : {std::pair{"input", call.input}, {"weight", call.weight}}) {
    if (operand.is_none()) throw nb::type_error((std::string(name) + " is missing").c_str());
  }
  const Array input("input", call.input);
  return input.dtype() == Dtype::f64 ? Convolution<double>(call, input).run()
                                     : Convolution<float>(call, input).run();
}

template <Axes axes>
nb::object convolve_positional(nb::handle input, nb::handle weight, nb::handle bias,
                               nb::handle stride, nb::handle padding, nb::handle dilation,
                               nb::handle groups, nb::handle padding_mode, nb::handle padding_value,
                               nb::handle activation, nb::handle residual, nb::handle layout,
                               nb::handle flip, nb::handle algorithm, nb::handle accuracy,
                               nb::handle max_workspace_bytes, nb::handle threads,
                               nb::handle reproducible, nb::handle out) {
  return convolve({axes,
                   input,
                   weight,
                   bias,
                   stride,
                   padding,
                   dilation,
                   groups,
                   padding_mode,
                   padding_value,
                   activation,
                   residual,
                   layout,
                   flip,
                   algorithm,
                   accuracy,
                   max_workspace_bytes,
                   threads,
                   reproducible,
                   out});
}

template <Axes axes>
void add_convolution(nb::module_& m, const char* name) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def(name, &convolve_positional<axes>, any("input"), any("weight"), any("bias"), any("stride"),
        any("padding"), any("dilation"), any("groups"), any("padding_mode"), any("padding_value"),
        any("activation"), any("residual"), any("layout"), any("flip"), any("algorithm"),
        any("accuracy"), any("max_workspace_bytes"), any("threads"), any("reproducible"),
        any("out"));
}

// One of the chapter's functions, of X and K.
template <class T>
using Chapter = Tensor<T> (*)(TensorView<const T>, TensorView<const T>);

template <class T>
nb::object correlate(Chapter<T> function, const Array& x, const Array& kernel) {
  const auto x_view = x.view<const T>();
  const auto kernel_view = kernel.view<const T>();
  Tensor<T> y;
  {
    const nb::gil_scoped_release released;
    y = function(x_view, kernel_view);
  }
  return to_numpy(std::move(y));
}

void add_chapter(nb::module_& m, const char* name, Chapter<float> f32, Chapter<double> f64) {
  m.def(
      name,
      [f32, f64](nb::handle x_object, nb::handle kernel_object) {
        const Array x("X", x_object);
        const Array kernel("K", kernel_object);
        for (const Array* array : {&x, &kernel}) {
          if (!array->given()) {
            throw nb::type_error((std::string(array->name()) + " is missing").c_str());
          }
        }
        const Kind kind(x);
        kind.check({&x, &kernel});
        return kind.adopt(x.dtype() == Dtype::f64 ? correlate<double>(f64, x, kernel)
                                                  : correlate<float>(f32, x, kernel));
      },
      nb::arg("X").none(), nb::arg("K").none());
}

}  // namespace

void add_convolutions(nb::module_& m) {
  add_convolution<Axes::hw>(m, "conv2d");
  add_convolution<Axes::w>(m, "conv1d");
  add_chapter(m, "corr2d", &corr2d<float>, &corr2d<double>);
  add_chapter(m, "corr2d_multi_in", &corr2d_multi_in<float>, &corr2d_multi_in<double>);
  add_chapter(m, "corr2d_multi_in_out", &corr2d_multi_in_out<float>, &corr2d_multi_in_out<double>);
  add_chapter(m, "corr2d_multi_in_out_1x1", &corr2d_multi_in_out_1x1<float>,
              &corr2d_multi_in_out_1x1<double>);
  m.def("clear_cache", &clear_cache,
        "Drop all plans kept for conv2d, and the calling thread's workspace.");
}

}  // namespace plait::python
