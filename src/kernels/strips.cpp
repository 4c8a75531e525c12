#include "kernels/strips.hpp"

#include <algorithm>

#include "core/aligned_buffer.hpp"
#include "core/counts.hpp"
#include "core/subnormals.hpp"

namespace plait::kernels {
namespace {

constexpr std::int64_t kFloatBytes = sizeof(float);

// Floats of a strip of `lines` output lines. The last tile may read up to its width beyond.
std::int64_t strip_floats(const StripShape& shape, std::int64_t lines, int delta) {
  return saturated_product({shape.planes, lines + shape.halo_lines, shape.pitch}) + delta;
}

// Columns that a block of `lines` output lines computes: the last needs none beyond its width.
std::int64_t columns_of(const StripShape& shape, std::int64_t lines) {
  return (lines - 1) * shape.pitch + shape.width;
}

class Chooser {
 public:
  Chooser(const StripRequest& request, const Machine& machine)
      : request_(request),
        shape_(request.shape),
        machine_(machine),
        set_(tile_set(machine.target)),
        cycle_(1e-9 / machine.rates.ghz) {}

  StripBlocking best() const {
    StripBlocking best;
    for (const Tile& tile : set_.tiles) {
      if (request_.tile_rows != 0 && tile.rows != request_.tile_rows) continue;
      if (request_.delta != 0 && tile.cols != request_.delta) continue;
      for (const int threads : {1, request_.threads}) {
        for (const std::int64_t budget : {machine_.caches.l2_bytes / 2, std::int64_t{1}}) {
          consider(tile, threads, budget, best);
        }
      }
    }
    return best;
  }

 private:
  // As many lines as fit the budget, or fewer to keep all threads busy; every useful split of the
  // rows.
  void consider(const Tile& tile, int threads, std::int64_t budget, StripBlocking& best) const {
    const std::int64_t line_bytes = saturated_product({shape_.planes, shape_.pitch, kFloatBytes});
    const std::int64_t fit =
        std::clamp<std::int64_t>(budget / line_bytes - shape_.halo_lines, 1, shape_.lines);
    const std::int64_t fair =
        ceil_div(shape_.product.units * shape_.lines, kBlocksPerThread * threads);
    const std::int64_t tiles = ceil_div(shape_.product.rows, tile.rows);
    for (const std::int64_t lines : {fit, std::clamp<std::int64_t>(fair, 1, fit)}) {
      for (std::int64_t splits = 1; splits <= std::min<std::int64_t>(tiles, 2L * threads);
           ++splits) {
        const StripBlocking b = cut_up(tile, threads, lines, splits);
        if (workspace_bytes(b) > request_.max_workspace_bytes) continue;
        if (best.tile == nullptr || b.cost.seconds() < best.cost.seconds()) best = b;
      }
    }
  }

  StripBlocking cut_up(const Tile& tile, int threads, std::int64_t lines,
                       std::int64_t row_splits) const {
    StripBlocking b;
    b.tile = &tile;
    b.target = set_.target;
    b.block_lines = lines;
    b.block_rows = round_up(ceil_div(shape_.product.rows, row_splits), tile.rows);
    b.threads = static_cast<int>(std::min<std::int64_t>(threads, blocks_of(b)));
    b.cost.packs_in_run = !request_.prepacked;
    b.strip_bytes = static_cast<std::size_t>(
        round_up(saturated_product({strip_floats(shape_, lines, tile.cols), kFloatBytes}),
                 kBufferAlignment));
    b.weights_bytes = PackedWeights(shape_.product, tile.rows).bytes();
    predict(b);
    return b;
  }

  std::int64_t blocks_of(const StripBlocking& b) const {
    return shape_.product.units * ceil_div(shape_.lines, b.block_lines) *
           ceil_div(shape_.product.rows, b.block_rows);
  }

  std::int64_t column_tiles_of(const StripBlocking& b, std::int64_t lines) const {
    return ceil_div(columns_of(shape_, lines), b.tile->cols);
  }

  void predict(StripBlocking& b) const {
    const std::int64_t line_blocks = ceil_div(shape_.lines, b.block_lines);
    const std::int64_t blocks = blocks_of(b);
    const std::int64_t last_lines = shape_.lines - (line_blocks - 1) * b.block_lines;
    const std::int64_t column_tiles =
        saturated_sum(saturated_product({line_blocks - 1, column_tiles_of(b, b.block_lines)}),
                      column_tiles_of(b, last_lines));
    const std::int64_t tiles = saturated_product(
        {shape_.product.units, column_tiles, ceil_div(shape_.product.rows, b.tile->rows)});
    const auto depth = static_cast<double>(shape_.product.depth);
    b.cost.executed_macs =
        saturated_product({tiles, b.tile->rows, b.tile->cols, shape_.product.depth});
    // Weights stream once per tile; a strip's lines are read again from L1 for the next k.
    b.cost.l2_bytes =
        saturated_sum(saturated_product({tiles, shape_.product.depth, b.tile->rows, kFloatBytes}),
                      saturated_product({tiles, shape_.planes, b.tile->cols, kFloatBytes}));
    const double tile_seconds =
        std::max(tile_cycles(*b.tile, set_.lanes, true, depth, machine_.rates) * cycle_,
                 static_cast<double>(b.cost.l2_bytes) / static_cast<double>(tiles) /
                     machine_.rates.l2_bytes_per_second);
    // As if the last block of lines were a whole one: the threads wait for the longest.
    const std::int64_t whole_tiles = saturated_product(
        {blocks, column_tiles_of(b, b.block_lines), ceil_div(b.block_rows, b.tile->rows)});
    spread(b.cost, tile_seconds * static_cast<double>(whole_tiles),
           static_cast<double>(blocks) *
               static_cast<double>(strip_floats(shape_, b.block_lines, 0)) *
               request_.fill_seconds_per_element,
           blocks, b.weights_bytes, b.threads, machine_.rates);
  }

