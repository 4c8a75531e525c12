// Weights at the points: U = G g G^T, computed in f64 and rounded once.
#pragma once

#include <cstdint>

#include "algorithms/winograd/cut.hpp"

namespace plait::algorithm::winograd {

// How many pieces of work there are, one block of output channels each.
std::int64_t weight_blocks(const Problem& problem, const Cut& cut);
// Writes what belongs to block `block` of all that is packed (Cut): u[block][point][channel][row],
// biases, the weights as they are, [rows of a direct tile][channel, tap][row], and what inputs they
// allow; rows beyond the last output channel are 0. `bias` may be null: zeros.
void transform_weights(const Problem& problem, const Cut& cut, const float* kernel,
                       const float* bias, std::int64_t block, float* out);

}  // namespace plait::algorithm::winograd
