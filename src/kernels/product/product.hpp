// Blocked matrix products over register tiles: for every unit u (an image and a group of channels)
//
//   y_u[m, p] = epilogue( sum over k of a_u[m, k] * b_u[k, p] ),   m < rows, p < columns, k < depth
//
// b never exists as a whole: a PanelSource writes it in panels that stay in cache, or says where it
// already lies. Threads take blocks of (unit, columns, rows) from a shared counter. Blocking over
// depth cuts at multiples of kChunk and keeps partial sums in y, so it never shows in the bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/machine.hpp>

#include "kernels/product/operands.hpp"
#include "kernels/tile/tile_cost.hpp"

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
  virtual void fill(std::int64_t unit, std::int64_t k_begin, std::int64_t k_end,
                    std::int64_t column, std::int64_t count, float* panel,
                    std::int64_t panel_cols) const = 0;
  // Address of b_u[k, column] if its columns lie side by side in memory from there to the end of
  // the unit, with in_place_stride() elements from one k to the next; else null.
  virtual const float* in_place(std::int64_t /*unit*/, std::int64_t /*k*/,
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

// How a product is cut up. A function of the shape, the machine and the caps alone.
struct Blocking {
  const Tile* tile = nullptr;
  Target target = Target::emu128;
  bool pack_weights = true;  // a in tile order; else read where it lies
  PanelPlace panels = PanelPlace::workspace;
  bool b_in_place = false;         // whole panels are read where the source has them
  bool by_columns = false;         // all rows of a block for one tile of columns, then the next
  std::int64_t block_rows = 0;     // multiple of the tile's rows, or all
  std::int64_t block_columns = 0;  // multiple of the tile's columns, or all
  std::int64_t block_depth = 0;    // multiple of kChunk, or all
  int threads = 1;

  std::size_t panel_bytes = 0;    // of one thread
  std::size_t weights_bytes = 0;  // of all packed weights and biases; 0 if not packed
  BlockingCost cost;
};

struct BlockingRequest {
  ProductShape shape;
  int threads = 1;
  std::size_t max_workspace_bytes = 0;
  bool prepacked = true;  // packed weights do not count as workspace
  int tile_rows = 0;      // if set: only tiles of so many rows (weights packed so already)
  int tile_cols = 0;      // if set: only tiles of so many columns
  double fill_seconds_per_element = 0;  // of the source, on one thread
  bool source_in_place = false;         // the source can say where b lies

  friend bool operator==(const BlockingRequest&, const BlockingRequest&) = default;
};

// The blocking with the lowest predicted time that keeps to max_workspace_bytes; one with no
// workspace always exists when !prepacked, and when tile_rows allows a narrow tile.
// Blocking::tile is null if none fits.
Blocking choose_blocking(const BlockingRequest& request, const Machine& machine);

// The loops of run_product as they are tallied.
enum ProductLoop : std::size_t {
  kProductChunks = kChunkLevel,
  kProductColumnTiles,
  kProductRowTiles,
  kProductDepthBlocks,
  kProductRowBlocks,
  kProductColumnBlocks,
  kProductUnits
};
inline constexpr std::array<LoopLevel, 7> kProductLoops = {{{"chunks", true},
                                                            {"column tiles", true},
                                                            {"row tiles", true},
                                                            {"depth blocks", true},
                                                            {"row blocks", true},
                                                            {"column blocks", true},
                                                            {"units", false}}};

// Workspace bytes of a run: panels of all threads, and the weights if they are packed in the run.
std::size_t workspace_bytes(const Blocking& blocking);

// Returns early, leaving y unspecified, once *cancel is true.
void run_product(const ProductShape& shape, const Blocking& blocking, const PanelSource& source,
                 const ProductOperands& operands);

}  // namespace plait::kernels
