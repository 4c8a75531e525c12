// conv2d, conv1d and the chapter's functions: they turn Python's arrays and options into the
// library's calls, and results into arrays of the input's kind. python/plait documents the
// arguments.
#include <plait/conv2d.hpp>
#include <plait/corr2d.hpp>
#include <plait/error.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "long_call.hpp"
#include "options/weight_layout.hpp"

namespace plait::python {
namespace {

// The arguments of conv2d and conv1d, in the order in which python/plait/_convolutions.py passes
// them.
struct Arguments {
  nb::handle input, weight, bias, stride, padding, dilation, groups, padding_mode, padding_value,
      activation, residual, layout, weight_layout, flip, algorithm, accuracy, max_workspace_bytes,
      threads, reproducible, out;
};
constexpr std::size_t kArguments = sizeof(Arguments) / sizeof(nb::handle);

struct Call : Arguments {
  Axes axes;
};

// Which axes the arrays of a call have. All have w; an axis that is missing has size 1.
struct GivenAxes {
  bool batch = false;           // whether input and output have n
  bool channel = true;          // whether the input has channels
  bool weight_channels = true;  // whether the weight has c_o and c_i
  bool row = true;              // whether the arrays have h: not in conv1d
  // Whether the output has channels.
  bool maps() const { return channel || weight_channels; }
};

// Ranks are checked here, since the library's message would name axes that the caller does not
// have.
[[noreturn]] void refuse_rank(const Array& array, const std::string& wanted) {
  throw Error(Status::invalid_argument, std::string(array.name()) + " must be " + wanted +
                                            " but is " + to_string(array.shape()));
}

GivenAxes given_axes(const Array& input, const Array& weight, Axes axes, Layout layout) {
  GivenAxes given;
  given.row = axes == Axes::hw;
  const int spatial = given.row ? 2 : 1;
  const int rank = input.shape().rank();
  if (rank < spatial || rank > spatial + 2) {
    const std::string sizes = given.row ? "h x w" : "l";
    const std::string one = layout == Layout::nchw ? "c x " + sizes : sizes + " x c";
    refuse_rank(input, "n x " + one + ", " + one + " or, of one channel, " + sizes);
  }
  given.batch = rank == spatial + 2;
  given.channel = rank > spatial;
  given.weight_channels = weight.shape().rank() != spatial;
  if (given.weight_channels && weight.shape().rank() != spatial + 2) {
    const std::string taps = given.row ? "k_h x k_w" : "k";
    refuse_rank(weight, "c_o x c_i/groups x " + taps + " or, of one channel, " + taps);
  }
  return given;
}

// The weight with its kernels rotated by 180 degrees. Correlation with it is true convolution.
template <class T>
TensorView<T> flipped(const TensorView<T>& weight) {
  if (weight.rank() != 4 || weight.empty()) return weight;
  const Dims& strides = weight.strides();
  T* last = weight.data() + (weight.size(2) - 1) * strides[2] + (weight.size(3) - 1) * strides[3];
  return {last, weight.shape(), {strides[0], strides[1], -strides[2], -strides[3]}};
}

// The arrays that a call reads.
struct Operands {
  explicit Operands(const Call& call)
      : input("input", call.input),
        weight("weight", call.weight),
        bias("bias", call.bias),
        residual("residual", call.residual) {
    require({&input, &weight});
    dtype = promote({&input, &weight, &bias, &residual});
  }
  Array input, weight, bias, residual;
  Dtype dtype;
};

template <class T>
class Convolution {
 public:
  Convolution(const Call& call, const Operands& operands)
      : call_(call),
        layout_(to_layout(call.layout, call.axes)),
        input_(operands.input),
        weight_(operands.weight),
        bias_(operands.bias),
        residual_(operands.residual),
        kind_(input_) {
    kind_.check({&input_, &weight_, &bias_, &residual_});
    axes_ = given_axes(input_, weight_, call.axes, layout_);
    x_ = picture(input_, axes_.channel);
    weight_view_ = weight_view();
    if (to_bool("flip", call.flip)) weight_view_ = flipped(weight_view_);
    options_ = options();
  }

