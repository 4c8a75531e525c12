#include "rewrite/layer_rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "core/integers.hpp"
#include "core/problem/problem_rules.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"

namespace plait::rewrite {
namespace {

// The rules for sizes, strides, dilation and groups are those of every problem.
template <class T>
std::string broken_number(const ConvLayer<T>& layer) {
  const Tensor<T>& kernel = layer.kernel;
  if (kernel.rank() != 4) {
    return "a layer's kernel must be c_o x c_i/groups x k_h x k_w but is " +
           to_string(kernel.shape());
  }
  for (int axis = 0; axis < 4; ++axis) {
    if (kernel.size(axis) < 1) {
      return "every size of a kernel must be at least 1 but it is " + to_string(kernel.shape());
    }
  }
  Problem numbers;
  numbers.stride = layer.stride;
  numbers.dilation = layer.dilation;
  numbers.groups = layer.groups;
  if (const auto broken = plait::broken_number(numbers)) return broken->message;
  if (kernel.size(0) % layer.groups != 0) {
    return "groups must divide the channels but " + std::to_string(layer.groups) +
           " does not divide c_o = " + std::to_string(kernel.size(0)) + " (kernel is " +
           to_string(kernel.shape()) + ")";
  }
  if (layer.bias.size() != 0 && layer.bias.shape() != Dims{kernel.size(0)}) {
    return "bias must have one value per output channel (" + std::to_string(kernel.size(0)) +
           ") but is " + to_string(layer.bias.shape());
  }
  const Padding& p = layer.padding;
  if (std::min({p.top, p.bottom, p.left, p.right}) < 0) {
    return "padding must not be negative but is " + sides_text(p);
  }
  const auto small = [](std::int64_t a, std::int64_t b = 1) {
    return bounded_product({a, b}, kCountLimit - 1).has_value();
  };
  if (!small(std::max({p.top, p.bottom, p.left, p.right}))) {
    return "overflow: padding " + sides_text(p) + " passes 2^62";
  }
  if (!small(kernel.size(2) - 1, layer.dilation.h) ||
      !small(kernel.size(3) - 1, layer.dilation.w)) {
    return "overflow: a kernel of " + to_string(kernel.shape()) + " dilated by " +
           pair_text(layer.dilation) + " passes 2^62";
  }
  if (!small(kernel.size(1), layer.groups)) {
    return "overflow: " + std::to_string(layer.groups) + " groups of " +
           std::to_string(kernel.size(1)) + " channels pass 2^62";
  }
  return "";
}

// Each channel of `list` is below `limit`, and in it once where `once`.
std::string broken_list(const char* name, const std::vector<std::int64_t>& list,
                        std::int64_t channels, const char* of, std::int64_t limit, bool once) {
  if (static_cast<std::int64_t>(list.size()) != channels) {
    return std::string(name) + " must list the layer's " + std::to_string(channels) +
           " channels but has " + std::to_string(list.size());
  }
  std::set<std::int64_t> seen;
  for (const std::int64_t channel : list) {
    std::string start = std::string(name) + " has channel " + std::to_string(channel);
    if (channel < 0) return start;
    if (channel >= limit) return start + " but " + of + " has " + std::to_string(limit);
    if (once && !seen.insert(channel).second) return start + " twice";
  }
  return "";
}

}  // namespace

std::string element_text(const std::string& name, const Dims& shape, std::int64_t place) {
  const Dims strides = dense_strides(shape);
  std::string text = name;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    text += (axis == 0 ? "[" : ",") + std::to_string(place / strides[axis] % shape[axis]);
  }
  return text + "]";
}

template <class T>
void check_finite(const std::string& name, const Tensor<T>& tensor, const Dims& shape) {
  const auto* found = std::find_if(tensor.begin(), tensor.end(),
                                   [](const T value) { return !std::isfinite(value); });
  if (found == tensor.end()) return;
  const char* value = std::isnan(*found) ? "nan" : *found > 0 ? "inf" : "-inf";
  const std::size_t colon = name.rfind(": ");  // "branch 1: kernel" is a kernel's name in full
  refuse(element_text(name, shape, found - tensor.begin()) + " is " + value +
         " but must be finite (" + (colon == std::string::npos ? name : name.substr(colon + 2)) +
         " is " + to_string(shape) + ")");
}

template <class T>
std::string broken_rule(const ConvLayer<T>& layer, std::int64_t x_channels) {
  std::string broken = broken_number(layer);
  if (broken.empty() && !layer.reads.empty()) {
    broken = broken_list("reads", layer.reads, input_channels(layer), "x", x_channels, false);
  }
  if (broken.empty() && !layer.writes.empty()) {
    broken = broken_list("writes", layer.writes, layer.kernel.size(0), "y", layer.y_channels, true);
  }
  return broken;
}

template <class T>
void check_layer(const std::string& name, const ConvLayer<T>& layer) {
  const std::string broken = broken_rule(layer);
  if (!broken.empty()) refuse(name + ": " + broken);
  check_finite(name + ": kernel", layer.kernel);
  check_finite(name + ": bias", layer.bias);
}

template <class T>
Tensor<T> rounded(const std::string& name, const Tensor<double>& values) {
  constexpr double kLargest = std::numeric_limits<T>::max();
  Tensor<T> result(values.shape());
  for (std::int64_t i = 0; i < values.size(); ++i) {
    const double value = values.data()[i];
    if (!(std::abs(value) <= kLargest)) {
      refuse("overflow: " + element_text(name, values.shape(), i) + " of the result, " +
             real_text(value) + ", passes the range of " + (sizeof(T) == 4 ? "f32" : "f64"));
    }
    result.data()[i] = static_cast<T>(value);
  }
  return result;
}

#define PLAIT_INSTANTIATE(T)                                                     \
  template void check_finite(const std::string&, const Tensor<T>&, const Dims&); \
  template std::string broken_rule(const ConvLayer<T>&, std::int64_t);           \
  template void check_layer(const std::string&, const ConvLayer<T>&);            \
  template Tensor<T> rounded(const std::string&, const Tensor<double>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::rewrite
