#include <plait/problem.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/integers.hpp"
#include "core/problem/problem_rules.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"

namespace plait {
namespace {

// Outputs along one axis. Computed in 128 bits, since a problem may ask before it is validated.
std::int64_t output_size(std::int64_t size, std::int64_t before, std::int64_t after,
                         std::int64_t taps, std::int64_t dilation, std::int64_t stride) {
  const Int128 spare = Int128{size} + before + after - Int128{dilation} * (taps - 1) - 1;
  if (spare < 0 || stride < 1) return 0;
  return static_cast<std::int64_t>(spare / stride + 1);
}

// The padding, on both sides together, that gives an axis ceil(size / stride) outputs.
std::int64_t same_total(std::int64_t size, std::int64_t taps, std::int64_t dilation,
                        std::int64_t stride) {
  const std::int64_t outputs = (size - 1) / stride + 1;
  const Int128 needed = Int128{outputs - 1} * stride + Int128{dilation} * (taps - 1) + 1 - size;
  if (needed >= kCountLimit) {
    refuse("overflow: same padding of size " + std::to_string(size) + " for " +
           std::to_string(taps) + " taps dilated by " + std::to_string(dilation) + " passes 2^62");
  }
  return needed < 0 ? 0 : static_cast<std::int64_t>(needed);
}

double sigmoid(double value) {
  // The exponential never overflows: its argument is at most 0.
  const double power = std::exp(-std::abs(value));
  return value < 0 ? power / (1 + power) : 1 / (1 + power);
}

// NaN passes: both comparisons are false.
double relu(double value) { return value < 0 ? 0 : value; }
double relu6(double value) { return value > 6 ? 6 : relu(value); }

// At -inf the other factor has become 0, and the product would be NaN. The limit is -0, which is
// also the result for the lowest finite value.
double not_below_finite(double value) {
  return std::max(value, std::numeric_limits<double>::lowest());
}

double leaky(double slope, double value) {
  if (!(value < 0)) return value;
  return slope * (slope == 0 ? not_below_finite(value) : value);
}

}  // namespace

double apply(const Activation& activation, double value) {
  switch (activation.kind) {
    case ActivationKind::none:
      return value;
    case ActivationKind::relu:
      return relu(value);
    case ActivationKind::relu6:
      return relu6(value);
    case ActivationKind::leaky:
      return leaky(activation.slope, value);
    case ActivationKind::hswish:
      return not_below_finite(value) * (relu6(value + 3) / 6);
    case ActivationKind::silu:
      return not_below_finite(value) * sigmoid(value);
    case ActivationKind::sigmoid:
      return sigmoid(value);
    case ActivationKind::tanh:
      return std::tanh(value);
  }
  return value;
}

Problem Problem::of(const Dims& x_shape, const Dims& weight_shape, const Pair& stride,
                    const Padding& padding, const Pair& dilation, std::int64_t groups) {
  Problem problem;
  problem.n = x_shape[0];
  problem.c_i = x_shape[1];
  problem.h = x_shape[2];
  problem.w = x_shape[3];
  problem.c_o = weight_shape[0];
  problem.k_h = weight_shape[2];
  problem.k_w = weight_shape[3];
  problem.stride = stride;
  problem.padding = padding;
  problem.dilation = dilation;
  problem.groups = groups;
  return problem;
}

std::int64_t Problem::h_o() const {
  return output_size(h, padding.top, padding.bottom, k_h, dilation.h, stride.h);
}

std::int64_t Problem::w_o() const {
  return output_size(w, padding.left, padding.right, k_w, dilation.w, stride.w);
}

Dims Problem::effective_x_strides() const {
  return x_strides ? *x_strides : layout_strides(x_shape(), x_layout);
}

Dims Problem::effective_y_strides() const {
  return y_strides ? *y_strides : layout_strides(y_shape(), y_layout);
}

Dims Problem::effective_residual_strides() const {
  return residual_strides ? *residual_strides : layout_strides(y_shape(), y_layout);
}

std::int64_t Problem::multiplications() const {
  const Dims y = y_shape();
  const auto product = bounded_product({y[0], y[1], y[2], y[3], c_i / groups, k_h, k_w});
  if (!product) {
    refuse("overflow: the multiplications of " + to_string(*this) + " pass 2^62");
  }
  return *product;
}

void validate(const Problem& problem) {
  if (const auto broken = broken_rule(problem)) {
    refuse(broken->message);
  }
}

Dims layout_strides(const Dims& nchw_shape, Layout layout) {
  if (nchw_shape.rank() != 4) {
    refuse("a layout needs 4 axes but the shape is " + to_string(nchw_shape));
  }
  if (layout == Layout::nchw) return dense_strides(nchw_shape);
  const Dims nhwc = dense_strides({nchw_shape[0], nchw_shape[2], nchw_shape[3], nchw_shape[1]});
  return {nhwc[0], nhwc[3], nhwc[1], nhwc[2]};
}

Padding same_padding(const Problem& problem, bool upper) {
  if (const auto broken = broken_number(problem)) {
    refuse(broken->message);
  }
  const std::int64_t rows =
      same_total(problem.h, problem.k_h, problem.dilation.h, problem.stride.h);
  const std::int64_t columns =
      same_total(problem.w, problem.k_w, problem.dilation.w, problem.stride.w);
  const std::int64_t odd_before = upper ? 0 : 1;
  const std::int64_t top = (rows + odd_before) / 2;
  const std::int64_t left = (columns + odd_before) / 2;
  return {top, rows - top, left, columns - left};
}

Padding full_padding(const Problem& problem) {
  if (const auto broken = broken_number(problem)) {
    refuse(broken->message);
  }
  return {problem.dilation.h * (problem.k_h - 1), problem.dilation.w * (problem.k_w - 1)};
}

std::string_view name_of(PaddingMode mode) {
  switch (mode) {
    case PaddingMode::zeros:
      return "zeros";
    case PaddingMode::reflect:
      return "reflect";
    case PaddingMode::replicate:
      return "replicate";
    case PaddingMode::circular:
      return "circular";
    case PaddingMode::constant:
      return "constant";
    case PaddingMode::symmetric:
      return "symmetric";
  }
  return "?";
}

std::string_view name_of(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::none:
      return "none";
    case ActivationKind::relu:
      return "relu";
    case ActivationKind::relu6:
      return "relu6";
    case ActivationKind::leaky:
      return "leaky";
    case ActivationKind::hswish:
      return "hswish";
    case ActivationKind::silu:
      return "silu";
    case ActivationKind::sigmoid:
      return "sigmoid";
    case ActivationKind::tanh:
      return "tanh";
  }
  return "?";
}

