// How a stride splits one axis of the padded input into phases.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "core/integers.hpp"

namespace plait {

// Position start + j * stride lies in [0, size) for those 0 <= j < count that are in [first, last).
struct InputRange {
  InputRange(std::int64_t start_, std::int64_t stride, std::int64_t size, std::int64_t count)
      : start(start_),
        first(std::min(count, start >= 0 ? 0 : ceil_div(-start, stride))),
        last(std::max(first, std::min(count, ceil_div(size - start, stride)))) {}

  bool is_empty() const { return first == last; }

  std::int64_t start, first, last;
};

// Only every stride-th position is ever the first of a window, so the positions that taps read fall
// into phases: every stride-th position from one on. Within its phase every tap reads like stride
// 1. The phases that taps read repeat after stride / gcd(stride, dilation) taps; phase i is that of
// tap i. (The polyphase decomposition of signal processing.)
struct AxisPhases {
  AxisPhases(std::int64_t taps, std::int64_t stride_, std::int64_t dilation_)
      : stride(stride_),
        dilation(dilation_),
        phases(std::min(taps, stride_ / std::gcd(stride_, dilation_))),
        extent((taps - 1) * dilation_ / stride_) {}

  std::int64_t phase_of(std::int64_t tap) const { return tap % phases; }
  // Position within its phase that a tap reads for the first output.
  std::int64_t step_of(std::int64_t tap) const { return tap * dilation / stride; }
  // First position of the padded input in a phase.
  std::int64_t first_of(std::int64_t phase) const {
    return phase == 0 ? 0 : phase * dilation % stride;
  }

  std::int64_t stride;
  std::int64_t dilation;
  std::int64_t phases;
  std::int64_t extent;  // step_of the last tap
};

}  // namespace plait
