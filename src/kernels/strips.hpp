// Blocked products whose right operand is a strip: lines of an image, copied once into cache with
// their borders filled in, of which every term k reads a shifted view:
//
//   y_u[m, q] = epilogue( sum over k of a_u[m, k] * strip[offset(k) + q] )
//
// q numbers output pixels line by line at the strip's pitch. Tiles either run on from line to line,
// and compute and drop the columns beyond an output line's width, or start anew on every line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/machine.hpp>

#include "kernels/operands.hpp"
#include "kernels/tile_cost.hpp"

namespace plait::kernels {

// The strip of a block of output lines holds, for every plane (channel and phase), the block's
// lines and the halo below them, `pitch` columns each.
struct StripShape {
  ProductShape product;  // columns: lines * pitch
  std::int64_t lines = 1;
  std::int64_t width = 1;  // pixels of an output line
  std::int64_t pitch = 1;  // >= width
  std::int64_t planes = 1;
  std::int64_t halo_lines = 0;
  // If set, the source is itself such a strip, with this step from plane to plane: nothing is
  // copied, and no tile may read beyond the width of a line.
  std::int64_t in_place_plane_stride = 0;
};

class StripSource {
 public:
  StripSource() = default;
  StripSource(const StripSource&) = delete;
  StripSource& operator=(const StripSource&) = delete;
  virtual ~StripSource() = default;

  // Writes planes x (lines + halo_lines) x pitch floats, plane p at strip + p * plane_stride, for
  // the output lines from first_line on.
  virtual void fill(std::int64_t unit, std::int64_t first_line, std::int64_t lines, float* strip,
                    std::int64_t plane_stride) const = 0;
  // Where the strip from first_line on lies, if StripShape::in_place_plane_stride is set.
  virtual const float* in_place(std::int64_t unit, std::int64_t first_line) const = 0;
};

// How strips are cut up. A function of the shape, the machine and the caps alone.
struct StripBlocking {
  const Tile* tile = nullptr;  // tile->cols is Delta: the outputs that one load of input serves
  Target target = Target::emu128;
  bool line_by_line = false;  // tiles start anew on every line
  std::int64_t block_lines = 1;
  std::int64_t block_rows = 1;   // multiple of the tile's rows, or all
  std::int64_t block_depth = 1;  // multiple of kChunk, or all
  int threads = 1;
  std::size_t strip_bytes = 0;  // of one thread
  std::size_t sums_bytes = 0;   // of one thread, kept between blocks of depth
  std::size_t weights_bytes = 0;
  BlockingCost cost;

  std::int64_t plane_stride(const StripShape& shape) const {
    return shape.in_place_plane_stride != 0 ? shape.in_place_plane_stride
                                            : (block_lines + shape.halo_lines) * shape.pitch;
  }
};

struct StripRequest {
  StripShape shape;
  TileSet tiles;  // of the machine's target
  int threads = 1;
  std::size_t max_workspace_bytes = 0;
  bool prepacked = true;
  int tile_rows = 0;                    // if set: only tiles of so many rows
  int delta = 0;                        // if set: only tiles of so many columns
  double fill_seconds_per_element = 0;  // of the source, on one thread
};

// The blocking with the lowest predicted time that keeps to the limits; its tile is null if even
// one line a block does not.
StripBlocking choose_strips(const StripRequest& request, const Machine& machine);

// The loops of run_strips as they are tallied.
enum StripLoop : std::size_t {
  kStripChunks = kChunkLevel,
  kStripColumnTiles,
  kStripDepthBlocks,
  kStripRowTiles,
  kStripRowBlocks,
  kStripLineBlocks,
  kStripUnits
};
inline constexpr std::array<LoopLevel, 7> kStripLoops = {{{"chunks", true},
                                                          {"column tiles", true},
                                                          {"depth blocks", true},
                                                          {"row tiles", true},
                                                          {"row blocks", true},
                                                          {"line blocks", true},
                                                          {"units", false}}};

std::size_t workspace_bytes(const StripBlocking& blocking);

// `offsets` has one entry per term, in a strip of the blocking's plane stride.
// Returns early, leaving y unspecified, once *cancel is true.
void run_strips(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
                const std::int32_t* offsets, const ProductOperands& operands);

}  // namespace plait::kernels
