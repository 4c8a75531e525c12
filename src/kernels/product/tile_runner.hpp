// One register tile through a range of depth, chunk by chunk, into an output of any strides.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/product/shape.hpp"
#include "kernels/tile/loop_counters.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

// Level of the loop over chunks in the counters of all loops over tiles.
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

  // Adds terms [k, k_end) to the tile at `place` of `output`, one image and group. `operands` holds
  // a (or a_rows) and b as they are at k. The epilogue comes with the last term. Between chunks,
  // partial sums pass through a buffer in L1. Those at the ends of [k, k_end) stay in `kept`
  // (kMaxTile floats, aligned to 64 bytes, of this tile alone), or in y if that is null. `counters`
  // may be null.
  void run(const TileArgs& operands, const Epilogue& epilogue, const ProductOutput& output,
           const TilePlace& place, std::int64_t k, std::int64_t k_end, float* kept,
           LoopCounters* counters) const;

 private:
  using Ranges = std::array<StoreRange, kMaxCols>;
  Destination destination(const ProductOutput& output, const TilePlace& place,
                          Ranges& ranges) const;
  // The ranges of pixels of a tile: each lies side by side in one row of the image.
  std::span<const StoreRange> ranges_of(const ProductOutput& output, const TilePlace& place,
                                        Ranges& ranges) const;
  // Partial sums from y, in the tile's own order.
  void load_partial(const Destination& from, float* sums) const;

  Tile tile_;
  TileFunction function_;
  std::int64_t depth_;
  bool image_rows_join_;  // consecutive rows of the image lie side by side in y
};

}  // namespace plait::kernels
