// The blocking of a depthwise layer whose output y has the channels of a pixel side by side: its
// tiles, its blocks and threads, and which parts of x are read in place and which are copied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <plait/plan.hpp>

#include "algorithms/depthwise/plane_blocking.hpp"
#include "kernels/depthwise/pixels.hpp"

namespace plait::algorithm::depthwise {

struct PixelBlocking : TileBlocking<kernels::PixelTile, 4> {
  bool in_place = false;  // tiles whose windows lie inside the input read x itself
  // Copies cover `copied_pixels` outputs of a row (at least one tile) and `copied_channels`
  // channels (all, or a multiple of every vector length).
  std::int64_t copied_pixels = 1;
  std::int64_t copied_channels = 1;
  // A copied column has the copied channels, and space for a short remainder that joins the last.
  std::int64_t column_floats = 0;
  bool prefetch_output = false;  // the operands are larger than L2
  // A thread's workspace holds these parts.
  std::int64_t pointer_floats = 0;  // the addresses of a tile's input rows
  std::int64_t copy_floats = 0;
  std::int64_t chunk_floats = 0;  // a tile's sums, if its windows have several chunks
  // All threads share the transposed weights, if these are not packed.
  std::int64_t weight_floats = 0;

  std::size_t thread_bytes() const;
  std::size_t workspace_bytes() const;
  // copied_pixels in whole tiles, at least one.
  std::int64_t copied_pixels_of(const kernels::PixelTile& tile) const {
    return std::max<std::int64_t>(1, copied_pixels / tile.pixels) * tile.pixels;
  }
};

// Where a tap finds its input columns, in x or in a copy of what some outputs of a row read. A copy
// has all columns in order or, if windows leave gaps, the columns of each tap one after the other.
struct PixelWindow {
  // For x itself. Windows must lie inside the rows of x, else the strides may overflow.
  explicit PixelWindow(const Problem& problem);
  // For a copy for `pixels` outputs of a row, with `channels` floats in each column.
  PixelWindow(const Problem& problem, std::int64_t pixels, std::int64_t channels);

  std::int64_t columns = 0;  // columns in a row of a copy
  std::int64_t step = 1;     // input columns from one copied column to the next, if not by_tap
  bool by_tap = false;       // tap v of output j is column v * pixels + j, not j s_w + v d_w
  std::int64_t pixel_stride, tap_stride;
};

// The outputs [first, last) of a row whose windows lie between the left and the right side of the
// input, in whole tiles of `tile_pixels`.
struct InnerPixels {
  InnerPixels(const Problem& problem, std::int64_t tile_pixels);
  std::int64_t first, last;
};

// The number of products that a run executes.
std::int64_t products_of(const PixelBlocking& blocking, const Problem& problem, std::int64_t lanes);

// The blocking with the lowest predicted time that keeps to the limits, or one that does not fit.
// It is a function of the arguments alone.
PixelBlocking choose_pixel_blocking(const Problem& problem, const Limits& limits,
                                    const Machine& machine);

}  // namespace plait::algorithm::depthwise
