// Weights in the order in which register tiles read them.
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/executor.hpp>

#include "kernels/product/shape.hpp"

namespace plait::kernels {

// Weights packed for tiles of so many rows: [group][tile][k][row in tile], then the biases
// [group][tile][row in tile]. Rows that fill up the last tile are zero.
class PackedWeights {
 public:
  PackedWeights(const ProductShape& shape, int tile_rows);

  std::int64_t padded_rows() const { return padded_rows_; }
  std::size_t bytes() const;  // saturated at 2^62
  // Offset in floats of the weights of rows [row, row + tile_rows) from term k on.
  std::int64_t weights_at(std::int64_t group, std::int64_t row, std::int64_t k) const {
    return (group * padded_rows_ + row) * shape_.depth + k * tile_rows_;
  }
  std::int64_t bias_at(std::int64_t group, std::int64_t row) const {
    return (shape_.groups * shape_.depth + group) * padded_rows_ + row;
  }

  // a is dense [group][row][k]; bias may be null. The tiles are spread over `threads` tasks.
  void pack(const float* a, const float* bias, float* packed) const;
  void pack(const float* a, const float* bias, float* packed, Executor& executor,
            int threads) const;

 private:
  void pack_tile(std::int64_t index, const float* a, float* packed) const;
  void pack_biases(const float* bias, float* packed) const;

  ProductShape shape_;
  int tile_rows_;
  std::int64_t padded_rows_;
};

}  // namespace plait::kernels
