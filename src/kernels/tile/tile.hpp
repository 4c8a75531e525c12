// Register tiles, the kernel of every matrix product here.
//
// A tile is a small block of outputs, rows x cols of them, whose sums stay in registers while the
// terms go by: a row is an output channel, a column an output pixel. For each term k it loads
// `rows` weights and `cols` inputs and does rows * cols multiply-adds,
//
//   out[r, j] = partial[r, j] + sum over k of a[r, k] * b[k, j]
//
// so that a tile of fitting shape is bound by multiply-adds and not by loads. A panel is the inputs
// of one tile of columns, copied so that they are read in order; a strip is some padded rows of the
// image, of which every term reads a shifted view; a block is what one thread does at a time, as
// many tiles as share their operands in a cache. Panels, strips and blocks: kernels/product/.
//
// Tiles are built for every SIMD target, in two families:
//   pixel tiles    lanes run along j, weights are broadcast (tile-inl.h)
//   channel tiles  lanes run along r, inputs are broadcast (channel_tile-inl.h)
//
// The bits of one output depend only on the order of k: each call starts from zero, adds its terms
// with fused multiply-adds (a multiplication and an addition where the target has none), and adds
// the partial sum at the end. Callers cut k at multiples of kChunk, so neither the family, nor the
// tile, nor the target's vector width shows in the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <plait/activation.hpp>
#include <plait/machine.hpp>

namespace plait::kernels {

// Terms summed in a register before the sum is added to the partial sum: the error then grows with
// sqrt(kChunk + depth / kChunk) instead of sqrt(depth), and 1/256 of the additions is its price.
inline constexpr std::int64_t kChunk = 256;

// What is applied to a finished sum: + bias of its row, + residual, then the activation.
struct Epilogue {
  const float* bias = nullptr;  // one per row of the tile, or none
  ActivationKind activation = ActivationKind::none;
  float slope = 0;        // of `leaky`
  bool residual = false;  // Destination::residual is added

  // Whether tiles apply it in their registers.
  bool is_simple() const {
    return !residual && (activation == ActivationKind::none || activation == ActivationKind::relu);
  }
};

// Columns [begin, end) of a tile lie in y from `offset` on, `pixel_stride` apart, and likewise in
// the residual.
struct StoreRange {
  std::int64_t offset;
  std::int64_t residual_offset;
  int begin;
  int end;
};

// Where a finished tile goes: output (r, j) to y[r * row_stride + range.offset + (j - range.begin)
// * pixel_stride] for r < rows and the range that holds j. Columns in no range are dropped.
struct Destination {
  float* y = nullptr;
  std::int64_t row_stride = 0;
  std::int64_t pixel_stride = 1;
  int rows = 0;
  std::span<const StoreRange> ranges;  // in the order of their columns
  const float* residual = nullptr;
  std::int64_t residual_row_stride = 0;
  std::int64_t residual_pixel_stride = 1;
  bool non_temporal = false;  // whole vectors of channels are stored past the caches
};

// Sums that are not finished lie in the tile's own order: [r][j] in pixel tiles, [j][r] in channel
// tiles, aligned to 64 bytes.
struct TileArgs {
  const float* a = nullptr;              // a[k * rows + r]
  const float* const* a_rows = nullptr;  // in place: a_rows[r][k]; a row may stand twice
  const float* b = nullptr;              // b[k * b_stride + j]
  std::int64_t b_stride = 0;
  const float* prefetch = nullptr;  // packed, in place: prefetch[k * b_stride] is fetched early
  const std::int32_t* b_offsets = nullptr;  // shifted: b[b_offsets[k] + j] instead
  std::int64_t b_step = 1;                  // strided: b[b_offsets[k] + j * b_step]
  std::int64_t depth = 0;                   // terms, 1 .. kChunk
  const float* partial = nullptr;           // sums of earlier chunks, or none (zero)

  // Either `sums` is set and receives the raw sums (it may equal `partial`), or it is null: then
  // the epilogue is simple, and the tile is stored to `to`, whose innermost stride (of pixels, or
  // of rows in channel tiles) is 1.
  float* sums = nullptr;
  const Epilogue* epilogue = nullptr;
  const Destination* to = nullptr;
};

// Where a tile reads its operands (the fields of TileArgs). Pixel tiles have the first three forms,
// channel tiles all but in_place.
enum class TileForm {
  packed,    // a, and b by its stride
  in_place,  // a_rows, and b by its stride
  shifted,   // a, and b by its offsets
  strided,   // a, and b by its offsets, with b_step from column to column
};

using TileFunction = void (*)(const TileArgs&);
// Applies the epilogue to the raw sums of a tile of rows x cols, and stores them.
using TileStoreFunction = void (*)(const float* sums, int rows, int cols, const Epilogue& epilogue,
                                   const Destination& to);

struct Tile {
  int rows = 0;
  int cols = 0;
  TileFunction packed = nullptr;  // the forms of TileForm; null where the family lacks one
  TileFunction in_place = nullptr;
  TileFunction shifted = nullptr;
  TileFunction strided = nullptr;
  TileStoreFunction store = nullptr;
  bool lanes_are_channels = false;

  // Steps from r to r + 1 and from j to j + 1 in the tile's own order.
  int row_step() const { return lanes_are_channels ? 1 : cols; }
  int col_step() const { return lanes_are_channels ? rows : 1; }
};

inline constexpr int kMaxPixelRows = 14;  // of any pixel tile
inline constexpr int kMaxCols = 128;      // of any tile
inline constexpr int kMaxTile = 448;      // rows * cols of any tile
inline constexpr int kNarrowCols = 8;     // a panel of kChunk x kNarrowCols fits on the stack

inline constexpr std::size_t kMostTiles = 32;  // of a set

struct TileSet {
  Target target;  // as compiled in, not as asked for
  int lanes;
  std::span<const Tile> tiles;
};

// The pixel tiles of one target. Every set has one with kNarrowCols columns.
const TileSet& tile_set(Target target);
// The channel tiles of one target.
const TileSet& channel_tile_set(Target target);

}  // namespace plait::kernels
