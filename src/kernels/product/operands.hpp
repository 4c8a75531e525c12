// What a caller hands to a blocked product, however its right operand arises.
#pragma once

#include <atomic>
#include <cstddef>

#include <plait/executor.hpp>

#include "kernels/product/weights.hpp"
#include "kernels/tile/loop_counters.hpp"
#include "kernels/tile/tile_runner.hpp"

namespace plait::kernels {

struct ProductOperands {
  const float* packed = nullptr;  // PackedWeights of the blocking's tile, or null:
  const float* a = nullptr;       // dense [group][row][k], then packed in the run or read in place
  const float* bias = nullptr;    // beside a, may be null
  bool has_bias = false;
  Curve curve = Curve::none;
  float slope = 0;  // of `leaky`
  ProductOutput y;
  std::byte* workspace = nullptr;  // workspace_bytes of the blocking, aligned to 64
  Executor* executor = nullptr;
  const std::atomic<bool>* cancel = nullptr;
  SharedTally* tally = nullptr;  // counts what the loops do, if set

  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
  UnitOutput unit_output(const ProductShape& shape, std::int64_t unit) const {
    const auto offset = [&](const ProductOutput::Strides& strides) {
      return unit / shape.groups * strides.image + unit % shape.groups * shape.rows * strides.row;
    };
    return {y.data + offset(y.strides),
            y.residual == nullptr ? nullptr : y.residual + offset(y.residual_strides)};
  }
  Epilogue epilogue(const float* row_bias) const {
    return {row_bias, curve, slope, y.residual != nullptr};
  }
  // The same operands with a and bias packed at the front of the workspace, which the rest of the
  // run then starts behind.
  ProductOperands pack_in_run(const PackedWeights& weights, int threads) const;
};

}  // namespace plait::kernels
