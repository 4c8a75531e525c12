// What layers and their values must satisfy to be rewritten, and how results are rounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/rewrite/layers.hpp>

namespace plait::rewrite {

// Throws Error unless the layer is one for some x, with finite values; `name` stands in front of
// the message. Pads and the kernel's extent are below 2^62, so that sums of two of them fit.
template <class T>
void check_layer(const std::string& name, const ConvLayer<T>& layer);

// Of the layer itself, before `reads` picks them.
template <class T>
std::int64_t input_channels(const ConvLayer<T>& layer) {
  return layer.kernel.size(1) * layer.groups;
}

// channels[i], or i of an empty list, which stands for 0, 1, 2, ...
inline std::int64_t listed(const std::vector<std::int64_t>& channels, std::int64_t i) {
  return channels.empty() ? i : channels[static_cast<std::size_t>(i)];
}

inline bool has_padding(const Padding& padding) { return padding != Padding(0); }

// "1_1_0_0 (top_bottom_left_right)"
std::string sides_text(const Padding& padding);

// The values in T. Throws Error where one passes T's range.
template <class T>
Tensor<T> rounded(const std::string& name, const Tensor<double>& values);

}  // namespace plait::rewrite
