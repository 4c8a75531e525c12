// Predicted and guaranteed errors of a form, from its matrices.
#pragma once

#include <cstdint>

#include "algorithms/winograd/cut.hpp"

namespace plait::rooms::winograd {

// Expected rms error / rms output over `channels` input channels, in the classes' data: ReLU-like
// inputs, weights of mean zero. `axes`: 1 or 2 that are transformed.
double expected_rms(const Form& form, int axes, std::int64_t channels);

// gamma of |computed - exact| <= gamma * S, S = sum over c of (max |x_c| over the input of the
// output's tile) * (sum |K[o, c]|) + |bias| + |residual|.
double error_gamma(const Form& form, int axes, std::int64_t channels);

}  // namespace plait::rooms::winograd
