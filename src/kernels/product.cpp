#include "kernels/product.hpp"

#include <algorithm>
#include <array>

#include "core/subnormals.hpp"

namespace plait::kernels {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Floats of one group's packed weights.
std::int64_t packed_group_size(const ProductShape& shape, int tile_rows) {
  return ceil_div(shape.rows, tile_rows) * tile_rows * shape.depth;
}

void pack_weight_tile(const ProductShape& shape, int tile_rows, std::int64_t group,
                      std::int64_t tile, const float* a, float* packed) {
  const std::int64_t first = tile * tile_rows;
  const std::int64_t count = std::min<std::int64_t>(tile_rows, shape.rows - first);
  const float* from = a + (group * shape.rows + first) * shape.depth;
  float* to = packed + group * packed_group_size(shape, tile_rows) + first * shape.depth;
  for (std::int64_t k = 0; k < shape.depth; ++k, to += tile_rows) {
    for (std::int64_t r = 0; r < count; ++r) to[r] = from[r * shape.depth + k];
    std::fill(to + count, to + tile_rows, 0.0F);
  }
}

void pack_biases(const ProductShape& shape, int tile_rows, const float* bias, float* packed) {
  const std::int64_t padded = ceil_div(shape.rows, tile_rows) * tile_rows;
  float* to = packed + shape.groups * packed_group_size(shape, tile_rows);
  for (std::int64_t group = 0; group < shape.groups; ++group, to += padded) {
    for (std::int64_t r = 0; r < padded; ++r) {
      to[r] = bias != nullptr && r < shape.rows ? bias[group * shape.rows + r] : 0.0F;
    }
  }
}

// One block of outputs: rows [row, row_end) and columns [column, column_end) of a unit.
struct Block {
  std::int64_t unit, row, row_end, column, column_end;
};

// Runs the blocks of a product that one task takes. Everything here is const during a run but the
// panel, which is the task's own.
class BlockRunner {
 public:
  BlockRunner(const ProductShape& shape, const Blocking& blocking, const ProductArgs& args,
              const float* packed, float* panels)
      : shape_(shape),
        blocking_(blocking),
        tile_(*blocking.tile),
        args_(args),
        packed_(packed),
        panels_(panels),
        function_(packed != nullptr ? tile_.packed : tile_.in_place),
        contiguous_(args.y.pixel_stride == 1 &&
                    (args.y.line_stride == args.y.width || shape.columns <= args.y.width)) {}

  void run(const Block& block) {
    unit_y_ = args_.y.data + block.unit / shape_.groups * args_.y.image_stride +
              block.unit % shape_.groups * shape_.rows * args_.y.row_stride;
    for (std::int64_t k = 0; k < shape_.depth; k += blocking_.block_depth) {
      const std::int64_t k_end = std::min(shape_.depth, k + blocking_.block_depth);
      fill_panels(block, k, k_end);
      for (std::int64_t row = block.row; row < block.row_end; row += tile_.rows) {
        if (args_.cancel != nullptr && args_.cancel->load(std::memory_order_relaxed)) return;
        run_row_of_tiles(block, row, k, k_end);
      }
    }
  }

 private:
  // Panels of a block follow each other in memory, each block_depth x cols.
  float* panel(const Block& block, std::int64_t column) const {
    return blocking_.b_in_place
               ? panels_
               : panels_ + (column - block.column) * blocking_.block_depth;
  }

  bool is_in_place(std::int64_t column) const {
    return blocking_.b_in_place && column + tile_.cols <= shape_.columns;
  }

  void fill_panels(const Block& block, std::int64_t k, std::int64_t k_end) const {
    for (std::int64_t column = block.column; column < block.column_end; column += tile_.cols) {
      if (is_in_place(column)) continue;
      const std::int64_t count = std::min<std::int64_t>(tile_.cols, block.column_end - column);
      args_.source->fill(block.unit, k, k_end, column, count, panel(block, column), tile_.cols);
    }
  }

