// Kernels that repeat, alike or up to a factor, and layers that compute each of them once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <plait/rewrite/inspect.hpp>

namespace plait::rewrite {

// The layer's outputs with a kernel that is not zero, each in the class of its copies, by the
// number of their kernels (before `writes`). A copy equals its factor times the first one within
// four roundings of each value.
template <class T>
std::vector<ChannelCopies> output_classes(const ConvLayer<T>& layer);

// Likewise of the inputs that some kernel reads, by their numbers in the layer (after `reads`).
template <class T>
std::vector<ChannelCopies> input_classes(const ConvLayer<T>& layer);

// The first of each class of outputs computed once, then copied or scaled by a 1x1 layer. Nothing
// if that is no fewer products.
template <class T>
std::optional<Layers<T>> computed_once(const ConvLayer<T>& layer,
                                       const std::vector<ChannelCopies>& classes);

// The inputs of each class added up by a 1x1 layer, then read once.
template <class T>
std::optional<Layers<T>> summed_first(const ConvLayer<T>& layer,
                                      const std::vector<ChannelCopies>& classes);

}  // namespace plait::rewrite
