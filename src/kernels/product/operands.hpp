// What a caller hands to a blocked product, from panels or from strips.
#pragma once

#include <atomic>
#include <cstddef>

#include <plait/executor.hpp>

#include "kernels/product/packed_weights.hpp"
#include "kernels/product/shape.hpp"
#include "kernels/tile/loop_counters.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

struct ProductOperands {
  // Either `packed` holds PackedWeights of the blocking's tile, or it is null: then `a`, dense
  // [group][row][k], and `bias`, or none, are packed in the run or read in place.
  const float* packed = nullptr;
  const float* a = nullptr;
  const float* bias = nullptr;
  bool has_bias = false;
  ActivationKind activation = ActivationKind::none;
  float slope = 0;  // of `leaky`
  ProductOutput y;
  std::byte* workspace = nullptr;  // workspace_bytes of the blocking, aligned to 64
  Executor* executor = nullptr;
  const std::atomic<bool>* cancel = nullptr;
  SharedCounters* counters = nullptr;  // may be null

  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
  Epilogue epilogue(const float* row_bias) const {
    return {row_bias, activation, slope, y.residual != nullptr};
  }
  // The same operands with a and bias packed at the front of the workspace; the workspace of the
  // result is the rest of it.
  ProductOperands pack_in_run(const PackedWeights& weights, int threads) const;
};

}  // namespace plait::kernels
