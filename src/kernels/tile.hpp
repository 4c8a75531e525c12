// Register-tile kernels: out[r, j] = partial[r, j] + sum over k of a[r, k] * b[k, j] for a tile of
// `rows` x `cols` outputs held in registers. Lanes run along j; a is broadcast. Written once in
// tile-inl.h and built for every SIMD target.
//
// The bits of one output depend only on the order of k: each call starts from zero, adds its terms
// with fused multiply-adds (a multiplication and an addition where the target has none), and adds
// the partial sum at the end. Callers cut k at multiples of kChunk, so neither the tile nor the
// target's vector width shows in the result.
#pragma once

#include <cstdint>
#include <span>

#include <plait/machine.hpp>

namespace plait::kernels {

// Terms summed in a register before the sum is added to the partial sum: the error then grows with
// sqrt(kChunk + depth / kChunk) instead of sqrt(depth), and 1/256 of the additions is its price.
inline constexpr std::int64_t kChunk = 256;

// What happens to a finished sum: + bias of its row, then the activation.
struct Epilogue {
  const float* bias = nullptr;  // one per row of the tile, or none
  bool relu = false;            // NaN stays NaN
};

struct TileArgs {
  const float* a = nullptr;              // packed: a[k * rows + r]
  const float* const* a_rows = nullptr;  // in place: a_rows[r][k]; a row may stand twice
  const float* b = nullptr;              // b[k * b_stride + j]
  std::int64_t b_stride = 0;
  const std::int32_t* b_offsets = nullptr;  // shifted: b[b_offsets[k] + j] instead
  std::int64_t depth = 0;                   // terms, 1 .. kChunk
  const float* partial = nullptr;           // partial[r * partial_stride + j], or none (zero)
  std::int64_t partial_stride = 0;
  float* out = nullptr;  // out[r * out_stride + j]; may be partial itself
  std::int64_t out_stride = 0;
  const Epilogue* epilogue = nullptr;  // after the last chunk; none before
};

using TileFunction = void (*)(const TileArgs&);

struct Tile {
  int rows = 0;
  int cols = 0;
  TileFunction packed = nullptr;    // reads a, and b by its stride
  TileFunction in_place = nullptr;  // reads a_rows, and b by its stride
  TileFunction shifted = nullptr;   // reads a, and b by its offsets
};

inline constexpr int kMaxRows = 14;    // of any tile
inline constexpr int kMaxTile = 448;   // rows * cols of any tile
inline constexpr int kNarrowCols = 8;  // a panel of kChunk x kNarrowCols fits on the stack

struct TileSet {
  Target target;  // as compiled in, not as asked for
  int lanes;
  std::span<const Tile> tiles;
};

// The tiles of one target. Every set has one with kNarrowCols columns.
const TileSet& tile_set(Target target);

}  // namespace plait::kernels