std::string_view name_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return "f32";
    case Dtype::f64:
      return "f64";
    case Dtype::bf16:
      return "bf16";
    case Dtype::i8:
      return "i8";
    case Dtype::u8:
      return "u8";
  }
  return "?";
}

std::string_view name_of(Layout layout) { return layout == Layout::nchw ? "nchw" : "nhwc"; }

std::string_view name_of(Direction direction) {
  switch (direction) {
    case Direction::forward:
      return "forward";
    case Direction::backward_data:
      return "backward_data";
    case Direction::backward_weights:
      return "backward_weights";
    case Direction::backward_bias:
      return "backward_bias";
  }
  return "?";
}

Direction parse_direction(std::string_view text) {
  std::string known;
  for (const Direction direction : {Direction::forward, Direction::backward_data,
                                    Direction::backward_weights, Direction::backward_bias}) {
    if (text == name_of(direction)) return direction;
    known += (known.empty() ? "" : ", ") + std::string(name_of(direction));
  }
  refuse("unknown direction " + quoted(text) + " (known: " + known + ")");
}

std::size_t size_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return 8;
    case Dtype::f32:
      return 4;
    case Dtype::bf16:
      return 2;
    case Dtype::i8:
    case Dtype::u8:
      return 1;
  }
  return 0;
}

}  // namespace plait
