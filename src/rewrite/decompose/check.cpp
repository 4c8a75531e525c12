#include "rewrite/decompose/check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <plait/error.hpp>

#include "core/problem/problem_rules.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"
#include "rewrite/finite.hpp"

namespace plait::rewrite {
namespace {

constexpr std::int64_t kMostValues = std::int64_t{1} << 30;  // 8 GiB in f64

// c_o x c_i/groups x k_h x k_w, or strides in that order, of a kernel that may have one output
// channel or one channel only.
Dims with_channels(const Dims& axes, std::int64_t missing) {
  switch (axes.rank()) {
    case 1:
      return {missing, missing, missing, axes[0]};
    case 2:
      return {missing, missing, axes[0], axes[1]};
    case 3:
      return {missing, axes[0], axes[1], axes[2]};
    default:
      return axes;
  }
}

template <class T>
void check_shape(TensorView<const T> kernel) {
  const int rank = kernel.rank();
  const bool missing = kernel.data() == nullptr && (rank == 0 || element_count(kernel.shape()) > 0);
  if (missing || rank == 0) {
    refuse(
        "the kernel must be c_o x c_i/groups x k_h x k_w, or k_h x k_w or k_w of one channel, but "
        "is " +
        (missing ? "missing" : to_string(kernel.shape())));
  }
  if (element_count(kernel.shape()) > kMostValues) {
    throw Error(
        Status::unsupported,
        "kernels of up to 2^30 values are decomposed but this one is " + to_string(kernel.shape()));
  }
}

// The layer that the kernel belongs to, on an image that it fits, if its size is not given.
void check_problem(const Dims& shape, const DecomposeOptions& options) {
  Problem problem;
  problem.c_o = shape[0];
  problem.c_i = shape[1];
  problem.k_h = shape[2];
  problem.k_w = shape[3];
  problem.stride = options.stride;
  problem.padding = options.padding;
  problem.dilation = options.dilation;
  problem.groups = options.groups;
  if (const auto broken = broken_number(problem)) refuse(broken->message);
  if (shape[0] % options.groups != 0) {
    refuse("groups must divide the channels but " + std::to_string(options.groups) +
           " does not divide c_o = " + std::to_string(shape[0]) + " (the kernel is " +
           to_string(shape) + ")");
  }
  const Padding& p = options.padding;
  if (std::min({p.top, p.bottom, p.left, p.right}) < 0) {
    refuse("padding must not be negative but is " + padding_text(p) + " (top_bottom_left_right)");
  }
}

void check_options(const DecomposeOptions& options) {
  if (options.rank && options.error)
    refuse("rank and error exclude each other, but both are given");
  if (options.rank && *options.rank < 1) {
    refuse("rank must be at least 1 but is " + std::to_string(*options.rank));
  }
  if (options.error && !(*options.error >= 0 && *options.error < 1)) {
    refuse("error, relative to the kernel's norm, must be in [0, 1) but is " +
           real_text(*options.error));
  }
  if (options.measure_seconds > 0 && !options.input_size) {
    refuse("measuring needs the size of an image, but input_size is not given");
  }
}

}  // namespace

template <class T>
Layers<T> checked_layer(TensorView<const T> kernel, const DecomposeOptions& options) {
  check_options(options);
  check_shape(kernel);
  const Dims shape = with_channels(kernel.shape(), 1);
  check_problem(shape, options);
  ConvLayer<T> layer;
  layer.kernel =
      dense_copy(TensorView<const T>(kernel.data(), shape, with_channels(kernel.strides(), 0)));
  check_finite("kernel", layer.kernel, kernel.shape());
  layer.stride = options.stride;
  layer.padding = options.padding;
  layer.dilation = options.dilation;
  layer.groups = options.groups;
  if (options.input_size) {
    problem_of(layer, {1, shape[1] * options.groups, options.input_size->h, options.input_size->w});
  }
  return {layer};
}

template <class T>
ScaledKernel scaled_kernel(const ConvLayer<T>& layer) {
  ScaledKernel scaled;
  scaled.c_o = layer.kernel.size(0);
  scaled.c_i = layer.kernel.size(1);
  scaled.k_h = layer.kernel.size(2);
  scaled.k_w = layer.kernel.size(3);
  scaled.groups = layer.groups;
  scaled.epsilon = double{std::numeric_limits<T>::epsilon()};
  double largest = 0;
  for (const T value : layer.kernel) largest = std::max(largest, std::abs(double{value}));
  if (largest > 0) std::frexp(largest, &scaled.exponent);
  scaled.values.reserve(static_cast<std::size_t>(layer.kernel.size()));
  for (const T value : layer.kernel) {
    scaled.values.push_back(std::ldexp(double{value}, -scaled.exponent));
  }
  return scaled;
}

void check_rank(std::int64_t rank, const std::vector<FormRanks>& forms) {
  std::string ranges;
  for (const FormRanks& form : forms) {
    if (!form.refused.empty()) continue;
    if (rank <= form.full_rank) return;
    ranges += (ranges.empty() ? "" : ", ") + std::string(name_of(form.form)) + " 1 to " +
              std::to_string(form.full_rank);
  }
  if (ranges.empty()) refuse("the kernel has no form of two layers, of any rank");
  refuse("rank " + std::to_string(rank) + " is in no form's range: " + ranges);
}

template Layers<float> checked_layer(TensorView<const float>, const DecomposeOptions&);
template Layers<double> checked_layer(TensorView<const double>, const DecomposeOptions&);
template ScaledKernel scaled_kernel(const ConvLayer<float>&);
template ScaledKernel scaled_kernel(const ConvLayer<double>&);

}  // namespace plait::rewrite
