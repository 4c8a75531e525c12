#include "rewrite/inspect/window.hpp"

#include <algorithm>
#include <numeric>

namespace plait::rewrite {

TapRange used_taps(const std::vector<bool>& used) {
  TapRange range;
  std::int64_t last = -1;
  std::int64_t step = 0;  // greatest common divisor of the distances from the first
  for (std::int64_t tap = 0; tap < static_cast<std::int64_t>(used.size()); ++tap) {
    if (!used[static_cast<std::size_t>(tap)]) continue;
    if (last < 0) range.first = tap;
    step = std::gcd(step, tap - range.first);
    last = tap;
  }
  if (last < 0) return range;
  range.step = std::max<std::int64_t>(step, 1);
  range.count = (last - range.first) / range.step + 1;
  return range;
}

TapRange kept_taps(const TapRange& used, std::int64_t taps, std::int64_t dilation,
                   std::int64_t pad_before, std::int64_t pad_after) {
  const std::int64_t most_before = std::min(taps - 1, pad_before / dilation);
  // Of an axis without a used tap, any one may stand for it.
  const TapRange held = used.count > 0 ? used : TapRange{most_before, 1, 1};
  const std::int64_t before = std::min(held.first, most_before);
  const std::int64_t end = std::max(held.last(), taps - 1 - pad_after / dilation);
  TapRange best{before, end - before + 1, 1};
  // Wider steps that meet all used taps: any, if there is only one of these.
  const std::int64_t distance = held.count == 1 ? 0 : held.step;
  const std::int64_t widest = distance == 0 ? taps : distance;
  for (std::int64_t step = 2; step <= widest; ++step) {
    if (distance % step != 0) continue;
    const std::int64_t first = before - ((before - held.first) % step + step) % step;
    const std::int64_t last = end + ((held.first - end) % step + step) % step;
    if (first < 0 || last >= taps) continue;
    const std::int64_t count = (last - first) / step + 1;
    if (count < best.count) best = {first, count, count == 1 ? 1 : step};
  }
  return best;
}

}  // namespace plait::rewrite