  nb::object run() {
    const Plan plan = conv2d_plan<T>(x_, weight_view_, options_);
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
  // The array as n x c x h x w or c x h x w (or in NHWC order), with the axes that it lacks added.
  template <class U = const T>
  TensorView<U> picture(const Array& array, bool channel) const {
    auto view = array.view<U>();
    const int rank = (axes_.batch ? 1 : 0) + (channel ? 1 : 0) + (axes_.row ? 2 : 1);
    if (view.rank() != rank) return view;       // for the library to refuse
    const bool last = layout_ == Layout::nhwc;  // channels
    if (!axes_.row) view = with_axis(view, rank - (channel && last ? 2 : 1));
    if (!channel) view = with_axis(view, last ? view.rank() : view.rank() - 2);
    return view;
  }

  // The weight as c_o x c_i/groups x k_h x k_w.
  TensorView<const T> weight_view() const {
    auto view = weight_.view<const T>();
    const WeightLayout layout = to_weight_layout(call_.weight_layout, call_.axes);
    if (axes_.weight_channels) {
      if (layout == WeightLayout::hwio) {
        view = axes_.row ? transposed(view, {3, 2, 0, 1}) : transposed(view, {2, 1, 0});
      } else if (layout == WeightLayout::not_said) {
        check_weight_layout();
      }
      return axes_.row ? view : with_axis(view, 2);
    }
    const std::int64_t c = channels();
    if (c != 1) {
      const std::string taps = to_string(weight_.shape());
      throw Error(Status::invalid_argument,
                  "weight is " + taps + ", the kernel of one channel, but input has " +
                      std::to_string(c) + " channels: pass 1x" + std::to_string(c) + "x" + taps +
                      " to add them up, or " + std::to_string(c) + "x1x" + taps +
                      " with groups=" + std::to_string(c) + " to keep them apart");
    }
    if (!axes_.row) view = with_axis(view, 0);
    return with_axis(with_axis(view, 0), 0);
  }

  std::int64_t channels() const {
    return x_.size(layout_ == Layout::nchw ? x_.rank() - 3 : x_.rank() - 1);
  }

  void check_weight_layout() const {
    const std::int64_t groups = to_int("groups", call_.groups);
    const std::int64_t c = channels();
    if (!cli::fits_as_hwio(weight_.shape(), c, groups)) return;
    const bool of_channels_last =
        layout_ == Layout::nhwc || is_of("tensorflow", input_) || is_of("tensorflow", weight_);
    cli::check_weight_layout(weight_.shape(), c, groups, of_channels_last);
  }

  Conv2dOptions<T> options() const {
    Conv2dOptions<T> o;
    o.stride = to_pair("stride", call_.stride, call_.axes);
    o.dilation = to_pair("dilation", call_.dilation, call_.axes);
    o.groups = to_int("groups", call_.groups);
    o.padding = to_padding(call_.padding, call_.axes, sizes(o));
    o.bias = bias_.view<const T>();
    o.residual = picture(residual_, axes_.maps());
    o.activation = to_activation(call_.activation);
    o.padding_mode = to_padding_mode(call_.padding_mode);
    o.padding_value = to_double("padding_value", call_.padding_value);
    o.layout = layout_;
    o.accuracy = parse_accuracy(to_text("accuracy", call_.accuracy));
    o.max_workspace_bytes = to_workspace_cap(call_.max_workspace_bytes);
    o.threads = kind_.threads(call_.threads);
    o.algorithm = to_text("algorithm", call_.algorithm);
    o.reproducible = to_bool("reproducible", call_.reproducible);
    o.executor = kind_.executor();
    return o;
  }

  // The sizes that the padding 'same' depends on. The library refuses wrong ranks later.
  Problem sizes(const Conv2dOptions<T>& o) const {
    Problem problem;
    problem.stride = o.stride;
    problem.dilation = o.dilation;
    if (x_.rank() < 3 || weight_view_.rank() != 4) return problem;
    const int h = x_.rank() - (layout_ == Layout::nchw ? 2 : 3);
    problem.h = x_.size(h);
    problem.w = x_.size(h + 1);
    problem.k_h = weight_view_.size(2);
    problem.k_w = weight_view_.size(3);
    return problem;
  }

  // A numpy array for the output: its axes are in the caller's order, its memory in the plan's.
  nb::object make_output(const Problem& problem) const {
    Dims y = problem.y_shape();
    if (axes_.batch) y[0] = x_.size(0);  // also 0, which is planned as one image
    if (!axes_.maps()) {
      return kind_.empty(axes_.row ? Dims{y[2], y[3]} : Dims{y[3]}, problem.dtype);
    }
    const bool batch = axes_.batch;
    Dims memory;  // sizes, outermost first
    if (batch) memory.push_back(y[0]);
    if (problem.y_layout == Layout::nchw) memory.push_back(y[1]);
    if (axes_.row) memory.push_back(y[2]);
    memory.push_back(y[3]);
    if (problem.y_layout == Layout::nhwc) memory.push_back(y[1]);
    nb::object made = kind_.empty(memory, problem.dtype);
    if (problem.y_layout == layout_) return made;
    // The caller's order of axes is not that of memory: channels are first in one, last in the
    // other.
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
    const int rank = (axes_.batch ? 1 : 0) + (axes_.maps() ? 1 : 0) + (axes_.row ? 2 : 1);
    if (out.shape().rank() != rank) {
      throw Error(Status::invalid_argument, "out must have as many axes as the output, " +
                                                std::to_string(rank) + ", but is " +
                                                to_string(out.shape()));
    }
    const TensorView<T> y = picture<T>(out, axes_.maps());
    run_released(predicted_seconds, [&](std::atomic<bool>* cancel) {
      options_.cancel = cancel;
      conv2d_into<T>(y, x_, weight_view_, options_);
    });
  }

  const Call& call_;
  Layout layout_;
  const Array &input_, &weight_, &bias_, &residual_;
  Kind kind_;
  GivenAxes axes_;
  TensorView<const T> x_, weight_view_;
  Conv2dOptions<T> options_;
};

nb::object convolve(const Call& call) {
  const Operands operands(call);
  return operands.dtype == Dtype::f64 ? Convolution<double>(call, operands).run()
                                      : Convolution<float>(call, operands).run();
}

template <std::size_t... i>
Arguments arguments_of(const nb::args& given, std::index_sequence<i...> /*of all*/) {
  if (given.size() != sizeof...(i)) throw nb::type_error("a call has all arguments, in order");
  return {nb::handle(PyTuple_GET_ITEM(given.ptr(), i))...};
}

void add_convolution(nb::module_& m, const char* name, Axes axes, const nb::sig& signature) {
  const auto call = [axes](const nb::args& given) {
    return convolve({arguments_of(given, std::make_index_sequence<kArguments>()), axes});
  };
  m.def(name, call, signature);
}

// One of the chapter's functions of X and K.
template <class T>
using Chapter = Tensor<T> (*)(TensorView<const T>, TensorView<const T>, int threads);

template <class T>
nb::object correlate(Chapter<T> function, const Array& x, const Array& weight, int threads) {
  const auto x_view = x.view<const T>();
  const auto weight_view = weight.view<const T>();
  Tensor<T> y;
  {
    const nb::gil_scoped_release released;
    y = function(x_view, weight_view, threads);
  }
  return to_numpy(std::move(y));
}

// The arguments of the chapter's functions.
struct XAndK {
  XAndK(nb::handle x_object, nb::handle weight_object)
      : x("X", x_object), weight("K", weight_object), kind(x) {
    require({&x, &weight});
    dtype = promote({&x, &weight});
    kind.check({&x, &weight});
  }
  Array x, weight;
  Kind kind;
  Dtype dtype;
};

void add_chapter(nb::module_& m, const char* name, Chapter<float> f32, Chapter<double> f64) {
  m.def(
      name,
      [f32, f64](nb::handle x_object, nb::handle weight_object) {
        const XAndK given(x_object, weight_object);
        const int threads = given.kind.threads(nb::none());
        return given.kind.adopt(given.dtype == Dtype::f64
                                    ? correlate<double>(f64, given.x, given.weight, threads)
                                    : correlate<float>(f32, given.x, given.weight, threads));
      },
      nb::arg("X").none(), nb::arg("K").none());
}

// corr2d with a stride and padding, which the chapter treats in another section.
template <class T>
Tensor<T> corr2d_with(const TensorView<const T>& x, const TensorView<const T>& weight,
                      const Pair& stride, nb::handle padding, int threads) {
  if (x.rank() != 2 || weight.rank() != 2) return corr2d<T>(x, weight, threads);  // refuses them
  const Problem sizes =
      Problem::of({1, 1, x.size(0), x.size(1)}, {1, 1, weight.size(0), weight.size(1)}, stride);
  Conv2dOptions<T> options;
  options.threads = threads;
  options.stride = stride;
  options.padding = to_padding(padding, Axes::hw, sizes);
  const nb::gil_scoped_release released;
  const Tensor<T> y = conv2d<T>(with_axis(x, 0), with_axis(with_axis(weight, 0), 0), options);
  return dense_copy(TensorView<const T>(y.data(), {y.size(1), y.size(2)}));
}

nb::object corr2d_of(nb::handle x_object, nb::handle weight_object, nb::handle stride_object,
                     nb::handle padding) {
  const XAndK given(x_object, weight_object);
  const Pair stride = to_pair("stride", stride_object, Axes::hw);
  const auto correlated = [&](auto zero) {
    using T = decltype(zero);
    return to_numpy(corr2d_with<T>(given.x.view<const T>(), given.weight.view<const T>(), stride,
                                   padding, given.kind.threads(nb::none())));
  };
  return given.kind.adopt(given.dtype == Dtype::f64 ? correlated(double{}) : correlated(float{}));
}

}  // namespace

void add_convolutions(nb::module_& m) {
  add_convolution(m, "conv2d", Axes::hw, nb::sig("def conv2d(*arguments: object) -> object"));
  add_convolution(m, "conv1d", Axes::w, nb::sig("def conv1d(*arguments: object) -> object"));
  m.def("corr2d", &corr2d_of, nb::arg("X").none(), nb::arg("K").none(), nb::arg("stride").none(),
        nb::arg("padding").none());
  add_chapter(m, "corr2d_multi_in", &corr2d_multi_in<float>, &corr2d_multi_in<double>);
  add_chapter(m, "corr2d_multi_in_out", &corr2d_multi_in_out<float>, &corr2d_multi_in_out<double>);
  add_chapter(m, "corr2d_multi_in_out_1x1", &corr2d_multi_in_out_1x1<float>,
              &corr2d_multi_in_out_1x1<double>);
  m.def("clear_cache", &clear_cache,
        "Drop all plans kept for conv2d, and the calling thread's workspace.");
}

}  // namespace plait::python
