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

#include "kernels/product/operands.hpp"
#include "kernels/tile/tile_cost.hpp"

namespace plait::kernels {

// The strip of a block of output lines holds what the block reads, in an order that is its
// source's.
struct StripShape {
  ProductShape product;  // columns: lines * pitch
  std::int64_t lines = 1;
  std::int64_t width = 1;  // pixels of an output line
  std::int64_t pitch = 1;  // >= width
  std::int64_t planes = 1;
  std::int64_t line_floats = 1;  // of a strip, for each line of outputs
  std::int64_t halo_floats = 0;  // and for all of them together
  // If set, the input is itself a strip, of any strides: nothing is copied, and no tile may read
  // beyond the end of what it runs along: the lines of a block if they join, else each line.
  bool in_place = false;
  std::int64_t line_step = 1;   // floats from line to line of outputs
  std::int64_t pixel_step = 1;  // floats from pixel to pixel; other than 1 by channel tiles only

  // Columns from the first to the last that a block of so many output lines computes.
  std::int64_t columns_of(std::int64_t block_lines) const {
    return (block_lines - 1) * pitch + width;
  }

  friend bool operator==(const StripShape&, const StripShape&) = default;
};

class StripSource {
 public:
  StripSource() = default;
  StripSource(const StripSource&) = delete;
  StripSource& operator=(const StripSource&) = delete;
  virtual ~StripSource() = default;

  // Writes lines * line_floats + halo_floats floats for the output lines from first_line on.
  // Offsets are those of a strip of block_lines, whatever the lines.
  virtual void fill(std::int64_t unit, std::int64_t first_line, std::int64_t lines,
                    std::int64_t block_lines, float* strip) const = 0;
  // Where the strip from first_line on lies, if StripShape::in_place is set.
  virtual const float* in_place(std::int64_t unit, std::int64_t first_line) const = 0;
};

// How strips are cut up. A function of the shape, the machine and the caps alone.
struct StripBlocking {
  const Tile* tile = nullptr;  // tile->cols is Delta: the outputs that one load of input serves
  Target target = Target::emu128;
  bool line_by_line = false;  // tiles start anew on every line
  bool streams = false;       // ProductOutput::streams
  std::int64_t block_lines = 1;
  std::int64_t block_rows = 1;   // multiple of the tile's rows, or all
  std::int64_t block_depth = 1;  // multiple of kChunk, or all
  int threads = 1;
  std::size_t strip_bytes = 0;  // of one thread
  std::size_t sums_bytes = 0;   // of one thread, kept between blocks of depth
  std::size_t weights_bytes = 0;
  BlockingCost cost;
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
  double fill_seconds_per_plane = 0;    // and to begin each plane of a strip

  friend bool operator==(const StripRequest&, const StripRequest&) = default;
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

// `offsets` has one entry per term, in a strip of the blocking's lines.
// Returns early, leaving y unspecified, once *cancel is true.
void run_strips(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
                const std::int32_t* offsets, const ProductOperands& operands);

}  // namespace plait::kernels
