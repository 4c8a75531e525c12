// From tensors and options to a problem, a cached plan and a run.
#include <plait/conv2d.hpp>

#include <algorithm>
#include <optional>

#include "core/problem/shape_check.hpp"
#include "planner/overlap_check.hpp"
#include "planner/plan_cache.hpp"
#include "planner/workspace.hpp"

namespace plait {
namespace {

// Whether no tensor was given. A tensor with an empty axis has no memory either, but it has a rank.
template <class T>
bool is_missing(TensorView<T> view) {
  return view.data() == nullptr && element_count(view.shape()) != 0;
}

// A view with its axes in the order n, c, h, w, whatever the layout; rank 3 gets n = 1.
template <class T>
TensorView<T> as_nchw(const char* name, TensorView<T> view, Layout layout) {
  if (is_missing(view) || (view.rank() != 3 && view.rank() != 4)) {
    const std::string axes = layout == Layout::nchw ? "c x h x w" : "h x w x c";
    throw Error(Status::invalid_argument,
                std::string(name) + " must be n x " + axes + " or " + axes + " but is " +
                    (is_missing(view) ? "missing" : to_string(view.shape())));
  }
  const int first = view.rank() - 3;
  const int c = layout == Layout::nchw ? first : first + 2;
  const int h = layout == Layout::nchw ? first + 1 : first;
  const Dims& shape = view.shape();
  const Dims& strides = view.strides();
  const std::int64_t n = first == 0 ? 1 : shape[0];
  const std::int64_t n_stride = first == 0 ? 0 : strides[0];
  return {view.data(),
          {n, shape[c], shape[h], shape[h + 1]},
          {n_stride, strides[c], strides[h], strides[h + 1]}};
}

// The strides for the problem, which are empty for a dense tensor. An axis with one element counts
// as dense, since its stride is never used.
std::optional<Dims> strides_unless_dense(const Dims& shape, const Dims& strides, Layout layout) {
  const Dims dense = layout_strides(shape, layout);
  Dims used = strides;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) used[axis] = dense[axis];
  }
  if (used == dense) return std::nullopt;
  return used;
}

// The layout that a tensor is dense in, in whatever order its axes were given. It is the preferred
// one if the tensor is dense in both or in neither.
template <class T>
Layout layout_of(const TensorView<T>& view, Layout preferred) {
  const auto dense_in = [&view](Layout layout) {
    return !strides_unless_dense(view.shape(), view.strides(), layout);
  };
  const Layout other = preferred == Layout::nchw ? Layout::nhwc : Layout::nchw;
  return !dense_in(preferred) && dense_in(other) ? other : preferred;
}

template <class T>
void check_weight(const Dims& x_shape, TensorView<const T> weight,
                  const Conv2dOptions<T>& options) {
  if (is_missing(weight) || weight.rank() != 4) {
    throw Error(Status::invalid_argument,
                "weight must be c_o x c_i/groups x k_h x k_w but is " +
                    (is_missing(weight) ? "missing" : to_string(weight.shape())));
  }
  if (options.groups < 1) {
    throw Error(Status::invalid_argument,
                "groups must be at least 1 but is " + std::to_string(options.groups));
  }
  check_channels(x_shape, weight.shape(), options.groups, options.layout);
  if (options.bias.data() != nullptr && options.bias.shape() != Dims{weight.size(0)}) {
    throw Error(Status::invalid_argument, "bias must have one value per output channel (" +
                                              std::to_string(weight.size(0)) + ") but is " +
                                              to_string(options.bias.shape()));
  }
}

// The validated problem of the given tensors, without the strides of the residual and of y. An
// empty batch is planned as one image.
template <class T>
Problem problem_of(const TensorView<const T>& x, const TensorView<const T>& weight, Layout y_layout,
                   const Conv2dOptions<T>& options) {
  check_weight(x.shape(), weight, options);
  Problem problem = Problem::of(x.shape(), weight.shape(), options.stride, options.padding,
                                options.dilation, options.groups);
  problem.n = std::max<std::int64_t>(1, problem.n);
  problem.padding_mode = options.padding_mode;
  problem.padding_value = options.padding_value;
  problem.bias = options.bias.data() != nullptr;
  problem.residual = options.residual.data() != nullptr;
  problem.activation = options.activation;
  problem.dtype = std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32;
  problem.x_layout = layout_of(x, options.layout);
  problem.y_layout = y_layout;
  problem.x_strides = strides_unless_dense(x.shape(), x.strides(), problem.x_layout);
  validate(problem);
  return problem;
}

template <class T>
Limits limits_of(const Conv2dOptions<T>& options) {
  Limits limits;
  limits.accuracy = options.accuracy;
  limits.max_workspace_bytes = options.max_workspace_bytes;
  limits.threads = options.threads;
  limits.prepacked = false;
  limits.algorithm = options.algorithm;
  limits.reproducible = options.reproducible;
  return limits;
}

// The shape of y for a batch of n images.
Dims y_shape_of(const Problem& problem, std::int64_t n) {
  Dims shape = problem.y_shape();
  shape[0] = n;
  return shape;
}

