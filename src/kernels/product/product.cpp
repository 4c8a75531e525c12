#include "kernels/product/product.hpp"

#include <algorithm>
#include <array>

#include "core/threads/block_queue.hpp"
#include "core/threads/subnormals.hpp"

namespace plait::kernels {
namespace {

// One block of outputs: rows [row, row_end) and columns [column, column_end) of a image_group.
struct Block {
  std::int64_t image_group, row, row_end, column, column_end;
};

// Runs the blocks that one task takes. Only the panels, which are the task's own, are written.
class BlockRunner {
 public:
  BlockRunner(const ProductShape& shape, const Blocking& blocking, const PanelSource& source,
              const ProductOperands& operands, float* panels, LoopCounters* counters)
      : shape_(shape),
        blocking_(blocking),
        tile_(*blocking.tile),
        source_(source),
        operands_(operands),
        panels_(panels),
        counters_(counters),
        weights_(shape, tile_.rows),
        tiles_(tile_, operands.packed != nullptr ? tile_.packed : tile_.in_place, operands.y,
               shape.columns, shape.depth) {}

  void run(const Block& block) {
    output_ = operands_.y.of(shape_, block.image_group);
    if (counters_ != nullptr) count(block);
    for (std::int64_t k = 0; k < shape_.depth; k += blocking_.block_depth) {
      const std::int64_t k_end = std::min(shape_.depth, k + blocking_.block_depth);
      fill_panels(block, k, k_end);
      if (counters_ != nullptr) {
        counters_->round(kProductDepthBlocks, static_cast<std::int64_t>(k / blocking_.block_depth),
                         k_end - k < blocking_.block_depth);
      }
      if (blocking_.by_columns) {
        run_by_columns(block, k, k_end);
      } else {
        run_by_rows(block, k, k_end);
      }
      if (operands_.cancelled()) return;
    }
  }

 private:
  void count(const Block& block) const {
    counters_->round(kProductImageGroups, block.image_group);
    counters_->round(kProductColumnBlocks, block.column / blocking_.block_columns,
                     block.column_end - block.column < blocking_.block_columns);
    counters_->round(kProductRowBlocks, block.row / blocking_.block_rows,
                     block.row_end - block.row < blocking_.block_rows);
  }

  // Panels of a block follow each other in memory, each block_depth x cols.
  float* panel(const Block& block, std::int64_t column) const {
    return blocking_.b_in_place ? panels_
                                : panels_ + (column - block.column) * blocking_.block_depth;
  }

  bool is_in_place(std::int64_t column) const {
    return blocking_.b_in_place && column + tile_.cols <= shape_.columns;
  }

  void fill_panels(const Block& block, std::int64_t k, std::int64_t k_end) const {
    for (std::int64_t column = block.column; column < block.column_end; column += tile_.cols) {
      if (is_in_place(column)) continue;
      const std::int64_t count = std::min<std::int64_t>(tile_.cols, block.column_end - column);
      source_.fill(block.image_group, k, k_end, column, count, panel(block, column), tile_.cols);
    }
  }

  // What is the same for all tiles of a row. `k` is its first term.
  struct RowOfTiles {
    std::int64_t row, rows, k, k_end;
    TileArgs tile;
    Epilogue epilogue;
    std::array<const float*, kMaxPixelRows> a_rows;
  };

  void run_by_rows(const Block& block, std::int64_t k, std::int64_t k_end) const {
    RowOfTiles tiles;
    for (std::int64_t row = block.row; row < block.row_end; row += tile_.rows) {
      if (operands_.cancelled()) return;
      begin_row(block, row, k, k_end, tiles);
      for (std::int64_t column = block.column; column < block.column_end; column += tile_.cols) {
        run_tile(block, column, tiles, nullptr);
      }
    }
  }

  // Where b comes from beyond L2: each panel is read once, and prefetched while the one before is
  // computed. Each of the first rows of tiles prefetches one cache line of every term.
  void run_by_columns(const Block& block, std::int64_t k, std::int64_t k_end) const {
    RowOfTiles tiles;
    for (std::int64_t column = block.column; column < block.column_end; column += tile_.cols) {
      if (operands_.cancelled()) return;
      const std::int64_t next = column + tile_.cols;
      const float* prefetch =
          is_in_place(next) ? source_.in_place(block.image_group, k, next) : nullptr;
      const float* const end = prefetch == nullptr ? nullptr : prefetch + tile_.cols;
      for (std::int64_t row = block.row; row < block.row_end; row += tile_.rows) {
        begin_row(block, row, k, k_end, tiles);
        run_tile(block, column, tiles, prefetch);
        if (prefetch != nullptr) prefetch = std::min(prefetch + kCacheLineFloats, end);
      }
    }
  }

