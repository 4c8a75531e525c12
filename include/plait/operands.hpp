// What a run reads and writes, by the direction of its problem:
//
//                      first   second   result
//   forward            x       weight   y       (and bias, residual)
//   backward_data      dy      weight   dx
//   backward_weights   x       dy       dweight
//   backward_bias      dy      none     dbias
//
// The gradients are those of sum(dy * y), where y is the convolution with its bias alone:
// dy[n, c_o, h', w'] goes in, and a gradient shaped like x, the weight or the bias comes out.
#pragma once

#include <string_view>

#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

struct Operand {
  std::string_view name;  // "x", "weight", "y", "dy", "dx", "dweight", "dbias"
  Dims shape;             // logical: n x c x h x w; c_o x c_i/groups x k_h x k_w; c_o
  Dims strides;           // in elements; dense for weight, dweight and dbias
  Layout layout = Layout::nchw;
};

PLAIT_API Operand first_operand(const Problem& problem);
PLAIT_API Operand second_operand(const Problem& problem);  // has rank 0 for backward_bias
PLAIT_API Operand result_operand(const Problem& problem);

// Whether the second operand is the weight, which may be packed once for many runs.
constexpr bool reads_weights(Direction direction) {
  return direction == Direction::forward || direction == Direction::backward_data;
}

}  // namespace plait