// The shape of y in the axis order of the layout.
Dims shape_in_layout(const Dims& nchw, Layout layout, int rank) {
  const Dims order = layout == Layout::nchw ? Dims{1, 2, 3} : Dims{2, 3, 1};
  Dims shape;
  if (rank == 4) shape.push_back(nchw[0]);
  for (const std::int64_t axis : order) shape.push_back(nchw[static_cast<int>(axis)]);
  return shape;
}

// A dense view of weights or bias, after a copy if necessary, because algorithms read them densely.
// The overlap with the output is checked here, since the plan sees only the copy.
template <class T>
struct DenseOperand {
  DenseOperand(const char* name, TensorView<const T> original, TensorView<T> y) : view(original) {
    if (original.data() != nullptr && !original.dense()) {
      check_no_overlap(name, original, y);
      copy = dense_copy(original);
      view = copy.view();
    }
  }
  Tensor<T> copy;
  TensorView<const T> view;
};

// The residual with the axes of the problem, whose residual_strides are set to its strides.
template <class T>
TensorView<const T> place_residual(Problem& problem, const Dims& y_shape,
                                   const Conv2dOptions<T>& options) {
  if (options.residual.data() == nullptr) return {};
  const TensorView<const T> residual = as_nchw("residual", options.residual, options.layout);
  if (residual.shape() != y_shape) {
    throw Error(Status::invalid_argument,
                "residual must be " +
                    to_string(shape_in_layout(y_shape, options.layout, options.residual.rank())) +
                    " like the output but is " + to_string(options.residual.shape()));
  }
  problem.residual_strides =
      strides_unless_dense(residual.shape(), residual.strides(), problem.y_layout);
  return residual;
}

template <class T>
void run(Problem& problem, TensorView<const T> x, TensorView<const T> weight, TensorView<T> y,
         const Conv2dOptions<T>& options) {
  RunOptions<T> run_options;
  run_options.residual = place_residual(problem, y.shape(), options);
  if (x.size(0) == 0) return;
  run_options.executor = options.executor;
  run_options.cancel = options.cancel;
  const DenseOperand<T> dense_weight("weight", weight, y);
  const DenseOperand<T> dense_bias("bias", options.bias, y);
  cached_plan(problem, limits_of(options))
      .run(x, dense_weight.view, dense_bias.view, y, run_options);
}

}  // namespace

template <class T>
Tensor<T> conv2d(TensorView<const T> x, TensorView<const T> weight,
                 const Conv2dOptions<T>& options) {
  const TensorView<const T> nchw = as_nchw("x", x, options.layout);
  Problem problem = problem_of(nchw, weight, options.layout, options);
  Tensor<T> y(shape_in_layout(y_shape_of(problem, nchw.size(0)), options.layout, x.rank()));
  run(problem, nchw, weight, as_nchw("y", y.view(), options.layout), options);
  return y;
}

template <class T>
void conv2d_into(TensorView<T> y, TensorView<const T> x, TensorView<const T> weight,
                 const Conv2dOptions<T>& options) {
  const TensorView<const T> x_nchw = as_nchw("x", x, options.layout);
  const TensorView<T> y_nchw = as_nchw("y", y, options.layout);
  Problem problem = problem_of(x_nchw, weight, layout_of(y_nchw, options.layout), options);
  const Dims y_shape = y_shape_of(problem, x_nchw.size(0));
  if (y_nchw.shape() != y_shape) {
    throw Error(Status::invalid_argument,
                "y must be " + to_string(shape_in_layout(y_shape, options.layout, y.rank())) +
                    " but is " + to_string(y.shape()) + " (x is " + to_string(x.shape()) +
                    ", weight is " + to_string(weight.shape()) + ")");
  }
  problem.y_strides = strides_unless_dense(y_nchw.shape(), y_nchw.strides(), problem.y_layout);
  if (problem.y_strides) validate(problem);
  run(problem, x_nchw, weight, y_nchw, options);
}

template <class T>
Plan conv2d_plan(TensorView<const T> x, TensorView<const T> weight,
                 const Conv2dOptions<T>& options) {
  const TensorView<const T> nchw = as_nchw("x", x, options.layout);
  Problem problem = problem_of(nchw, weight, layout_of(nchw, options.layout), options);
  place_residual(problem, y_shape_of(problem, nchw.size(0)), options);
  return cached_plan(problem, limits_of(options));
}

void clear_cache() {
  clear_plan_cache();
  release_workspace();
}

template Tensor<float> conv2d(TensorView<const float>, TensorView<const float>,
                              const Conv2dOptions<float>&);
template Tensor<double> conv2d(TensorView<const double>, TensorView<const double>,
                               const Conv2dOptions<double>&);
template void conv2d_into(TensorView<float>, TensorView<const float>, TensorView<const float>,
                          const Conv2dOptions<float>&);
template void conv2d_into(TensorView<double>, TensorView<const double>, TensorView<const double>,
                          const Conv2dOptions<double>&);
template Plan conv2d_plan(TensorView<const float>, TensorView<const float>,
                          const Conv2dOptions<float>&);
template Plan conv2d_plan(TensorView<const double>, TensorView<const double>,
                          const Conv2dOptions<double>&);

}  // namespace plait
