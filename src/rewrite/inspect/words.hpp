// Parts of layers in words.
#pragma once

#include <string>

#include "rewrite/inspect/selection.hpp"

namespace plait::rewrite {

// "every 2nd row from 0 to 4 of 5"; `axis` is "row" or "column".
std::string taps_text(const TapRange& range, std::int64_t taps, const std::string& axis);

// "4 groups of 16 outputs and 16 inputs" and "rows 1 to 3 of 5 ... (padding 1)": in what the
// selection is less than the whole layer; "" if in nothing.
template <class T>
std::string selection_text(const ConvLayer<T>& layer, const Selection& selection,
                           const ConvLayer<T>& selected);

}  // namespace plait::rewrite
