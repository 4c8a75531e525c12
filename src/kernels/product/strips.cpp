#include "kernels/product/strips.hpp"

#include <algorithm>

#include <hwy/cache_control.h>

#include "core/threads/block_queue.hpp"
#include "core/threads/subnormals.hpp"

namespace plait::kernels {
namespace {

// Runs the blocks that one task takes. The strip and the sums are the task's own.
class BlockRunner {
 public:
  BlockRunner(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
              const std::int32_t* offsets, const ProductOperands& operands, std::byte* workspace,
              LoopCounters* counters)
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
        counters_(counters) {}

  void run(std::int64_t image_group, std::int64_t image_row, std::int64_t row) {
    const std::int64_t image_rows =
        std::min(blocking_.block_image_rows, shape_.image_rows - image_row);
    const std::int64_t row_end = std::min(shape_.product.rows, row + blocking_.block_rows);
    if (counters_ != nullptr) {
      counters_->round(kStripImageGroups, image_group);
      counters_->round(kStripImageRowBlocks, image_row / blocking_.block_image_rows,
                       image_rows < blocking_.block_image_rows);
      counters_->round(kStripRowBlocks, row / blocking_.block_rows,
                       row_end - row < blocking_.block_rows);
    }
    if (shape_.in_place) {
      from_ = source_.in_place(image_group, image_row);
    } else if (image_group != filled_image_group_ || image_row != filled_image_row_) {
      source_.fill(image_group, image_row, image_rows, blocking_.block_image_rows, strip_);
      from_ = strip_;
      filled_image_group_ = image_group;
      filled_image_row_ = image_row;
    }
    group_ = image_group % shape_.product.groups;
    output_ = operands_.y.of(shape_.product, image_group);
    for (std::int64_t tile_row = row; tile_row < row_end; tile_row += tile_.rows) {
      const std::int64_t rows = std::min<std::int64_t>(tile_.rows, row_end - tile_row);
      if (counters_ != nullptr) {
        counters_->round(kStripRowTiles, (tile_row - row) / tile_.rows, rows < tile_.rows);
      }
      for (std::int64_t k = 0; k < shape_.product.depth; k += blocking_.block_depth) {
        if (operands_.cancelled()) return;
        run_row_of_tiles({tile_row, rows, 0, 0}, k, image_row, image_rows);
      }
    }
  }

 private:
  // `place` has the output channels; the columns are all those of the image rows.
  void run_row_of_tiles(TilePlace place, std::int64_t k, std::int64_t image_row,
                        std::int64_t image_rows) {
    const std::int64_t k_end = std::min(shape_.product.depth, k + blocking_.block_depth);
    if (counters_ != nullptr) {
      counters_->round(kStripDepthBlocks, k / blocking_.block_depth,
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
    const std::int64_t ranges = blocking_.row_by_row ? image_rows : 1;
    const std::int64_t length = blocking_.row_by_row ? shape_.width : shape_.columns_of(image_rows);
    for (std::int64_t i = 0; i < ranges; ++i) {
      for (std::int64_t q = 0; q < length; q += tile_.cols) {
        place.columns = std::min<std::int64_t>(tile_.cols, length - q);
        tile.b = from_ + i * shape_.image_row_step;
        place.column = (image_row + i) * shape_.pitch;
        run_tile(tile, epilogue, place, {k, k_end}, q, kept);
        if (counters_ != nullptr) {
          counters_->round(kStripColumnTiles, q / tile_.cols, place.columns < tile_.cols);
        }
        if (kept != nullptr) kept += kMaxTile;
      }
    }
  }

  struct Terms {
    std::int64_t begin, end;
  };

  // A tile from column q on of the range of columns whose start `tile` and `place` hold. In place,
  // nothing may be read beyond the range: its last tile starts earlier and computes some columns of
  // the tile before again.
  void run_tile(TileArgs& tile, const Epilogue& epilogue, TilePlace place, const Terms& terms,
                std::int64_t q, float* kept) const {
    if (shape_.in_place) {
      q -= tile_.cols - place.columns;
      place.columns = tile_.cols;
    }
    place.column += q;
    tile.b += q * shape_.pixel_step;
    tiles_.run(tile, epilogue, output_, place, terms.begin, terms.end, kept, counters_);
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
  LoopCounters* counters_;  // or null
  const float* from_ = nullptr;
  std::int64_t filled_image_group_ = -1;  // what the strip holds
  std::int64_t filled_image_row_ = -1;
  std::int64_t group_ = 0;
  ProductOutput output_;
};

}  // namespace

void run_strips(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
                const std::int32_t* offsets, const ProductOperands& given) {
  ProductOperands operands =
      given.packed != nullptr
          ? given
          : given.pack_in_run(PackedWeights(shape.product, blocking.tile->rows), blocking.threads);
  operands.y.non_temporal = blocking.non_temporal;
  const std::int64_t image_row_blocks = ceil_div(shape.image_rows, blocking.block_image_rows);
  const std::int64_t row_blocks = ceil_div(shape.product.rows, blocking.block_rows);
  const std::int64_t blocks = shape.product.image_groups * image_row_blocks * row_blocks;
  BlockQueue queue(blocks, blocking.threads);
  auto task = [&](int index) {
    const FlushSubnormals flush;
    std::byte* const workspace =
        operands.workspace +
        static_cast<std::size_t>(index) * (blocking.strip_bytes + blocking.sums_bytes);
    LoopCounters counters;
    LoopCounters* const counts = operands.counters != nullptr ? &counters : nullptr;
    BlockRunner runner(shape, blocking, source, offsets, operands, workspace, counts);
    for (std::int64_t i = queue.take(index); i >= 0; i = queue.take(index)) {
      runner.run(i / (row_blocks * image_row_blocks),
                 i / row_blocks % image_row_blocks * blocking.block_image_rows,
                 i % row_blocks * blocking.block_rows);
    }
    if (blocking.non_temporal) hwy::FlushStream();
    if (operands.counters != nullptr) operands.counters->merge(counters);
  };
  operands.executor->run(blocking.threads, task);
}

}  // namespace plait::kernels
