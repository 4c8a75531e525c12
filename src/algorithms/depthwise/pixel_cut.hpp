// How a depthwise layer is cut up whose output has the channels of a pixel side by side: the tiles,
// what is read in place and what from a copy, the blocks, the threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/plan.hpp>

#include "kernels/depthwise/pixels.hpp"

namespace plait::algorithm::depthwise {

struct PixelCut {
  static constexpr int kMostLines = 4;  // of any tile

  // For so many lines left, the tile to take.
  std::array<const kernels::PixelTile*, kMostLines + 1> tiles{};
  int tile_lines = 0;
  bool in_place = false;         // where the whole window is input
  std::int64_t block_lines = 1;  // of output, one thread's at a time
  // Of what is computed from a copy, outputs of a line (if not fewer than a tile has; else those)
  // and channels at a time: a multiple of any vector, or all.
  std::int64_t segment_pixels = 1;
  std::int64_t copied_channels = 1;
  std::int64_t column_floats = 0;  // of a copy: channels of a column, with those of a last few
  bool asks_early = false;         // for the outputs of a tile: they are not in cache
  int threads = 1;
  bool on_stack = false;  // what the threads need is small, and no workspace allowed
  // In floats. Of one thread:
  std::int64_t row_floats = 0;  // the addresses of the rows of a tile
  std::int64_t copy_floats = 0;
  std::int64_t chunk_floats = 0;
  // Of all: the weights in the order of the tiles, where they are not packed.
  std::int64_t weight_floats = 0;
  // Predicted, on all threads.
  double product_seconds = 0;
  double gather_seconds = 0;
  double thread_seconds = 0;

  bool fits() const { return tile_lines > 0; }
  const kernels::PixelTile& tile(std::int64_t lines_left) const {
    return *tiles[static_cast<std::size_t>(lines_left < tile_lines ? lines_left : tile_lines)];
  }
  std::size_t thread_bytes() const;
  std::size_t workspace_bytes() const;
  std::int64_t segment_of(const kernels::PixelTile& tile) const {
    return std::max<std::int64_t>(1, segment_pixels / tile.pixels) * tile.pixels;
  }
  double seconds() const { return product_seconds + gather_seconds + thread_seconds; }
};

// How the columns of a row lie: in x, or in a copy of what a segment of a line reads, in it all
// columns or, where windows leave gaps, those of each tap.
struct PixelWindow {
  // Of x itself, where whole windows lie in a row: their strides may be too large else.
  explicit PixelWindow(const Problem& problem);
  // Of a copy for `pixels` outputs of a line, `channels` floats to each of its columns.
  PixelWindow(const Problem& problem, std::int64_t pixels, std::int64_t channels);

  std::int64_t columns = 0;  // of a row of a copy
  std::int64_t step = 1;     // of the input from one to the next: windows read no others
  bool by_tap = false;       // column v * pixels + j, instead of j s_w + v d_w
  std::int64_t pixel_stride, tap_stride;
};

// The outputs [first, last) of a line that a tile of so many pixels computes in place: whole tiles
// whose windows lie between the sides of the input.
struct InnerPixels {
  InnerPixels(const Problem& problem, std::int64_t tile_pixels);
  std::int64_t first, last;
};

// The products that a run executes.
std::int64_t products_of(const PixelCut& cut, const Problem& problem, std::int64_t lanes);

// The cut with the lowest predicted time that keeps to the limits, or one that does not fit. A
// function of its arguments alone.
PixelCut choose_pixel_cut(const Problem& problem, const Limits& limits, const Machine& machine);

}  // namespace plait::algorithm::depthwise