  void begin_row(const Block& block, std::int64_t row, std::int64_t k, std::int64_t k_end,
                 RowOfTiles& tiles) const {
    const std::int64_t group = block.image_group % shape_.groups;
    tiles.row = row;
    tiles.rows = std::min<std::int64_t>(tile_.rows, block.row_end - row);
    tiles.k = k;
    tiles.k_end = k_end;
    tiles.epilogue = operands_.epilogue(tile_bias(group, row));
    if (counters_ != nullptr) {
      counters_->round(kProductRowTiles, (row - block.row) / tile_.rows, tiles.rows < tile_.rows);
    }
    if (operands_.packed != nullptr) {
      tiles.tile.a = operands_.packed + weights_.weights_at(group, row, k);
      return;
    }
    for (std::int64_t r = 0; r < tile_.rows; ++r) {
      tiles.a_rows[static_cast<std::size_t>(r)] =
          operands_.a + (group * shape_.rows + row + std::min(r, tiles.rows - 1)) * shape_.depth +
          k;
    }
    tiles.tile.a_rows = tiles.a_rows.data();
  }

  // `prefetch`: what to prefetch meanwhile, or null.
  void run_tile(const Block& block, std::int64_t column, RowOfTiles& tiles,
                const float* prefetch) const {
    const std::int64_t columns = std::min<std::int64_t>(tile_.cols, block.column_end - column);
    TileArgs& tile = tiles.tile;
    if (is_in_place(column)) {
      tile.b = source_.in_place(block.image_group, tiles.k, column);
      tile.b_stride = source_.in_place_stride();
    } else {
      tile.b = panel(block, column);
      tile.b_stride = tile_.cols;
    }
    tile.prefetch = prefetch != nullptr ? prefetch : tile.b;
    tiles_.run(tile, tiles.epilogue, output_, {tiles.row, tiles.rows, column, columns}, tiles.k,
               tiles.k_end, nullptr, counters_);
    if (counters_ != nullptr) {
      counters_->round(kProductColumnTiles, (column - block.column) / tile_.cols,
                       columns < tile_.cols);
    }
  }

  // The biases of the tile's rows, or null.
  const float* tile_bias(std::int64_t group, std::int64_t row) const {
    if (operands_.packed != nullptr) {
      return operands_.has_bias ? operands_.packed + weights_.bias_at(group, row) : nullptr;
    }
    return operands_.bias == nullptr ? nullptr : operands_.bias + group * shape_.rows + row;
  }

  const ProductShape& shape_;
  const Blocking& blocking_;
  const Tile& tile_;
  const PanelSource& source_;
  const ProductOperands& operands_;
  float* panels_;
  LoopCounters* counters_;
  PackedWeights weights_;
  TileRunner tiles_;
  ProductOutput output_;
};

// The stack's panels hold one chunk of the narrow tile.
constexpr std::size_t kStackPanel = static_cast<std::size_t>(kChunk) * kNarrowCols;

}  // namespace

std::size_t workspace_bytes(const Blocking& blocking) {
  return blocking.panel_bytes * static_cast<std::size_t>(blocking.threads) +
         (blocking.packs_in_run ? blocking.weights_bytes : 0);
}

void run_product(const ProductShape& shape, const Blocking& blocking, const PanelSource& source,
                 const ProductOperands& given) {
  const bool packs = given.packed == nullptr && blocking.pack_weights;
  const ProductOperands operands =
      packs ? given.pack_in_run(PackedWeights(shape, blocking.tile->rows), blocking.threads)
            : given;
  const std::int64_t row_blocks = ceil_div(shape.rows, blocking.block_rows);
  const std::int64_t column_blocks = ceil_div(shape.columns, blocking.block_columns);
  const std::int64_t blocks = shape.image_groups * column_blocks * row_blocks;
  BlockQueue queue(blocks, blocking.threads);
  auto task = [&](int index) {
    const FlushSubnormals flush;
    alignas(64) std::array<float, kStackPanel> stack_panel;
    const std::size_t offset = static_cast<std::size_t>(index) * blocking.panel_bytes;
    float* panels = blocking.panels == PanelPlace::stack
                        ? stack_panel.data()
                        : reinterpret_cast<float*>(operands.workspace + offset);
    LoopCounters counters;
    LoopCounters* const counts = operands.counters != nullptr ? &counters : nullptr;
    BlockRunner runner(shape, blocking, source, operands, panels, counts);
    for (std::int64_t i = queue.take(index); i >= 0; i = queue.take(index)) {
      const std::int64_t row = i % row_blocks * blocking.block_rows;
      const std::int64_t column = i / row_blocks % column_blocks * blocking.block_columns;
      runner.run({i / (row_blocks * column_blocks), row,
                  std::min(shape.rows, row + blocking.block_rows), column,
                  std::min(shape.columns, column + blocking.block_columns)});
    }
    if (operands.counters != nullptr) operands.counters->merge(counters);
  };
  operands.executor->run(blocking.threads, task);
}

}  // namespace plait::kernels
