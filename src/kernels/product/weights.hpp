// Weights in the order in which register tiles read them.
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/executor.hpp>
#include <plait/machine.hpp>

#include "core/integers.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

struct ProductShape {
  std::int64_t units = 1;  // images * groups; unit u uses the weights of group u % groups
  std::int64_t groups = 1;
  std::int64_t rows = 1;  // per group
  std::int64_t columns = 1;
  std::int64_t depth = 1;
  OutputOrder order = OutputOrder::lines;
  std::int64_t line = kCountLimit;  // columns that lie evenly in y: fewer than all cut tiles up

  friend bool operator==(const ProductShape&, const ProductShape&) = default;

  // Whether the outputs, beside the inputs, do not stay in any cache.
  bool leaves_caches(const Machine& machine) const {
    return saturated_product({units, rows, columns, std::int64_t{sizeof(float)}}) >
           machine.caches.l3_bytes / 2;
  }
};

// Packed weights of one tile height: [group][tile][k][row in tile], then biases
// [group][tile][row]; rows that fill up the last tile are zero.
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
