// What a caller hands to a blocked product, however its right operand arises.
#pragma once

#include <atomic>
#include <cstddef>

#include <plait/executor.hpp>

#include "kernels/loop_tally.hpp"
#include "kernels/tile_runner.hpp"
#include "kernels/weights.hpp"

namespace plait::kernels {

struct ProductOperands {
  const float* packed = nullptr;  // PackedWeights of the blocking's tile, or null:
  const float* a = nullptr;       // dense [group][row][k], then packed in the run or read in place
  const float* bias = nullptr;    // beside a, may be null
  bool has_bias = false;
  bool relu = false;
  ProductOutput y;
  std::byte* workspace = nullptr;  // workspace_bytes of the blocking, aligned to 64
  Executor* executor = nullptr;
  const std::atomic<bool>* cancel = nullptr;
  SharedTally* tally = nullptr;  // counts what the loops do, if set

  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
  // Where the outputs of a unit start.
  float* unit_y(const ProductShape& shape, std::int64_t unit) const {
    return y.data + unit / shape.groups * y.image_stride +
           unit % shape.groups * shape.rows * y.row_stride;
  }
  // The same operands with a and bias packed at the front of the workspace, which the rest of the
  // run then starts behind.
  ProductOperands pack_in_run(const PackedWeights& weights, int threads) const;
};

}  // namespace plait::kernels
