// Which positions of a padded axis the windows of a layer read. The counts of products and
// additions that leave out padding zeros are products of these counts over both axes.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <plait/problem.hpp>

namespace plait {

// The windows along one axis: `outputs` of them, `stride` apart, each of `taps` taps that are
// `dilation` apart, over `size` positions with `before` and `after` padding ones around them.
struct AxisWindows {
  std::int64_t size = 1;
  std::int64_t before = 0;
  std::int64_t after = 0;
  std::int64_t taps = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t outputs = 1;

  static AxisWindows rows_of(const Problem& problem);
  static AxisWindows columns_of(const Problem& problem);
};

struct AxisReach {
  std::int64_t padded = 0;   // positions of the padded axis that some window reads
  std::int64_t inputs = 0;   // of these, the positions within the input
  std::int64_t sources = 0;  // inputs that some window reads, in place or repeated as padding
  std::int64_t pairs = 0;    // pairs (output, tap) that read the input itself
  std::int64_t outputs = 0;  // outputs that have such a pair
  std::int64_t taps = 0;     // taps that have such a pair
};

inline constexpr std::int64_t kMostCountedTaps = std::int64_t{1} << 24;

// Takes time proportional to the taps, and to the padding where it repeats the input. Throws Error
// if there are more than kMostCountedTaps of either.
AxisReach reach_of(const AxisWindows& axis, PaddingMode mode);

}  // namespace plait
