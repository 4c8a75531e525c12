#include "core/problem/problem_rules.hpp"

#include <cmath>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/integers.hpp"
#include "core/problem/shape_check.hpp"
#include "core/values.hpp"

namespace plait {
namespace {

using Broken = std::optional<BrokenRule>;

std::string extents_text(Int128 h, Int128 w) { return to_string(h) + "x" + to_string(w); }

std::string shapes_text(const Problem& p) {
  return "(x is " + x_text(p) + ", weight is " + weight_text(p) + ")";
}

// Whether the product stays below 2^62.
bool countable(std::initializer_list<std::int64_t> factors) {
  return bounded_product(factors, kCountLimit - 1).has_value();
}

Int128 padded_height(const Problem& p) { return Int128{p.h} + p.padding.top + p.padding.bottom; }
Int128 padded_width(const Problem& p) { return Int128{p.w} + p.padding.left + p.padding.right; }
// Positions from the first tap of a dilated kernel to its last.
Int128 extent(std::int64_t taps, std::int64_t dilation) {
  return Int128{dilation} * (taps - 1) + 1;
}

Broken broken_padding(const Problem& p) {
  const Padding& pad = p.padding;
  if (pad.top < 0 || pad.bottom < 0 || pad.left < 0 || pad.right < 0) {
    return BrokenRule{Part::padding, "padding must not be negative but is " + sides_text(pad)};
  }
  if (padded_height(p) >= kCountLimit || padded_width(p) >= kCountLimit) {
    return BrokenRule{Part::padding, "overflow: padding " + sides_text(pad) + " around " +
                                         extents_text(p.h, p.w) + " gives an axis above 2^62"};
  }
  if (!std::isfinite(p.padding_value)) {
    return BrokenRule{Part::padding_mode, "padding_value must be finite"};
  }
  if (p.padding_mode != PaddingMode::constant && p.padding_value != 0) {
    return BrokenRule{Part::padding_mode, "padding_value is given but the padding mode is " +
                                              std::string(name_of(p.padding_mode)) +
                                              ", not constant"};
  }
  // reflect leaves out the edge itself; symmetric and circular may repeat the whole axis once.
  const std::int64_t spare = p.padding_mode == PaddingMode::reflect ? 1 : 0;
  if (spare == 1 || p.padding_mode == PaddingMode::circular ||
      p.padding_mode == PaddingMode::symmetric) {
    const std::int64_t h_max = p.h - spare;
    const std::int64_t w_max = p.w - spare;
    if (pad.top > h_max || pad.bottom > h_max || pad.left > w_max || pad.right > w_max) {
      return BrokenRule{Part::padding_mode,
                        std::string(name_of(p.padding_mode)) + " padding must be " +
                            (spare == 1 ? "smaller than" : "at most") + " the axis but is " +
                            sides_text(pad) + " around " + extents_text(p.h, p.w) + " (x is " +
                            x_text(p) + ")"};
    }
  }
  return {};
}

Broken broken_fit(const Problem& p) {
  const Int128 height = extent(p.k_h, p.dilation.h);
  const Int128 width = extent(p.k_w, p.dilation.w);
  if (height <= padded_height(p) && width <= padded_width(p)) return {};
  std::string kernel = "the " + extents_text(p.k_h, p.k_w) + " kernel";
  if (p.dilation != Pair(1)) {
    kernel += " dilated by " + extents_text(p.dilation.h, p.dilation.w) + " to " +
              extents_text(height, width);
  }
  return BrokenRule{Part::weight, kernel + " is larger than the padded input " +
                                      extents_text(padded_height(p), padded_width(p)) + " (x is " +
                                      x_text(p) + ", weight is " + weight_text(p) + ", padding " +
                                      sides_text(p.padding) + ")"};
}

// Checks every count that some algorithm computes: elements and bytes of each tensor and of the
// padded input, and products.
Broken broken_count(const Problem& p) {
  const auto element_bytes = static_cast<std::int64_t>(size_of(p.dtype));
  const auto too_many = [&](Part part, std::string_view what, const std::string& factors) {
    return BrokenRule{part, "overflow: " + std::string(what) + ", " + factors + " of " +
                                std::to_string(element_bytes) + " bytes, passes 2^62 bytes " +
                                shapes_text(p)};
  };
  if (!countable({p.n, p.c_i, p.h, p.w, element_bytes})) {
    return too_many(Part::x, "x", x_text(p));
  }
  if (!countable({p.c_o, p.c_i / p.groups, p.k_h, p.k_w, element_bytes})) {
    return too_many(Part::weight, "weight", weight_text(p));
  }
  const Dims padded{p.n, p.c_i, static_cast<std::int64_t>(padded_height(p)),
                    static_cast<std::int64_t>(padded_width(p))};
  if (!countable({padded[0], padded[1], padded[2], padded[3], element_bytes})) {
    return too_many(Part::padding, "the padded x", to_string(padded));
  }
  const Dims y = p.y_shape();
  if (!countable({y[0], y[1], y[2], y[3], element_bytes})) {
    return too_many(Part::weight, "y", to_string(y));
  }
  if (!countable({y[0], y[1], y[2], y[3], p.c_i / p.groups, p.k_h, p.k_w})) {
    return BrokenRule{Part::weight,
                      "overflow: the multiplications n c_o h' w' (c_i/groups) k_h k_w = " +
                          to_string(y) + "x" + std::to_string(p.c_i / p.groups) + "x" +
                          extents_text(p.k_h, p.k_w) + " pass 2^62 " + shapes_text(p)};
  }
  return {};
}

struct StridedTensor {
  Part part;
  std::string_view name;
  Dims shape;
  const std::optional<Dims>& strides;
  bool written;  // whether a run writes to it
};

Broken broken_strides(const Problem& p, const StridedTensor& tensor) {
  if (!tensor.strides) return {};
  const Dims& strides = *tensor.strides;
  const std::string name(tensor.name);
  if (strides.rank() != 4) {
    return BrokenRule{
        tensor.part, name + " needs 4 strides (n_c_h_w) but has " + std::to_string(strides.rank())};
  }
  const std::string subject =
      name + " strides " + strides_text(strides) + " over " + to_string(tensor.shape);
  Int128 extent = 1;
  for (int axis = 0; axis < 4; ++axis) {
    const Int128 step = Int128{tensor.shape[axis] - 1} * strides[axis];
    extent += step < 0 ? -step : step;
  }
  if (extent >= kCountLimit / static_cast<std::int64_t>(size_of(p.dtype))) {
    return BrokenRule{tensor.part, "overflow: " + subject + " reach past 2^62 bytes"};
  }
  if (tensor.written && may_self_overlap(tensor.shape, strides)) {
    return BrokenRule{tensor.part, subject + " let two elements of the output share one address"};
  }
  return {};
}

Broken broken_strides(const Problem& p) {
  const bool writes_x = p.direction == Direction::backward_data;
  const bool writes_y = p.direction == Direction::forward;
  for (const StridedTensor& tensor :
       {StridedTensor{Part::x_strides, "x", p.x_shape(), p.x_strides, writes_x},
        StridedTensor{Part::y_strides, "y", p.y_shape(), p.y_strides, writes_y},
        StridedTensor{Part::residual_strides, "residual", p.y_shape(), p.residual_strides,
                      false}}) {
    if (Broken broken = broken_strides(p, tensor)) return broken;
  }
  if (p.residual_strides && !p.residual) {
    return BrokenRule{Part::residual_strides,
                      "residual strides are given but the problem has no residual"};
  }
  return {};
}

Broken broken_activation(const Activation& activation) {
  if (!std::isfinite(activation.slope)) {
    return BrokenRule{Part::activation, "the slope of leaky must be finite"};
  }
  if (activation.kind != ActivationKind::leaky && activation.slope != 0) {
    return BrokenRule{Part::activation, "a slope is given but the activation is " +
                                            std::string(name_of(activation.kind)) + ", not leaky"};
  }
  return {};
}

}  // namespace

std::string x_text(const Problem& p) { return to_string(p.x_shape()); }

std::string weight_text(const Problem& p) {
  const std::int64_t per_group = p.groups > 0 ? p.c_i / p.groups : p.c_i;
  return to_string(Dims{p.c_o, per_group, p.k_h, p.k_w});
}

std::optional<BrokenRule> broken_number(const Problem& p) {
  struct Size {
    Part part;
    std::string_view name;
    std::int64_t value;
  };
  for (const Size& size :
       {Size{Part::x, "n", p.n}, Size{Part::x, "c_i", p.c_i}, Size{Part::x, "h", p.h},
        Size{Part::x, "w", p.w}, Size{Part::weight, "c_o", p.c_o}, Size{Part::weight, "k_h", p.k_h},
        Size{Part::weight, "k_w", p.k_w}}) {
    if (size.value < 1) {
      return BrokenRule{size.part, "every size must be at least 1 but " + std::string(size.name) +
                                       " is " + std::to_string(size.value) + " " + shapes_text(p)};
    }
  }
  for (const auto& [part, pair] :
       {std::pair{Part::stride, p.stride}, std::pair{Part::dilation, p.dilation}}) {
    if (pair.h < 1 || pair.w < 1) {
      return BrokenRule{part, std::string(part == Part::stride ? "stride" : "dilation") +
                                  " must be at least 1 but is " + extents_text(pair.h, pair.w)};
    }
  }
  if (p.groups < 1) {
    return BrokenRule{Part::groups, "groups must be at least 1 but is " + std::to_string(p.groups)};
  }
  return {};
}

std::optional<BrokenRule> broken_rule(const Problem& p) {
  if (Broken broken = broken_number(p)) return broken;
  if (p.c_i % p.groups != 0 || p.c_o % p.groups != 0) {
    const bool input = p.c_i % p.groups != 0;
    return BrokenRule{Part::groups,
                      "groups must divide the channels but " + std::to_string(p.groups) +
                          " does not divide " + (input ? "c_i = " : "c_o = ") +
                          std::to_string(input ? p.c_i : p.c_o) + " " + shapes_text(p)};
  }
  if (Broken broken = broken_padding(p)) return broken;
  if (Broken broken = broken_fit(p)) return broken;
  if (Broken broken = broken_count(p)) return broken;
  if (Broken broken = broken_activation(p.activation)) return broken;
  return broken_strides(p);
}

bool reads_bias(const Problem& problem) {
  return problem.bias && problem.direction == Direction::forward;
}

void require_forward(const Problem& problem, std::string_view what) {
  if (problem.direction == Direction::forward) return;
  throw Error(Status::unsupported, std::string(what) + " the forward direction, not " +
                                       std::string(name_of(problem.direction)));
}

}  // namespace plait
