// Computes the weights at the points, U = G g G^T, in f64, and rounds them once.
#pragma once

#include <cstdint>

#include "algorithms/winograd/blocking.hpp"

namespace plait::algorithm::winograd {

// The number of blocks of output channels in all groups.
std::int64_t weight_blocks(const Problem& problem, const Blocking& blocking);
// Writes the parts of one block into the packed weights `out` (see Blocking):
// u[point][channel][row], the biases, the weights as they are as [rows of a direct tile][channel,
// tap][row], and the largest input that they allow. Rows beyond the last output channel are 0. If
// `bias` is null, biases are 0.
void transform_weights(const Problem& problem, const Blocking& blocking, const float* kernel,
                       const float* bias, std::int64_t block, float* out);

}  // namespace plait::algorithm::winograd
