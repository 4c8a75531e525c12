// Blocked matrix products over register tiles: for every image group u (an image and one of its
// groups of channels)
//
//   y_u[m, p] = epilogue( sum over k of a_u[m, k] * b_u[k, p] ),   m < rows, p < columns, k < depth
//
// b never exists as a whole. It is cut into panels, each the columns of one register tile by some
// depth, which a PanelSource writes just before they are read, or which are read where they already
// lie. A block is what a thread takes at a time: some rows by some columns of one image group,
// small enough that its panels stay in L2 while all its rows of tiles pass over them. Depth is cut
// at multiples of kChunk, with partial sums kept in y, so that the blocking never shows in the
// bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/machine.hpp>

#include "kernels/product/operands.hpp"
#include "kernels/product/predicted_times.hpp"
#include "kernels/product/tile_runner.hpp"

namespace plait::kernels {

// Supplies b_u in panels.
class PanelSource {
 public:
  PanelSource() = default;
  PanelSource(const PanelSource&) = delete;
  PanelSource& operator=(const PanelSource&) = delete;
  virtual ~PanelSource() = default;

  // Writes b_u[k, column + j] to panel[(k - k_begin) * panel_cols + j] for k in [k_begin, k_end)
  // and j < count; the rest of each row, up to panel_cols, becomes zero.
  virtual void fill(std::int64_t image_group, std::int64_t k_begin, std::int64_t k_end,
                    std::int64_t column, std::int64_t count, float* panel,
                    std::int64_t panel_cols) const = 0;
  // The address of b_u[k, column] if the columns from there to the last lie side by side in memory,
  // with in_place_stride() elements from one k to the next; else null.
  virtual const float* in_place(std::int64_t /*image_group*/, std::int64_t /*k*/,
                                std::int64_t /*column*/) const {
    return nullptr;
  }
  virtual std::int64_t in_place_stride() const { return 0; }
};

// Where b's panels are kept.
enum class PanelPlace {
  workspace,  // sized for L2
  stack,      // at most 8 KiB: no workspace at all
};

// How a product is cut into blocks. A function of the shape, the machine and the caps alone.
struct Blocking : PredictedProduct {
  const Tile* tile = nullptr;
  Target target = Target::emu128;
  bool pack_weights = true;  // a in tile order; else read where it lies
  PanelPlace panels = PanelPlace::workspace;
  bool b_in_place = false;         // whole panels are read where the source has them
  bool by_columns = false;         // all rows of a block for one panel, then the next panel
  std::int64_t block_rows = 0;     // multiple of the tile's rows, or all
  std::int64_t block_columns = 0;  // multiple of the tile's columns, or all
  std::int64_t block_depth = 0;    // multiple of kChunk, or all
  int threads = 1;

  std::size_t panel_bytes = 0;    // of one thread
  std::size_t weights_bytes = 0;  // of all packed weights and biases; 0 if not packed

  bool fits() const { return tile != nullptr; }  // whether any blocking keeps to the limits
};

struct BlockingRequest : BlockingLimits {
  ProductShape shape;
  double gather_seconds_per_element = 0;  // of the source, on one thread
  bool source_in_place = false;           // the source can say where b lies
};

// The blocking with the lowest predicted time that keeps to max_workspace_bytes; one with no
// workspace always exists when !prepacked, and when tile_rows allows a narrow tile.
Blocking choose_blocking(const BlockingRequest& request, const Machine& machine);

// The loops of run_product as they are counted.
enum ProductLoop : std::size_t {
  kProductChunks = kChunkLevel,
  kProductColumnTiles,
  kProductRowTiles,
  kProductDepthBlocks,
  kProductRowBlocks,
  kProductColumnBlocks,
  kProductImageGroups
};
inline constexpr std::array<LoopLevel, 7> kProductLoops = {{{"chunks", true},
                                                            {"column tiles", true},
                                                            {"row tiles", true},
                                                            {"depth blocks", true},
                                                            {"row blocks", true},
                                                            {"column blocks", true},
                                                            {"image groups", false}}};

// Workspace bytes of a run: panels of all threads, and the weights if they are packed in the run.
std::size_t workspace_bytes(const Blocking& blocking);

// Returns early, leaving y unspecified, once *cancel is true.
void run_product(const ProductShape& shape, const Blocking& blocking, const PanelSource& source,
                 const ProductOperands& operands);

}  // namespace plait::kernels