  const StripRequest& request_;
  const StripShape& shape_;
  const Machine& machine_;
  const TileSet& set_;
  double cycle_;
};

// What one task needs to run blocks; the strip is the task's own.
struct BlockRunner {
  const StripShape& shape;
  const StripBlocking& blocking;
  const StripSource& source;
  const std::int32_t* offsets;
  const ProductOperands& operands;
  const PackedWeights& weights;
  const TileRunner& tiles;
  float* strip;
  LoopTally* tally;  // or null

  void run(std::int64_t unit, std::int64_t line, std::int64_t row) const {
    const std::int64_t lines = std::min(blocking.block_lines, shape.lines - line);
    const std::int64_t row_end = std::min(shape.product.rows, row + blocking.block_rows);
    if (tally != nullptr) {
      tally->round(kStripUnits, unit);
      tally->round(kStripLineBlocks, line / blocking.block_lines, lines < blocking.block_lines);
      tally->round(kStripRowBlocks, row / blocking.block_rows, row_end - row < blocking.block_rows);
    }
    source.fill(unit, line, lines, strip, blocking.plane_stride(shape));
    float* y = operands.unit_y(shape.product, unit);
    for (std::int64_t tile_row = row; tile_row < row_end; tile_row += blocking.tile->rows) {
      if (operands.cancelled()) return;
      const std::int64_t rows = std::min<std::int64_t>(blocking.tile->rows, row_end - tile_row);
      run_row_of_tiles(unit % shape.product.groups, y, line, lines, {tile_row, rows, 0, 0});
      if (tally != nullptr) {
        tally->round(kStripRowTiles, (tile_row - row) / blocking.tile->rows,
                     rows < blocking.tile->rows);
      }
    }
  }

  // `place` names the rows; the columns are all those of the lines.
  void run_row_of_tiles(std::int64_t group, float* y, std::int64_t line, std::int64_t lines,
                        TilePlace place) const {
    const float* bias =
        operands.has_bias ? operands.packed + weights.bias_at(group, place.row) : nullptr;
    const Epilogue epilogue{bias, operands.relu};
    TileArgs tile;
    tile.a = operands.packed + weights.weights_at(group, place.row, 0);
    tile.b_offsets = offsets;
    const std::int64_t first = line * shape.pitch;
    const std::int64_t columns = columns_of(shape, lines);
    for (std::int64_t q = 0; q < columns; q += blocking.tile->cols) {
      tile.b = strip + q;
      place.column = first + q;
      place.columns = std::min<std::int64_t>(blocking.tile->cols, columns - q);
      tiles.run(tile, epilogue, y, place, 0, shape.product.depth, tally);
      if (tally != nullptr) {
        tally->round(kStripColumnTiles, q / blocking.tile->cols,
                     place.columns < blocking.tile->cols);
      }
    }
  }
};

}  // namespace

StripBlocking choose_strips(const StripRequest& request, const Machine& machine) {
  return Chooser(request, machine).best();
}

std::size_t workspace_bytes(const StripBlocking& blocking) {
  return blocking.strip_bytes * static_cast<std::size_t>(blocking.threads) +
         (blocking.cost.packs_in_run ? blocking.weights_bytes : 0);
}

void run_strips(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
                const std::int32_t* offsets, const ProductOperands& given) {
  const PackedWeights weights(shape.product, blocking.tile->rows);
  const ProductOperands operands =
      given.packed != nullptr ? given : given.pack_in_run(weights, blocking.threads);
  const TileRunner tiles(*blocking.tile, blocking.tile->shifted, operands.y, shape.product.columns,
                         shape.product.depth);
  const std::int64_t line_blocks = ceil_div(shape.lines, blocking.block_lines);
  const std::int64_t row_blocks = ceil_div(shape.product.rows, blocking.block_rows);
  const std::int64_t blocks = shape.product.units * line_blocks * row_blocks;
  std::atomic<std::int64_t> next = 0;
  auto task = [&](int index) {
    const FlushSubnormals flush;
    auto* strip = reinterpret_cast<float*>(operands.workspace +
                                           static_cast<std::size_t>(index) * blocking.strip_bytes);
    LoopTally tally;
    LoopTally* const counts = operands.tally != nullptr ? &tally : nullptr;
    const BlockRunner runner{shape,   blocking, source, offsets, operands,
                             weights, tiles,    strip,  counts};
    for (std::int64_t i = next++; i < blocks; i = next++) {
      runner.run(i / (row_blocks * line_blocks),
                 i / row_blocks % line_blocks * blocking.block_lines,
                 i % row_blocks * blocking.block_rows);
    }
    if (operands.tally != nullptr) operands.tally->merge(tally);
  };
  operands.executor->run(blocking.threads, task);
}

}  // namespace plait::kernels
