// Part of a layer as a layer: some of its channels, in equal groups, and some of its taps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rewrite/inspect/blocks.hpp"

namespace plait::rewrite {

// What is selected of a layer. Its kernels are zero between outputs and inputs of different groups,
// and outside of these rows and columns.
struct Selection {
  std::vector<Channels> groups;  // ascending, no channel twice
  std::int64_t outputs = 1;      // of each group, with those that fill it up
  std::int64_t inputs = 1;
  TapRange rows, columns;

  std::int64_t products() const {
    return static_cast<std::int64_t>(groups.size()) * outputs * inputs * rows.count * columns.count;
  }
};

// The whole layer.
template <class T>
Selection whole(const ConvLayer<T>& layer);

// The layer's channels in so many groups of consecutive ones.
template <class T>
Selection in_groups(const ConvLayer<T>& layer, std::int64_t groups);

// The layer's own groups without dead channels.
template <class T>
Selection without_dead(const ConvLayer<T>& layer, const KernelFindings& found);

// The selection as a layer. Small groups are filled up with outputs that no group has, whose
// kernels are zero, and with inputs of zero weight. `reads` and `writes` stay empty where all
// channels are there in their order.
template <class T>
ConvLayer<T> layer_of(const ConvLayer<T>& layer, const KernelMap& map, const Selection& selection);

// "every 2nd row from 0 to 4 of 5"; `axis` is "row" or "column".
std::string taps_text(const TapRange& range, std::int64_t taps, const std::string& axis);

// How the selection is smaller than the whole layer: "4 groups of 16 outputs and 16 inputs", "rows
// 1 to 3 of 5 ... (padding 1)", or "" if it is not.
template <class T>
std::string selection_text(const ConvLayer<T>& layer, const Selection& selection,
                           const ConvLayer<T>& selected);

}  // namespace plait::rewrite
