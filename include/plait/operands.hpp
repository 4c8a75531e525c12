// What a run reads and writes, by the direction of its problem:
//
//                      first   second   result
//   forward            x       K        y       (and bias, residual)
//   backward_data      dy      K        dx
//   backward_weights   x       dy       dK
//   backward_bias      dy      none     dbias
//
// Gradients are those of sum(dy * y), y the convolution with its bias alone: n c_o h' w' numbers dy
// in, and out as many as x, K or the bias has.
#pragma once

#include <string_view>

#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

struct Operand {
  std::string_view name;  // "x", "K", "y", "dy", "dx", "dK", "dbias"
  Dims shape;             // logical: n x c x h x w; c_o x c_i/groups x k_h x k_w; c_o
  Dims strides;           // in elements; of K, dK and dbias dense
  Layout layout = Layout::nchw;
};

PLAIT_API Operand first_operand(const Problem& problem);
PLAIT_API Operand second_operand(const Problem& problem);  // of backward_bias: of rank 0
PLAIT_API Operand result_operand(const Problem& problem);

// Whether the second operand is K, which may be packed once for many runs.
constexpr bool reads_weights(Direction direction) {
  return direction == Direction::forward || direction == Direction::backward_data;
}

}  // namespace plait
