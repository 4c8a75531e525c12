// Which tiles may be transformed. A tile's outputs are made of all its inputs, which cancel again
// where an output's window does not have them; what rounding leaves of them is in proportion to the
// largest input of the tile, and of infinity and NaN it is NaN. A tile is therefore computed by the
// sums of the definition (direct.hpp)
// - if an input is not finite, or so large that a number on the way could be too large for f32;
// - of more than two outputs an axis, if its largest input is more than range_of(form) times the
//   largest in the window of one of its outputs, unless that window is all zeros: such an output is
//   set to zero before the epilogue.
// Only magnitudes (kernels/winograd/magnitudes.hpp) of a tile's inputs and the weights of its group
// decide.
#pragma once

#include <cstdint>
#include <span>

#include "algorithms/winograd/cut.hpp"
#include "kernels/winograd/magnitudes.hpp"
#include "kernels/winograd/winograd.hpp"

namespace plait::algorithm::winograd {

// The largest input that weights allow, kernels of channels x taps one after the other; below 0 if
// one is not finite, for then even zeros give NaN.
float largest_input(const Form& form, int axes, std::span<const float> kernels,
                    std::int64_t elements_of_kernel);

struct Judgement {
  std::int64_t direct_tiles = 0;
  bool marks = false;  // whether any tile is marked
};

// Marks the tiles of a region that has height x width outputs. `windows`: of the magnitudes of its
// inputs, which are replaced; its outputs and taps are set here.
Judgement judge_tiles(const Cut& cut, const kernels::Region& region, std::int64_t height,
                      std::int64_t width, float largest, kernels::MagnitudeWindows windows,
                      kernels::TileMark* marks);

}  // namespace plait::algorithm::winograd
