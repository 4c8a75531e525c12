// Which taps of an axis are used, and which of them a layer must keep.
#pragma once

#include <cstdint>
#include <vector>

#include <plait/rewrite/inspect.hpp>

namespace plait::rewrite {

// The fewest equally spaced taps that hold all that are `used`; count 0 if none is.
TapRange used_taps(const std::vector<bool>& used);

// The fewest that hold `used`, of an axis of `taps` taps, if those left out at either end take no
// more than the padding there: `dilation` rows or columns each.
TapRange kept_taps(const TapRange& used, std::int64_t taps, std::int64_t dilation,
                   std::int64_t pad_before, std::int64_t pad_after);

}  // namespace plait::rewrite
