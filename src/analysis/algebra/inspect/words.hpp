// Numbers and parts of layers in words.
#pragma once

#include <string>

#include "analysis/algebra/inspect/selection.hpp"

namespace plait::inspecting {

std::string counted(std::int64_t count, const std::string& noun);  // "1 group", "4 groups"
std::string count_text(std::int64_t count);                        // "36,864"
std::string short_text(double value);                              // "0.31", "2.1e-07"

// "every 2nd row from 0 to 4 of 5"; `axis` is "row" or "column".
std::string taps_text(const TapRange& range, std::int64_t taps, const std::string& axis);

// "4 groups of 16 outputs and 16 inputs" and "rows 1 to 3 of 5 ... (padding 1)": in what the
// selection is less than the whole layer; "" if in nothing.
template <class T>
std::string selection_text(const ConvLayer<T>& layer, const Selection& selection,
                           const ConvLayer<T>& selected);

}  // namespace plait::inspecting
