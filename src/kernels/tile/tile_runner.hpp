// One register tile through a range of depth, chunk by chunk, into an output of any strides.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/tile/loop_counters.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

// Where the outputs of one unit lie. Columns are numbered line by line, `pitch` to a line, of which
// the first `width` are pixels; the rest are computed and dropped.
struct ProductOutput {
  // Steps between images, rows (that is output channels), lines and pixels.
  struct Strides {
    std::int64_t image = 0;
    std::int64_t row = 0;
    std::int64_t line = 0;
    std::int64_t pixel = 1;
  };
  float* data = nullptr;
  Strides strides;
  const float* residual = nullptr;  // added to the outputs, or none
  Strides residual_strides;
  std::int64_t width = 1;
  std::int64_t pitch = 1;
  bool streams = false;  // Destination::streams
};

// The outputs of one unit, and what is added to them.
struct UnitOutput {
  float* y = nullptr;
  const float* residual = nullptr;
};

// Level of the loop over chunks in the tallies of all nests over tiles.
inline constexpr std::size_t kChunkLevel = 0;

// A tile's place: rows x columns outputs from (row, column) on, at most the tile's size.
struct TilePlace {
  std::int64_t row, rows, column, columns;
};

class TileRunner {
 public:
  // `columns` and `depth` are those of the whole product.
  TileRunner(const Tile& tile, TileFunction function, const ProductOutput& output,
             std::int64_t columns, std::int64_t depth);

  // Adds terms [k, k_end) to the tile at `place` of the unit. `operands`
  // holds a (or a_rows) and b as they are at k. The epilogue comes with the last term. Partial sums
  // pass through a buffer in L1 between chunks. At the ends of [k, k_end) they are kept in `kept`
  // (kMaxTile floats, aligned to 64 bytes, of this tile alone), or else in y.
  // Chunks and products are counted in `tally` if there is one.
  void run(const TileArgs& operands, const Epilogue& epilogue, const UnitOutput& unit,
           const TilePlace& place, std::int64_t k, std::int64_t k_end, float* kept,
           LoopTally* tally) const;

 private:
  using Runs = std::array<StoreRun, kMaxCols>;
  Destination destination(const UnitOutput& unit, const TilePlace& place, Runs& runs) const;
  std::span<const StoreRun> runs_of(const TilePlace& place, Runs& runs) const;
  void prefetch(const Destination& to) const;
  // Partial sums from y, in the tile's own order.
  void gather(const Destination& from, float* sums) const;

  Tile tile_;
  TileFunction function_;
  ProductOutput output_;
  std::int64_t depth_;
  bool lines_join_;  // consecutive lines lie side by side in y
};

}  // namespace plait::kernels
