// Part of a layer as a layer: some of its channels, in equal groups, and some of its taps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rewrite/inspect/blocks.hpp"

namespace plait::rewrite {

// Between an output and an input of different groups, and outside the rows and columns, the layer's
// kernels are zero.
struct Selection {
  std::vector<Channels> groups;  // no channel twice; ascending
  std::int64_t outputs = 1;      // of each group, filled up
  std::int64_t inputs = 1;
  TapRange rows, columns;

  std::int64_t products() const {
    return static_cast<std::int64_t>(groups.size()) * outputs * inputs * rows.count * columns.count;
  }
};

// All of the layer.
template <class T>
Selection whole(const ConvLayer<T>& layer);

// The layer's channels in so many groups of consecutive ones.
template <class T>
Selection in_groups(const ConvLayer<T>& layer, std::int64_t groups);

// The layer's own groups without dead channels.
template <class T>
Selection without_dead(const ConvLayer<T>& layer, const KernelFindings& found);

// Small groups are filled up with outputs that no group has, whose kernels are zero, and with
// inputs of zero weight. `reads` and `writes` stay empty where the channels are all there in their
// order.
template <class T>
ConvLayer<T> layer_of(const ConvLayer<T>& layer, const KernelMap& map, const Selection& selection);

}  // namespace plait::rewrite
