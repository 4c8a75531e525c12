// The rules for layers and their values, and how results are rounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/rewrite/layers.hpp>
#include <plait/tensor.hpp>

#include "core/integers.hpp"

namespace plait::rewrite {

// "kernel[0,1,2,0]" for the element at a place in row-major order.
std::string element_text(const std::string& name, const Dims& shape, std::int64_t place);

// Throws Error, "kernel[0,1,2,0] is nan but must be finite (kernel is 4x2x3x3)", for the first
// value that is not finite, as no rewriting holds for those. `shape` is the one that the caller
// gave, where the tensor has other axes.
template <class T>
void check_finite(const std::string& name, const Tensor<T>& tensor, const Dims& shape);
template <class T>
void check_finite(const std::string& name, const Tensor<T>& tensor) {
  check_finite(name, tensor, tensor.shape());
}

// The first rule that the layer breaks whatever x is, or for an x of so many channels; "" if none.
// Paddings and the extent of a layer that breaks none are below 2^62, so that sums of two fit.
template <class T>
std::string broken_rule(const ConvLayer<T>& layer, std::int64_t x_channels = kCountLimit);

// Throws Error unless the layer breaks no rule and has finite values. The message begins with
// `name`.
template <class T>
void check_layer(const std::string& name, const ConvLayer<T>& layer);

// How many channels the layer reads, which `reads` may list.
template <class T>
std::int64_t input_channels(const ConvLayer<T>& layer) {
  return layer.kernel.size(1) * layer.groups;
}

// channels[i]; an empty list stands for 0, 1, 2, ...
inline std::int64_t listed(const std::vector<std::int64_t>& channels, std::int64_t i) {
  return channels.empty() ? i : channels[static_cast<std::size_t>(i)];
}

inline bool has_padding(const Padding& padding) { return padding != Padding(0); }

// The values rounded to T. Throws Error where one passes the range of T.
template <class T>
Tensor<T> rounded(const std::string& name, const Tensor<double>& values);

}  // namespace plait::rewrite
