// Kernels that repeat, alike or up to a factor, and layers that compute each of them once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <plait/rewrite/inspect.hpp>

namespace plait::rewrite {

// Classes of outputs that are multiples of each other, by the numbers of their kernels (before
// `writes`). Outputs whose kernels are all zero are in none. A copy equals its factor times the
// first one within four roundings of each value.
template <class T>
std::vector<ChannelCopies> output_classes(const ConvLayer<T>& layer);

// The same for inputs that some kernel reads, by their numbers in the layer (after `reads`).
template <class T>
std::vector<ChannelCopies> input_classes(const ConvLayer<T>& layer);

// Layers that compute the first output of each class, then copy or scale it by a 1x1 layer. Nothing
// if that takes no fewer products.
template <class T>
std::optional<Layers<T>> computed_once(const ConvLayer<T>& layer,
                                       const std::vector<ChannelCopies>& classes);

// Layers that add up the inputs of each class by a 1x1 layer, and then read the sums.
template <class T>
std::optional<Layers<T>> summed_first(const ConvLayer<T>& layer,
                                      const std::vector<ChannelCopies>& classes);

}  // namespace plait::rewrite
