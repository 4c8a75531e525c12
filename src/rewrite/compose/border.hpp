// Where the second of two layers reads zeros of its padding, which one kernel for both would
// replace by what the first layer computes there.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include <plait/rewrite/compose.hpp>

namespace plait::rewrite {

// One axis of both layers.
struct BorderAxis {
  struct Layer {
    std::int64_t taps = 1;
    std::int64_t dilation = 1;
    std::int64_t stride = 1;
    std::int64_t before = 0;  // padding
    std::int64_t after = 0;
  };
  Layer first, second;
};

// The Taps of DifferingOutputs for each of `outputs` windows, where the axis has `size` positions
// of x and `middle` of the middle map. Both layers and the composed one must be valid for that
// size.
std::vector<std::uint8_t> taps_of(const BorderAxis& axis, std::int64_t size, std::int64_t middle,
                                  std::int64_t outputs, const std::atomic<bool>* cancel);

// Whether there is a size that both layers accept for which taps_of() has a kMeeting, or, with
// `biased`, a kPadded.
bool can_read_padding(const BorderAxis& axis, bool biased);

}  // namespace plait::rewrite
