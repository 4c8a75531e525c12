#include "kernels/product/strips.hpp"

#include <algorithm>

#include <hwy/cache_control.h>

#include "core/threads/block_queue.hpp"
#include "core/threads/subnormals.hpp"

namespace plait::kernels {
namespace {

// What one task needs to run blocks; the strip and the sums are the task's own.
class BlockRunner {
 public:
  BlockRunner(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
              const std::int32_t* offsets, const ProductOperands& operands, std::byte* workspace,
              LoopTally* tally)
      : shape_(shape),
        blocking_(blocking),
        tile_(*blocking.tile),
        source_(source),
        offsets_(offsets),
        operands_(operands),
        weights_(shape.product, tile_.rows),
        tiles_(tile_, shape.pixel_step == 1 ? tile_.shifted : tile_.strided, operands.y,
               shape.product.columns, shape.product.depth),
        strip_(reinterpret_cast<float*>(workspace)),
        sums_(reinterpret_cast<float*>(workspace + blocking.strip_bytes)),
        tally_(tally) {}

  void run(std::int64_t unit, std::int64_t line, std::int64_t row) {
    const std::int64_t lines = std::min(blocking_.block_lines, shape_.lines - line);
    const std::int64_t row_end = std::min(shape_.product.rows, row + blocking_.block_rows);
    if (tally_ != nullptr) {
      tally_->round(kStripUnits, unit);
      tally_->round(kStripLineBlocks, line / blocking_.block_lines, lines < blocking_.block_lines);
      tally_->round(kStripRowBlocks, row / blocking_.block_rows,
                    row_end - row < blocking_.block_rows);
    }
    if (shape_.in_place) {
      from_ = source_.in_place(unit, line);
    } else if (unit != filled_unit_ || line != filled_line_) {
      source_.fill(unit, line, lines, blocking_.block_lines, strip_);
      from_ = strip_;
      filled_unit_ = unit;
      filled_line_ = line;
    }
    group_ = unit % shape_.product.groups;
    unit_ = operands_.unit_output(shape_.product, unit);
    for (std::int64_t tile_row = row; tile_row < row_end; tile_row += tile_.rows) {
      const std::int64_t rows = std::min<std::int64_t>(tile_.rows, row_end - tile_row);
      if (tally_ != nullptr) {
        tally_->round(kStripRowTiles, (tile_row - row) / tile_.rows, rows < tile_.rows);
      }
      for (std::int64_t k = 0; k < shape_.product.depth; k += blocking_.block_depth) {
        if (operands_.cancelled()) return;
        run_row_of_tiles({tile_row, rows, 0, 0}, k, line, lines);
      }
    }
  }

 private:
  // `place` names the rows; the columns are all those of the lines.
  void run_row_of_tiles(TilePlace place, std::int64_t k, std::int64_t line, std::int64_t lines) {
    const std::int64_t k_end = std::min(shape_.product.depth, k + blocking_.block_depth);
    if (tally_ != nullptr) {
      tally_->round(kStripDepthBlocks, k / blocking_.block_depth,
                    k_end - k < blocking_.block_depth);
    }
    const float* bias =
        operands_.has_bias ? operands_.packed + weights_.bias_at(group_, place.row) : nullptr;
    const Epilogue epilogue = operands_.epilogue(bias);
    TileArgs tile;
    tile.a = operands_.packed + weights_.weights_at(group_, place.row, k);
    tile.b_offsets = offsets_ + k;
    tile.b_step = shape_.pixel_step;
    float* kept = blocking_.sums_bytes != 0 ? sums_ : nullptr;
    const std::int64_t stretches = blocking_.line_by_line ? lines : 1;
    const std::int64_t length = blocking_.line_by_line ? shape_.width : shape_.columns_of(lines);
    for (std::int64_t i = 0; i < stretches; ++i) {
      for (std::int64_t q = 0; q < length; q += tile_.cols) {
        place.columns = std::min<std::int64_t>(tile_.cols, length - q);
        tile.b = from_ + i * shape_.line_step;
        place.column = (line + i) * shape_.pitch;
        run_tile(tile, epilogue, place, {k, k_end}, q, kept);
        if (tally_ != nullptr) {
          tally_->round(kStripColumnTiles, q / tile_.cols, place.columns < tile_.cols);
        }
        if (kept != nullptr) kept += kMaxTile;
      }
    }
  }

  struct Terms {
    std::int64_t begin, end;
  };

  // A tile from column q of the stretch on that `tile` and `place` start at. In place nothing may
  // be read beyond the stretch: its last tile starts earlier and computes some columns of its
  // neighbour again.
  void run_tile(TileArgs& tile, const Epilogue& epilogue, TilePlace place, const Terms& terms,
                std::int64_t q, float* kept) const {
    if (shape_.in_place) {
      q -= tile_.cols - place.columns;
      place.columns = tile_.cols;
    }
    place.column += q;
    tile.b += q * shape_.pixel_step;
    tiles_.run(tile, epilogue, unit_, place, terms.begin, terms.end, kept, tally_);
  }

  const StripShape& shape_;
  const StripBlocking& blocking_;
  const Tile& tile_;
  const StripSource& source_;
  const std::int32_t* offsets_;
  const ProductOperands& operands_;
  PackedWeights weights_;
  TileRunner tiles_;
  float* strip_;
  float* sums_;
  LoopTally* tally_;  // or null
  const float* from_ = nullptr;
  std::int64_t filled_unit_ = -1;  // whose lines the strip holds
  std::int64_t filled_line_ = -1;
  std::int64_t group_ = 0;
  UnitOutput unit_;
};

}  // namespace

void run_strips(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
                const std::int32_t* offsets, const ProductOperands& given) {
  ProductOperands operands =
      given.packed != nullptr
          ? given
          : given.pack_in_run(PackedWeights(shape.product, blocking.tile->rows), blocking.threads);
  operands.y.streams = blocking.streams;
  const std::int64_t line_blocks = ceil_div(shape.lines, blocking.block_lines);
  const std::int64_t row_blocks = ceil_div(shape.product.rows, blocking.block_rows);
  const std::int64_t blocks = shape.product.units * line_blocks * row_blocks;
  Stretches stretches(blocks, blocking.threads);
  auto task = [&](int index) {
    const FlushSubnormals flush;
    std::byte* const workspace =
        operands.workspace +
        static_cast<std::size_t>(index) * (blocking.strip_bytes + blocking.sums_bytes);
    LoopTally tally;
    LoopTally* const counts = operands.tally != nullptr ? &tally : nullptr;
    BlockRunner runner(shape, blocking, source, offsets, operands, workspace, counts);
    for (std::int64_t i = stretches.take(index); i >= 0; i = stretches.take(index)) {
      runner.run(i / (row_blocks * line_blocks),
                 i / row_blocks % line_blocks * blocking.block_lines,
                 i % row_blocks * blocking.block_rows);
    }
    if (blocking.streams) hwy::FlushStream();
    if (operands.tally != nullptr) operands.tally->merge(tally);
  };
  operands.executor->run(blocking.threads, task);
}

}  // namespace plait::kernels
