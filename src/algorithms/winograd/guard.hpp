// Decides which tiles may be transformed. Every input of a tile takes part in all its outputs, and
// cancels in those whose windows do not have it. Rounding leaves an error in proportion to the
// largest input of the tile, and an input of infinity or NaN leaves NaN. A tile is therefore
// computed by the sums of the definition (direct_sums.hpp)
// - if an input is not finite, or so large that an intermediate number could overflow f32;
// - in forms with m > 2, if its largest input is more than range_of(form) times the largest one in
//   the window of one of its outputs. A window of zeros is an exception: its output is set to zero
//   before the epilogue.
// The decision depends only on the magnitudes (kernels/winograd/magnitudes.hpp) of the tile's
// inputs and on the weights of its group.
#pragma once

#include <cstdint>
#include <span>

#include "algorithms/winograd/blocking.hpp"
#include "kernels/winograd/magnitudes.hpp"
#include "kernels/winograd/winograd.hpp"

namespace plait::algorithm::winograd {

// The largest input that the weights allow, or a negative number if a weight is not finite, because
// even zeros then give NaN. `kernels` has kernels of channels x taps elements one after the other.
float largest_input(const Form& form, int axes, std::span<const float> kernels,
                    std::int64_t elements_of_kernel);

struct Judgement {
  std::int64_t direct_tiles = 0;
  bool marks = false;  // whether any tile is marked
};

// Marks the tiles of a region that has height x width outputs. `windows` has the magnitudes of its
// inputs, which are overwritten by those of the windows.
Judgement judge_tiles(const Blocking& blocking, const kernels::Region& region, std::int64_t height,
                      std::int64_t width, float largest, kernels::MagnitudeWindows windows,
                      kernels::TileMark* marks);

}  // namespace plait::algorithm::winograd