  void run_row_of_tiles(const Block& block, std::int64_t row, std::int64_t k,
                        std::int64_t k_end) const {
    const std::int64_t group = block.unit % shape_.groups;
    const std::int64_t rows = std::min<std::int64_t>(tile_.rows, block.row_end - row);
    std::array<const float*, kMaxRows> a_rows{};
    std::array<float, kMaxRows> bias{};
    TileArgs tile;
    Epilogue epilogue{tile_bias(group, row, rows, bias), args_.relu};
    if (packed_ != nullptr) {
      tile.a = packed_ + group * packed_group_size(shape_, tile_.rows) + row * shape_.depth +
               k * tile_.rows;
    } else {
      for (std::int64_t r = 0; r < tile_.rows; ++r) {
        a_rows[static_cast<std::size_t>(r)] =
            args_.a + (group * shape_.rows + row + std::min(r, rows - 1)) * shape_.depth + k;
      }
      tile.a_rows = a_rows.data();
    }
    for (std::int64_t column = block.column; column < block.column_end; column += tile_.cols) {
      if (is_in_place(column)) {
        tile.b = args_.source->in_place(block.unit, k, column);
        tile.b_stride = args_.source->in_place_stride();
      } else {
        tile.b = panel(block, column);
        tile.b_stride = tile_.cols;
      }
      const std::int64_t columns = std::min<std::int64_t>(tile_.cols, block.column_end - column);
      run_tile(tile, a_rows, epilogue, row, rows, column, columns, k, k_end);
    }
  }

  // The tile's biases, or null. Where the last tile is not full, they are copied to `padded`.
  const float* tile_bias(std::int64_t group, std::int64_t row, std::int64_t rows,
                         std::array<float, kMaxRows>& padded) const {
    if (packed_ != nullptr) {
      const std::int64_t group_rows = ceil_div(shape_.rows, tile_.rows) * tile_.rows;
      const float* biases = packed_ + shape_.groups * packed_group_size(shape_, tile_.rows);
      return args_.has_bias ? biases + group * group_rows + row : nullptr;
    }
    if (args_.bias == nullptr) return nullptr;
    const float* bias = args_.bias + group * shape_.rows + row;
    if (rows == tile_.rows) return bias;
    std::copy(bias, bias + rows, padded.begin());
    return padded.data();
  }

  // All chunks of [k, k_end) for one tile. Partial sums pass through a buffer in L1; only those at
  // the borders of [k, k_end) go through y.
  void run_tile(TileArgs tile, std::array<const float*, kMaxRows> a_rows,
                const Epilogue& epilogue, std::int64_t row, std::int64_t rows, std::int64_t column,
                std::int64_t columns, std::int64_t k, std::int64_t k_end) const {
    alignas(64) std::array<float, kMaxTile> buffer;
    if (tile.a_rows != nullptr) tile.a_rows = a_rows.data();
    const bool direct = contiguous_ && rows == tile_.rows && columns == tile_.cols;
    float* y = unit_y_ + row * args_.y.row_stride + column;
    if (k > 0) {
      if (!direct) gather(row, rows, column, columns, buffer.data());
      tile.partial = direct ? y : buffer.data();
      tile.partial_stride = direct ? args_.y.row_stride : tile_.cols;
    }
    for (std::int64_t chunk = k; chunk < k_end; chunk += kChunk) {
      tile.depth = std::min(kChunk, k_end - chunk);
      const bool last_in_block = chunk + tile.depth == k_end;
      const bool to_y = direct && last_in_block;
      tile.out = to_y ? y : buffer.data();
      tile.out_stride = to_y ? args_.y.row_stride : tile_.cols;
      tile.epilogue = chunk + tile.depth == shape_.depth ? &epilogue : nullptr;
      function_(tile);
      tile.partial = buffer.data();
      tile.partial_stride = tile_.cols;
      if (tile.a != nullptr) tile.a += kChunk * tile_.rows;
      if (tile.a_rows != nullptr) {
        for (const float*& a_row : a_rows) a_row += kChunk;
      }
      tile.b += kChunk * tile.b_stride;
    }
    if (!direct) scatter(row, rows, column, columns, buffer.data());
  }

  // Calls visit(offset in y, offset in the tile buffer, count) for the runs of valid outputs of a
  // tile: pixels of one line, in one row.
  template <class Visit>
  void for_each_run(std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
                    Visit visit) const {
    std::int64_t line = column / args_.y.width;
    std::int64_t pixel = column % args_.y.width;
    for (std::int64_t j = 0; j < columns; ++line, pixel = 0) {
      const std::int64_t count = std::min(columns - j, args_.y.width - pixel);
      const std::int64_t offset = line * args_.y.line_stride + pixel * args_.y.pixel_stride;
      for (std::int64_t r = 0; r < rows; ++r) {
        visit((row + r) * args_.y.row_stride + offset, r * tile_.cols + j, count);
      }
      j += count;
    }
  }

