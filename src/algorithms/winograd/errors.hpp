// Predicts and bounds the errors of a form from its matrices.
#pragma once

#include <cstdint>

#include "algorithms/winograd/blocking.hpp"

namespace plait::algorithm::winograd {

// The expected rms error divided by the rms output, over `channels` input channels, for the data of
// the accuracy classes: inputs like those after ReLU, and weights of mean zero. `axes`, 1 or 2, is
// the number of axes that are transformed.
double expected_rms(const Form& form, int axes, std::int64_t channels);

// The factor gamma of the bound in plan.hpp. Every input of a tile affects all its outputs, so that
//   |computed - exact| <= gamma * (sum over c of (max |x_c| over the tile) * (sum |K[o, c]|) +
//                                  |bias| + |residual|) + error_floor
double error_gamma(const Form& form, int axes, std::int64_t channels);
// The largest ratio of the largest input of a tile to the largest one in the window of any of its
// outputs. With m = 2 the ratio is 1, because an input affects only outputs whose windows have it:
// only row 0 of B^T has the first input, and A^T takes it to the first output alone; the last ones
// likewise. For other forms guard.hpp enforces the ratio.
double range_of(const Form& form);
// The part of the bound that comes from numbers flushed to zero, for an output of `terms` terms.
double error_floor(const Form& form, int axes, std::int64_t terms);

// No number between inputs x and weights K and the outputs exceeds this factor times
// max |x| * sum |K[o]|, or this factor times the larger of the two.
double largest_growth(const Form& form, int axes);

}  // namespace plait::algorithm::winograd
