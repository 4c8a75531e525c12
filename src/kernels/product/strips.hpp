// Blocked products whose right operand is a strip: some rows of an image, copied once into cache
// with their padding filled in. Every term k, a channel and a tap of the window, reads the strip
// shifted by an offset of its own, so that no element is copied once for each tap as in a panel:
//
//   y_u[m, q] = epilogue( sum over k of a_u[m, k] * strip[offset(k) + q] )
//
// q numbers output pixels along the rows of the image, at the strip's pitch. Tiles either run on
// from row to row, and compute and drop the columns beyond an output row's width, or start anew on
// every row. A row without "image" is an output channel, as everywhere in products.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/machine.hpp>

#include "kernels/product/operands.hpp"
#include "kernels/product/predicted_times.hpp"
#include "kernels/product/tile_runner.hpp"

namespace plait::kernels {

// The strip of some output rows holds the input that they read, in an order of its source's choice:
// image_row_floats for each of them, and halo_floats once.
struct StripShape {
  ProductShape product;         // columns: image_rows * pitch
  std::int64_t image_rows = 1;  // of the output
  std::int64_t width = 1;       // pixels in a row of the output
  std::int64_t pitch = 1;       // >= width
  std::int64_t planes = 1;
  std::int64_t image_row_floats = 1;
  std::int64_t halo_floats = 0;
  // If set, the input is itself a strip, of any strides, and nothing is copied. No tile may read
  // beyond the end of the rows that it runs along: all those of a block if they join, else one.
  bool in_place = false;
  std::int64_t image_row_step = 1;  // floats between output rows
  std::int64_t pixel_step = 1;      // floats between pixels; pixel tiles need 1

  // Columns from the first to the last that a block of so many output rows computes.
  std::int64_t columns_of(std::int64_t block_image_rows) const {
    return (block_image_rows - 1) * pitch + width;
  }
};

class StripSource {
 public:
  StripSource() = default;
  StripSource(const StripSource&) = delete;
  StripSource& operator=(const StripSource&) = delete;
  virtual ~StripSource() = default;

  // Writes image_rows * image_row_floats + halo_floats floats for so many output rows from
  // first_image_row on. Offsets are those of a strip of block_image_rows, even for a shorter one.
  virtual void fill(std::int64_t image_group, std::int64_t first_image_row, std::int64_t image_rows,
                    std::int64_t block_image_rows, float* strip) const = 0;
  // Where the strip from first_image_row on lies, if StripShape::in_place is set.
  virtual const float* in_place(std::int64_t image_group, std::int64_t first_image_row) const = 0;
};

// How a product is cut into strips. A function of the shape, the machine and the caps alone.
struct StripBlocking : PredictedProduct {
  const Tile* tile = nullptr;  // tile->cols is Delta: the outputs that one load of input serves
  Target target = Target::emu128;
  bool row_by_row = false;    // tiles start anew on every row of the image
  bool non_temporal = false;  // ProductOutput::non_temporal
  std::int64_t block_image_rows = 1;
  std::int64_t block_rows = 1;   // multiple of the tile's rows, or all
  std::int64_t block_depth = 1;  // multiple of kChunk, or all
  int threads = 1;
  std::size_t strip_bytes = 0;  // of one thread
  std::size_t sums_bytes = 0;   // of one thread, kept between blocks of depth
  std::size_t weights_bytes = 0;

  bool fits() const { return tile != nullptr; }  // whether even one row a block keeps to the limits
};

struct StripRequest : BlockingLimits {
  StripShape shape;
  TileSet tiles;                          // of the machine's target
  double gather_seconds_per_element = 0;  // of the source, on one thread
  double gather_seconds_per_plane = 0;    // and to begin each plane of a strip
};

// The blocking with the lowest predicted time that keeps to the limits.
StripBlocking choose_strip_blocking(const StripRequest& request, const Machine& machine);

// The loops of run_strips as they are counted.
enum StripLoop : std::size_t {
  kStripChunks = kChunkLevel,
  kStripColumnTiles,
  kStripDepthBlocks,
  kStripRowTiles,
  kStripRowBlocks,
  kStripImageRowBlocks,
  kStripImageGroups
};
inline constexpr std::array<LoopLevel, 7> kStripLoops = {{{"chunks", true},
                                                          {"column tiles", true},
                                                          {"depth blocks", true},
                                                          {"row tiles", true},
                                                          {"row blocks", true},
                                                          {"image row blocks", true},
                                                          {"image groups", false}}};

std::size_t workspace_bytes(const StripBlocking& blocking);

// `offsets` has one entry for each term, valid in strips of the blocking's block_image_rows.
// Returns early, leaving y unspecified, once *cancel is true.
void run_strips(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
                const std::int32_t* offsets, const ProductOperands& operands);

}  // namespace plait::kernels
