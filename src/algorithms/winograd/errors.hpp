// Predicted and guaranteed errors of a form, from its matrices.
#pragma once

#include <cstdint>

#include "algorithms/winograd/cut.hpp"

namespace plait::algorithm::winograd {

// Expected rms error / rms output over `channels` input channels, in the classes' data: ReLU-like
// inputs, weights of mean zero. `axes`: 1 or 2 that are transformed.
double expected_rms(const Form& form, int axes, std::int64_t channels);

// The bound of plan.hpp from that of a tile, whose outputs are all made of all its inputs:
//   |computed - exact| <= gamma * (sum over c of (max |x_c| over the tile) * (sum |K[o, c]|) +
//                                  |bias| + |residual|) + what is flushed to zero
// gamma:
double error_gamma(const Form& form, int axes, std::int64_t channels);
// How far the largest input of a tile may be above the largest one in the window of any of its
// outputs. Of two outputs an axis, an input passes to those alone whose windows have it: row 0 of
// B^T is the only one with the first input, and A^T takes it to the first output alone; so do the
// last ones. guard.hpp keeps the others to it.
double range_of(const Form& form);
// And the floor, over so many terms of an output.
double error_floor(const Form& form, int axes, std::int64_t terms);

// No number on the way from inputs x and weights K to outputs is above this * max |x| * sum |K[o]|,
// or above this * the larger of the two.
double largest_growth(const Form& form, int axes);

}  // namespace plait::algorithm::winograd
