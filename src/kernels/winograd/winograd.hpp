// The two ends of Winograd's convolution: tiles of input to their values at the points, and sums of
// products at the points to tiles of output, for forms F(m, r) (toom_cook.hpp) down, across or both
// ways. What lies between are matrix products, one at each point, by channel tiles (tile.hpp).
//
// A region is a rectangle of tiles; tile (a, b) of it is number a * tile_cols + b and covers the
// outputs from (a m, b m) on, m of each axis, from t = m + r - 1 inputs of it.
//
// Bits: every value passes through the same additions and multiply-adds whatever its lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include <plait/machine.hpp>

#include "kernels/tile/tile.hpp"
#include "kernels/winograd/magnitudes.hpp"

namespace plait::kernels {

inline constexpr std::int64_t kNoOffset = std::numeric_limits<std::int64_t>::min();

// F(m, r) along one axis; F(1, 1) leaves it as it is.
struct AxisForm {
  int m = 1;
  int r = 1;

  constexpr int t() const { return m + r - 1; }
  friend bool operator==(const AxisForm&, const AxisForm&) = default;
};

// The forms that are compiled: each for either axis alone, and for both if its taps allow.
inline constexpr AxisForm kWinogradForms[] = {{2, 3}, {4, 3}, {6, 3}, {2, 5},
                                              {3, 5}, {4, 5}, {2, 7}};
inline constexpr int kMostTapsBothWays = 5;

struct Region {
  std::int64_t tile_rows = 0;
  std::int64_t tile_cols = 0;

  std::int64_t tiles() const { return tile_rows * tile_cols; }
};

// Channels of one image on their way to the points: v[f * plane + c * channel + tile * pixel],
// where point f is number row * t across + column. Lanes are tiles (pixel = 1) where the pixels of
// x lie side by side, else channels (channel = 1).
struct TransformIn {
  const float* x = nullptr;  // of the first channel
  std::int64_t channel_stride = 0;
  std::int64_t channels = 0;
  // Offsets of the rows and columns that the region reads, m * tile_rows + r - 1 rows and likewise
  // columns. kNoOffset is a position outside the image, which holds `outside`.
  const std::int64_t* rows = nullptr;
  const std::int64_t* columns = nullptr;
  // by_lines: whether the columns are pixels first, first + 1 ... of an image row of `width`
  // pixels, side by side, with `outside` before and behind.
  bool side_by_side = false;
  std::int64_t first = 0;
  std::int64_t width = 0;
  float outside = 0;
  Region region;
  float* v = nullptr;
  std::int64_t plane = 0;
  std::int64_t pitch = 0;    // of a channel (by_lines), of a tile (by_channels)
  float* scratch = nullptr;  // scratch_floats, aligned
  // Receives the largest magnitude (magnitudes.hpp) of each pixel of the region over the channels,
  // in largest[i * magnitude_pitch + j]. `raises`: it holds those of other channels already.
  bool raises = false;
  std::int32_t* largest = nullptr;
};

// What is known of a tile beside its sums: bit row * m across + column is set for outputs that are
// zero because all inputs they read are; kDirectTile says that none of its outputs are stored.
using TileMark = std::uint64_t;
inline constexpr TileMark kDirectTile = TileMark{1} << 63;

// Where the outputs of a region go: `to` is the place of its first output, without ranges.
struct RegionOutputs {
  Epilogue epilogue;
  Destination to;
  std::int64_t line_stride = 0;
  std::int64_t residual_line_stride = 0;
};

// Sums m[f * plane + tile * rows + r] on their way to the outputs of to.rows <= rows rows.
struct TransformOut {
  const float* m = nullptr;
  std::int64_t plane = 0;
  int rows = 0;
  Region region;
  std::int64_t height = 0;  // outputs of the region that exist
  std::int64_t width = 0;
  RegionOutputs outputs;
  const TileMark* marks = nullptr;  // one for each tile, or null
};

struct WinogradKernels {
  AxisForm down, across;
  int lanes = 1;  // transforms at once: tiles by lines, else channels
  // Multiplications and additions of a tile's transform, for each lane.
  int operations_in = 0;
  int operations_out = 0;
  void (*by_lines)(const TransformIn&) = nullptr;     // v[..][c][tile]
  void (*by_channels)(const TransformIn&) = nullptr;  // v[..][tile][c]
  void (*out)(const TransformOut&) = nullptr;

  int points() const { return down.t() * across.t(); }
  // Floats of TransformIn::scratch for by_lines: two copied rows, then two times the deinterleaved
  // ones, m rows down of t columns across.
  std::int64_t scratch_floats(const Region& region) const;
  std::int64_t copied_floats(const Region& region) const;
  std::int64_t line_pitch(const Region& region) const;
  // Integers between rows of TransformIn::largest.
  std::int64_t magnitude_pitch(const Region& region) const;
};

// Floats beyond the last tile or channel that may be written and read.
inline constexpr std::int64_t kWinogradSlack = 16;

// One of kWinogradForms down and across, or one of them beside F(1, 1). Throws Error for others.
const WinogradKernels& winograd_kernels(Target target, const AxisForm& down,
                                        const AxisForm& across);

}  // namespace plait::kernels