  void gather(std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
              float* buffer) const {
    std::fill(buffer, buffer + tile_.rows * tile_.cols, 0.0F);
    const std::int64_t stride = args_.y.pixel_stride;
    for_each_run(row, rows, column, columns,
                 [&](std::int64_t y, std::int64_t tile, std::int64_t count) {
                   for (std::int64_t i = 0; i < count; ++i) {
                     buffer[tile + i] = unit_y_[y + i * stride];
                   }
                 });
  }

  void scatter(std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
               const float* buffer) const {
    const std::int64_t stride = args_.y.pixel_stride;
    for_each_run(row, rows, column, columns,
                 [&](std::int64_t y, std::int64_t tile, std::int64_t count) {
                   if (stride == 1) {
                     std::copy(buffer + tile, buffer + tile + count, unit_y_ + y);
                     return;
                   }
                   for (std::int64_t i = 0; i < count; ++i) {
                     unit_y_[y + i * stride] = buffer[tile + i];
                   }
                 });
  }

  const ProductShape& shape_;
  const Blocking& blocking_;
  const Tile& tile_;
  const ProductArgs& args_;
  const float* packed_;
  float* panels_;
  TileFunction function_;
  bool contiguous_;
  float* unit_y_ = nullptr;
};

// Packs the weights into `packed`, the tiles spread over the threads.
void pack_in_run(const ProductShape& shape, const Blocking& blocking, const ProductArgs& args,
                 float* packed) {
  const std::int64_t tiles = ceil_div(shape.rows, blocking.tile->rows);
  std::atomic<std::int64_t> next = 0;
  auto task = [&](int) {
    for (std::int64_t i = next++; i < tiles * shape.groups; i = next++) {
      pack_weight_tile(shape, blocking.tile->rows, i / tiles, i % tiles, args.a, packed);
    }
  };
  args.executor->run(blocking.threads, task);
  pack_biases(shape, blocking.tile->rows, args.bias, packed);
}

// The stack's panels hold one chunk of the narrow tile.
constexpr std::size_t kStackPanel = static_cast<std::size_t>(kChunk) * kNarrowCols;

}  // namespace

std::size_t workspace_bytes(const Blocking& blocking) {
  return blocking.panel_bytes * static_cast<std::size_t>(blocking.threads) +
         (blocking.packs_in_run ? blocking.weights_bytes : 0);
}

void pack_weights(const ProductShape& shape, const Blocking& blocking, const float* a,
                  const float* bias, float* packed) {
  const std::int64_t tiles = ceil_div(shape.rows, blocking.tile->rows);
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      pack_weight_tile(shape, blocking.tile->rows, group, tile, a, packed);
    }
  }
  pack_biases(shape, blocking.tile->rows, bias, packed);
}

void run_product(const ProductShape& shape, const Blocking& blocking, const ProductArgs& args) {
  std::byte* workspace = args.workspace;
  const float* packed = args.packed;
  ProductArgs with_bias = args;
  if (packed == nullptr && blocking.pack_weights) {
    float* to = reinterpret_cast<float*>(workspace);
    workspace += blocking.weights_bytes;
    pack_in_run(shape, blocking, args, to);
    packed = to;
    with_bias.has_bias = args.bias != nullptr;
  }

  const std::int64_t row_blocks = ceil_div(shape.rows, blocking.block_rows);
  const std::int64_t column_blocks = ceil_div(shape.columns, blocking.block_columns);
  std::atomic<std::int64_t> next = 0;
  auto task = [&](int index) {
    const FlushSubnormals flush;
    alignas(64) std::array<float, kStackPanel> stack_panel;
    float* panels = blocking.panels == PanelPlace::stack
                        ? stack_panel.data()
                        : reinterpret_cast<float*>(workspace + static_cast<std::size_t>(index) *
                                                                   blocking.panel_bytes);
    BlockRunner runner(shape, blocking, with_bias, packed, panels);
    const std::int64_t blocks = shape.units * column_blocks * row_blocks;
    for (std::int64_t i = next++; i < blocks; i = next++) {
      const std::int64_t row = i % row_blocks * blocking.block_rows;
      const std::int64_t column = i / row_blocks % column_blocks * blocking.block_columns;
      runner.run({i / (row_blocks * column_blocks), row,
                  std::min(shape.rows, row + blocking.block_rows), column,
                  std::min(shape.columns, column + blocking.block_columns)});
    }
  };
  args.executor->run(blocking.threads, task);
}

}  // namespace plait::kernels
