#include "kernels/product/product.hpp"

#include <algorithm>
#include <array>

#include "core/threads/block_queue.hpp"
#include "core/threads/subnormals.hpp"

namespace plait::kernels {
namespace {

constexpr std::int64_t kLineFloats = 16;  // of a cache line

// One block of outputs: rows [row, row_end) and columns [column, column_end) of a unit.
struct Block {
  std::int64_t unit, row, row_end, column, column_end;
};

// Runs the blocks of a product that one task takes. Everything here is const during a run but the
// panel, which is the task's own.
class BlockRunner {
 public:
  BlockRunner(const ProductShape& shape, const Blocking& blocking, const PanelSource& source,
              const ProductOperands& operands, float* panels, LoopTally* tally)
      : shape_(shape),
        blocking_(blocking),
        tile_(*blocking.tile),
        source_(source),
        operands_(operands),
        panels_(panels),
        tally_(tally),
        weights_(shape, tile_.rows),
        tiles_(tile_, operands.packed != nullptr ? tile_.packed : tile_.in_place, operands.y,
               shape.columns, shape.depth) {}

  void run(const Block& block) {
    unit_ = operands_.unit_output(shape_, block.unit);
    if (tally_ != nullptr) count(block);
    for (std::int64_t k = 0; k < shape_.depth; k += blocking_.block_depth) {
      const std::int64_t k_end = std::min(shape_.depth, k + blocking_.block_depth);
      fill_panels(block, k, k_end);
      if (tally_ != nullptr) {
        tally_->round(kProductDepthBlocks, static_cast<std::int64_t>(k / blocking_.block_depth),
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
    tally_->round(kProductUnits, block.unit);
    tally_->round(kProductColumnBlocks, block.column / blocking_.block_columns,
                  block.column_end - block.column < blocking_.block_columns);
    tally_->round(kProductRowBlocks, block.row / blocking_.block_rows,
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
      source_.fill(block.unit, k, k_end, column, count, panel(block, column), tile_.cols);
    }
  }

  // A row of tiles, as far as it is the same for all its columns. `k` is its first term.
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

  // Where b comes from afar: each tile of columns is read once, and asked for while the one before
  // is computed: one line of every term in each of the first rows of tiles.
  void run_by_columns(const Block& block, std::int64_t k, std::int64_t k_end) const {
    RowOfTiles tiles;
    for (std::int64_t column = block.column; column < block.column_end; column += tile_.cols) {
      if (operands_.cancelled()) return;
      const std::int64_t next = column + tile_.cols;
      const float* ahead = is_in_place(next) ? source_.in_place(block.unit, k, next) : nullptr;
      const float* const end = ahead == nullptr ? nullptr : ahead + tile_.cols;
      for (std::int64_t row = block.row; row < block.row_end; row += tile_.rows) {
        begin_row(block, row, k, k_end, tiles);
        run_tile(block, column, tiles, ahead);
        if (ahead != nullptr) ahead = std::min(ahead + kLineFloats, end);
      }
    }
  }

  void begin_row(const Block& block, std::int64_t row, std::int64_t k, std::int64_t k_end,
                 RowOfTiles& tiles) const {
    const std::int64_t group = block.unit % shape_.groups;
    tiles.row = row;
    tiles.rows = std::min<std::int64_t>(tile_.rows, block.row_end - row);
    tiles.k = k;
    tiles.k_end = k_end;
    tiles.epilogue = operands_.epilogue(tile_bias(group, row));
    if (tally_ != nullptr) {
      tally_->round(kProductRowTiles, (row - block.row) / tile_.rows, tiles.rows < tile_.rows);
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

  // `ahead`: what to ask the caches for meanwhile, or null.
  void run_tile(const Block& block, std::int64_t column, RowOfTiles& tiles,
                const float* ahead) const {
    const std::int64_t columns = std::min<std::int64_t>(tile_.cols, block.column_end - column);
    TileArgs& tile = tiles.tile;
    if (is_in_place(column)) {
      tile.b = source_.in_place(block.unit, tiles.k, column);
      tile.b_stride = source_.in_place_stride();
    } else {
      tile.b = panel(block, column);
      tile.b_stride = tile_.cols;
    }
    tile.ahead = ahead != nullptr ? ahead : tile.b;
    tiles_.run(tile, tiles.epilogue, unit_, {tiles.row, tiles.rows, column, columns}, tiles.k,
               tiles.k_end, nullptr, tally_);
    if (tally_ != nullptr) {
      tally_->round(kProductColumnTiles, (column - block.column) / tile_.cols,
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
  LoopTally* tally_;
  PackedWeights weights_;
  TileRunner tiles_;
  UnitOutput unit_;
};

// The stack's panels hold one chunk of the narrow tile.
constexpr std::size_t kStackPanel = static_cast<std::size_t>(kChunk) * kNarrowCols;

}  // namespace

std::size_t workspace_bytes(const Blocking& blocking) {
  return blocking.panel_bytes * static_cast<std::size_t>(blocking.threads) +
         (blocking.cost.packs_in_run ? blocking.weights_bytes : 0);
}

void run_product(const ProductShape& shape, const Blocking& blocking, const PanelSource& source,
                 const ProductOperands& given) {
  const bool packs = given.packed == nullptr && blocking.pack_weights;
  const ProductOperands operands =
      packs ? given.pack_in_run(PackedWeights(shape, blocking.tile->rows), blocking.threads)
            : given;
  const std::int64_t row_blocks = ceil_div(shape.rows, blocking.block_rows);
  const std::int64_t column_blocks = ceil_div(shape.columns, blocking.block_columns);
  const std::int64_t blocks = shape.units * column_blocks * row_blocks;
  Stretches stretches(blocks, blocking.threads);
  auto task = [&](int index) {
    const FlushSubnormals flush;
    alignas(64) std::array<float, kStackPanel> stack_panel;
    const std::size_t offset = static_cast<std::size_t>(index) * blocking.panel_bytes;
    float* panels = blocking.panels == PanelPlace::stack
                        ? stack_panel.data()
                        : reinterpret_cast<float*>(operands.workspace + offset);
    LoopTally tally;
    LoopTally* const counts = operands.tally != nullptr ? &tally : nullptr;
    BlockRunner runner(shape, blocking, source, operands, panels, counts);
    for (std::int64_t i = stretches.take(index); i >= 0; i = stretches.take(index)) {
      const std::int64_t row = i % row_blocks * blocking.block_rows;
      const std::int64_t column = i / row_blocks % column_blocks * blocking.block_columns;
      runner.run({i / (row_blocks * column_blocks), row,
                  std::min(shape.rows, row + blocking.block_rows), column,
                  std::min(shape.columns, column + blocking.block_columns)});
    }
    if (operands.tally != nullptr) operands.tally->merge(tally);
  };
  operands.executor->run(blocking.threads, task);
}

}  // namespace plait::kernels
