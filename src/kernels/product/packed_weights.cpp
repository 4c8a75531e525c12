#include "kernels/product/packed_weights.hpp"

#include <algorithm>
#include <atomic>

#include "core/integers.hpp"
#include "core/tensor/aligned_buffer.hpp"

namespace plait::kernels {

PackedWeights::PackedWeights(const ProductShape& shape, int tile_rows)
    : shape_(shape), tile_rows_(tile_rows), padded_rows_(round_up(shape.rows, tile_rows)) {}

std::size_t PackedWeights::bytes() const {
  const std::int64_t exact =
      saturated_product({shape_.groups, padded_rows_, shape_.depth + 1, sizeof(float)});
  return round_up(static_cast<std::size_t>(exact), kBufferAlignment);
}

void PackedWeights::pack_tile(std::int64_t index, const float* a, float* packed) const {
  const std::int64_t tiles = padded_rows_ / tile_rows_;
  const std::int64_t group = index / tiles;
  const std::int64_t row = index % tiles * tile_rows_;
  const std::int64_t count = std::min<std::int64_t>(tile_rows_, shape_.rows - row);
  const float* from = a + (group * shape_.rows + row) * shape_.depth;
  float* to = packed + weights_at(group, row, 0);
  for (std::int64_t k = 0; k < shape_.depth; ++k, to += tile_rows_) {
    for (std::int64_t r = 0; r < count; ++r) to[r] = from[r * shape_.depth + k];
    std::fill(to + count, to + tile_rows_, 0.0F);
  }
}

void PackedWeights::pack_biases(const float* bias, float* packed) const {
  for (std::int64_t group = 0; group < shape_.groups; ++group) {
    float* to = packed + bias_at(group, 0);
    for (std::int64_t r = 0; r < padded_rows_; ++r) {
      to[r] = bias != nullptr && r < shape_.rows ? bias[group * shape_.rows + r] : 0.0F;
    }
  }
}

void PackedWeights::pack(const float* a, const float* bias, float* packed) const {
  const std::int64_t tiles = shape_.groups * (padded_rows_ / tile_rows_);
  for (std::int64_t i = 0; i < tiles; ++i) pack_tile(i, a, packed);
  pack_biases(bias, packed);
}

void PackedWeights::pack(const float* a, const float* bias, float* packed, Executor& executor,
                         int threads) const {
  const std::int64_t tiles = shape_.groups * (padded_rows_ / tile_rows_);
  std::atomic<std::int64_t> next = 0;
  auto task = [&](int) {
    for (std::int64_t i = next++; i < tiles; i = next++) pack_tile(i, a, packed);
  };
  executor.run(threads, task);
  pack_biases(bias, packed);
}

}  // namespace plait::kernels
