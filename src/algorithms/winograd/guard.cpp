#include "algorithms/winograd/guard.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "algorithms/winograd/errors.hpp"

namespace plait::algorithm::winograd {
namespace {

using kernels::TileMark;

constexpr double kLargest = 0x1p120;  // bounds intermediate numbers, far below the largest f32
constexpr std::int32_t kAnything = std::numeric_limits<std::int32_t>::max();

// over(window) is the largest magnitude that a tile may have beside a window of magnitude `window`:
// range_of(form) times it. As the factor is a power of two, it is added to the exponent. For
// windows below 2^-126 that allows up to 64 times 2^-126, which error_floor() counts.
class Range {
 public:
  explicit Range(const Form& form)
      : limits_(form.m > 2), bits_(std::ilogb(range_of(form)) * (1 << 23)) {}

  bool limits() const { return limits_; }
  std::int32_t over(std::int32_t window) const {
    return limits_ && window < kAnything - bits_ ? window + bits_ : kAnything;
  }

 private:
  bool limits_;
  std::int32_t bits_;
};

class Judge {
 public:
  Judge(const Blocking& blocking, std::int64_t height, std::int64_t width, std::int32_t largest,
        const kernels::MagnitudeWindows& windows)
      : range_(blocking.form),
        m_down_(blocking.down.m),
        m_across_(blocking.across.m),
        height_(height),
        width_(width),
        largest_(largest),
        windows_(windows) {}

  TileMark mark(std::int64_t row, std::int64_t column) const {
    std::int32_t largest = 0;
    std::int32_t least_positive = kAnything;
    TileMark zeros = 0;
    for (std::int64_t i = 0; i < m_down_; ++i) {
      const std::int64_t output_row = row * m_down_ + i;
      for (std::int64_t j = 0; j < m_across_; ++j) {
        const std::int64_t output_column = column * m_across_ + j;
        const std::int32_t window = windows_.at[output_row * windows_.pitch + output_column];
        largest = std::max(largest, window);
        if (output_row >= height_ || output_column >= width_) continue;
        if (window == 0) {
          zeros |= TileMark{1} << (i * m_across_ + j);
        } else {
          least_positive = std::min(least_positive, window);
        }
      }
    }
    if (largest > largest_ || largest > range_.over(least_positive)) return kernels::kDirectTile;
    return range_.limits() && largest > 0 ? zeros : 0;
  }

 private:
  Range range_;
  std::int64_t m_down_, m_across_;
  std::int64_t height_, width_;
  std::int32_t largest_;
  const kernels::MagnitudeWindows& windows_;
};

}  // namespace

float largest_input(const Form& form, int axes, std::span<const float> kernels,
                    std::int64_t elements_of_kernel) {
  double largest_sum = 1;
  for (std::size_t first = 0; first < kernels.size();
       first += static_cast<std::size_t>(elements_of_kernel)) {
    double sum = 0;
    for (const float weight :
         kernels.subspan(first, static_cast<std::size_t>(elements_of_kernel))) {
      sum += std::abs(static_cast<double>(weight));
    }
    if (!std::isfinite(sum)) return -1;
    largest_sum = std::max(largest_sum, sum);
  }
  return static_cast<float>(kLargest / (largest_growth(form, axes) * largest_sum));
}

Judgement judge_tiles(const Blocking& blocking, const kernels::Region& region, std::int64_t height,
                      std::int64_t width, float largest, kernels::MagnitudeWindows windows,
                      kernels::TileMark* marks) {
  windows.rows = region.tile_rows * blocking.down.m;
  windows.columns = region.tile_cols * blocking.across.m;
  windows.rows_kept = height;
  windows.columns_kept = width;
  windows.taps_down = blocking.down.r;
  windows.taps_across = blocking.across.r;
  const kernels::MagnitudeExtremes extremes = kernels::take_windows(blocking.target, windows);
  const std::int32_t allowed = largest < 0 ? -1 : kernels::magnitude_of(largest);
  const Range range(blocking.form);
  const bool zeros = range.limits() && extremes.least == 0 && extremes.largest > 0;
  Judgement judgement;
  if (extremes.largest <= allowed && extremes.largest <= range.over(extremes.least_positive) &&
      !zeros) {
    return judgement;
  }
  const Judge judge(blocking, height, width, allowed, windows);
  for (std::int64_t a = 0; a < region.tile_rows; ++a) {
    for (std::int64_t b = 0; b < region.tile_cols; ++b) {
      const TileMark mark = judge.mark(a, b);
      judgement.marks |= mark != 0;
      judgement.direct_tiles += mark == kernels::kDirectTile ? 1 : 0;
      *marks++ = mark;
    }
  }
  return judgement;
}

}  // namespace plait::algorithm::winograd
