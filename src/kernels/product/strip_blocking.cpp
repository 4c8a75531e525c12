// The choice of the tile and the blocks of a product from strips, by predicted time.
#include <algorithm>
#include <array>
#include <span>

#include "core/integers.hpp"
#include "core/machine/cycles.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "kernels/product/strips.hpp"
#include "kernels/product/tile_cost.hpp"

namespace plait::kernels {
namespace {

constexpr std::int64_t kFloatBytes = sizeof(float);
constexpr double kLess = 0.999;  // of a lower bound, so that rounding rules out no blocking
constexpr std::int64_t kTileSumsBytes = kMaxTile * kFloatBytes;

// Floats of a strip of so many output rows. The last tile may read up to its width beyond.
std::int64_t strip_floats(const StripShape& shape, std::int64_t image_rows, int delta) {
  return saturated_sum(saturated_product({image_rows, shape.image_row_floats}),
                       saturated_sum(shape.halo_floats, delta * shape.pixel_step));
}

std::int64_t column_tiles_of(const StripShape& shape, const StripBlocking& b,
                             std::int64_t image_rows) {
  return b.row_by_row ? saturated_product({image_rows, ceil_div(shape.width, b.tile->cols)})
                      : ceil_div(shape.columns_of(image_rows), b.tile->cols);
}

class BlockingSearch {
 public:
  BlockingSearch(const StripRequest& request, const Machine& machine)
      : request_(request),
        shape_(request.shape),
        machine_(machine),
        set_(request.tiles),
        cycle_(1e-9 / machine.rates.ghz) {}

  // Tries the most promising candidates first, until one is slower in a single block than the best.
  StripBlocking best() const {
    std::array<Candidate, 2 * kMostTiles> candidates;
    std::size_t count = 0;
    for (const Tile& tile : set_.tiles) {
      if (!request_.allows(tile)) continue;
      for (const bool row_by_row : {false, true}) {
        if (possible(tile, row_by_row)) candidates[count++] = candidate_of(tile, row_by_row);
      }
    }
    std::sort(candidates.begin(), candidates.begin() + count,
              [](const Candidate& a, const Candidate& b) {
                return a.one_block_seconds < b.one_block_seconds;
              });
    const double gather = least_gather_seconds();
    StripBlocking best;
    for (const Candidate& candidate : std::span(candidates).first(count)) {
      if (best.fits() && candidate.one_block_seconds >= best.seconds()) break;
      const double shared = candidate.least_seconds + gather;
      const double least =
          std::min(shared * request_.threads, shared + thread_seconds(request_.threads));
      if (best.fits() && least >= best.seconds()) continue;
      consider(candidate, request_.threads, best);
      const double alone = std::max(candidate.one_block_seconds, shared) * request_.threads;
      if (request_.threads > 1 && (!best.fits() || alone < best.seconds())) {
        consider(candidate, 1, best);
      }
    }
    return best;
  }

 private:
  struct Candidate {
    const Tile* tile;
    bool row_by_row;
    double tile_seconds;  // operands in L1
    // Times of all tiles on all threads: with all image rows in one block, and the least with any.
    double one_block_seconds;
    double least_seconds;
  };

  // A candidate with so many image rows in a block: what holds however the output channels are
  // split.
  struct ImageRowBlocking {
    StripBlocking blocking;
    std::int64_t blocks;     // of image rows, in all image groups
    double product_seconds;  // on one thread
    double least_seconds;    // on one thread, with each strip written once
  };

  bool possible(const Tile& tile, bool row_by_row) const {
    if (shape_.pixel_step != 1 && tile.strided == nullptr) return false;
    const bool image_rows_join = shape_.image_row_step == shape_.pitch * shape_.pixel_step;
    if (shape_.in_place) return row_by_row != image_rows_join && tile.cols <= shape_.width;
    return row_by_row ? !image_rows_join || shape_.pitch > shape_.width : image_rows_join;
  }

  Candidate candidate_of(const Tile& tile, bool row_by_row) const {
    StripBlocking all;
    all.tile = &tile;
    all.row_by_row = row_by_row;
    // Columns between the rows of a block are computed as well: more blocks have fewer of them.
    const std::int64_t in_one = column_tiles_of(shape_, all, shape_.image_rows);
    const std::int64_t least =
        row_by_row ? in_one
                   : ceil_div(saturated_product({shape_.image_rows, shape_.width}), tile.cols);
    const double ranges =
        row_by_row ? 0 : range_cycles(tile, shape_.product.even_columns, shape_.product.columns);
    const double seconds =
        (tile_cycles(tile, set_.lanes, TileForm::shifted, static_cast<double>(shape_.product.depth),
                     shape_.product.order, shape_.product.rows, machine_.rates) +
         ranges) *
        cycle_;
    const auto on_all_threads = [&](std::int64_t column_tiles) {
      const std::int64_t tiles = saturated_product(
          {shape_.product.image_groups, column_tiles, ceil_div(shape_.product.rows, tile.rows)});
      return seconds * static_cast<double>(tiles) / request_.threads;
    };
    return {&tile, row_by_row, seconds, on_all_threads(in_one), on_all_threads(least)};
  }

  double thread_seconds(int threads) const {
    return threads == 1 ? 0 : machine_.rates.fork_join_seconds;
  }

  // A lower bound of the time to write strips: each image row once.
  double least_gather_seconds() const {
    if (shape_.in_place) return 0;
    const std::int64_t image_row_floats =
        shape_.image_row_floats + std::min<std::int64_t>(0, shape_.halo_floats);
    return kLess * static_cast<double>(shape_.product.image_groups) *
           static_cast<double>(shape_.image_rows) * static_cast<double>(image_row_floats) *
           request_.gather_seconds_per_element / request_.threads;
  }

  // Tries as many image rows as fit L2, or fewer, so that all threads have the same number of
  // blocks, or one, with every useful split of the output channels.
  void consider(const Candidate& candidate, int threads, StripBlocking& best) const {
    const std::int64_t budget = machine_.caches.l2_bytes / 2 / kFloatBytes - shape_.halo_floats;
    const std::int64_t fit =
        std::clamp<std::int64_t>(budget / shape_.image_row_floats, 1, shape_.image_rows);
    const std::int64_t tiles = ceil_div(shape_.product.rows, candidate.tile->rows);
    const std::int64_t most_splits =
        threads == 1 ? 1 : std::min<std::int64_t>(tiles, costs::kBlocksPerThread * threads);
    std::int64_t tried = 0;
    const auto try_image_rows = [&](std::int64_t image_rows) {
      if (image_rows == tried) return;
      tried = image_rows;
      const ImageRowBlocking blocked = block_image_rows_by(candidate, image_rows);
      // A thread writes a strip once for all its blocks of channels, so that finer splits cost
      // nothing more, and let a thread whose core is slower at the time do less.
      for (std::int64_t splits = most_splits; splits >= 1; splits /= 2) {
        try_out(blocked, threads, splits, best);
      }
    };
    for (const std::int64_t blocks_per_thread :
         {std::int64_t{0}, std::int64_t{1}, costs::kBlocksPerThread, shape_.image_rows}) {
      try_image_rows(fair_image_rows(blocks_per_thread * threads, threads, fit));
    }
    // An input that is read in place takes no cache of its own: with all rows in one block, weights
    // that do not fit L2 are loaded once.
    if (shape_.in_place && fit < shape_.image_rows) try_image_rows(shape_.image_rows);
  }

  // Rows of each of equal blocks: at most `fit`, for at least `blocks` blocks in all, a multiple of
  // the threads.
  std::int64_t fair_image_rows(std::int64_t blocks, int threads, std::int64_t fit) const {
    const std::int64_t image_groups = shape_.product.image_groups;
    std::int64_t cuts = std::max(ceil_div(shape_.image_rows, fit), ceil_div(blocks, image_groups));
    if (blocks > 0 && image_groups % threads != 0) cuts = round_up(cuts, threads);
    return ceil_div(shape_.image_rows, std::min(cuts, shape_.image_rows));
  }

  void try_out(const ImageRowBlocking& blocked, int threads, std::int64_t row_splits,
               StripBlocking& best) const {
    const std::int64_t rows = shape_.product.rows;
    const std::int64_t block_rows =
        round_up(ceil_div(rows, row_splits), blocked.blocking.tile->rows);
    const std::int64_t row_blocks = ceil_div(rows, block_rows);
    const std::int64_t blocks = saturated_product({blocked.blocks, row_blocks});
    const auto used = static_cast<int>(std::min<std::int64_t>(threads, blocks));
    const double least = blocked.least_seconds / used + thread_seconds(used);
    if (best.fits() && least >= best.seconds()) return;

    // The blocks of channels of a strip mostly fall to one thread, which writes the strip once;
    // only strips that threads share are written more than once.
    const std::int64_t shared = blocked.blocks % used == 0 ? 0 : used - 1;
    const std::int64_t writes = std::min(saturated_sum(blocked.blocks, shared), blocks);
    const std::int64_t image_rows = blocked.blocking.block_image_rows;
    StripBlocking b = blocked.blocking;
    b.block_rows = block_rows;
    b.threads = used;
    // The last block may be smaller: in image rows or, where threads share strips, in channels.
    const BlockShares shares =
        shared == 0 ? BlockShares::of(shape_.product.image_groups, shape_.image_rows, image_rows,
                                      row_blocks)
                    : BlockShares::of(blocked.blocks, round_up(rows, b.tile->rows), block_rows, 1);
    spread(b, blocked.product_seconds, gather_seconds(writes, image_rows), shares, b.weights_bytes,
           used, machine_.rates);
    b.product_seconds += weights_wait_seconds(b, blocked.blocks) + input_wait_seconds(b, blocks);
    if (workspace_bytes(b) > request_.max_workspace_bytes) return;
    if (!best.fits() || b.seconds() < best.seconds()) best = b;
  }

  double gather_seconds(std::int64_t writes, std::int64_t image_rows) const {
    if (shape_.in_place) return 0;
    return static_cast<double>(writes) *
           (static_cast<double>(strip_floats(shape_, image_rows, 0)) *
                request_.gather_seconds_per_element +
            static_cast<double>(shape_.planes) * request_.gather_seconds_per_plane);
  }

  ImageRowBlocking block_image_rows_by(const Candidate& candidate, std::int64_t image_rows) const {
    const Tile& tile = *candidate.tile;
    StripBlocking b;
    b.tile = &tile;
    b.target = set_.target;
    b.row_by_row = candidate.row_by_row;
    b.non_temporal = shape_.product.leaves_caches(machine_);
    b.block_image_rows = image_rows;
    b.packs_in_run = !request_.prepacked;
    if (!shape_.in_place) {
      b.strip_bytes = static_cast<std::size_t>(
          round_up(saturated_product({strip_floats(shape_, image_rows, tile.cols), kFloatBytes}),
                   kBufferAlignment));
    }
    block_depth_of(b);
    b.weights_bytes = PackedWeights(shape_.product, tile.rows).bytes();
    const std::int64_t image_row_blocks = ceil_div(shape_.image_rows, image_rows);
    const std::int64_t blocks = saturated_product({shape_.product.image_groups, image_row_blocks});
    const double product_seconds = predict(b, image_row_blocks, candidate.tile_seconds);
    return {b, blocks, product_seconds,
            kLess * (product_seconds + gather_seconds(blocks, image_rows))};
  }

  // All columns of a block use the weights of one row of tiles before those of the next. Where
  // these do not fit L2, depth is cut, so that each slice of them is loaded once.
  void block_depth_of(StripBlocking& b) const {
    const std::int64_t depth = shape_.product.depth;
    const std::int64_t term_bytes = b.tile->rows * kFloatBytes;
    const std::int64_t fit = machine_.caches.l2_bytes / 4 / term_bytes / kChunk * kChunk;
    b.block_depth = std::min(depth, std::max(kChunk, fit));
    if (b.block_depth < depth) {
      const std::int64_t tiles = column_tiles_of(shape_, b, b.block_image_rows);
      b.sums_bytes = static_cast<std::size_t>(saturated_product({tiles, kTileSumsBytes}));
    }
  }

  // Returns the time of all tiles, and sets what they execute and load.
  double predict(StripBlocking& b, std::int64_t image_row_blocks, double in_l1_seconds) const {
    const std::int64_t last_image_rows =
        shape_.image_rows - (image_row_blocks - 1) * b.block_image_rows;
    const std::int64_t column_tiles = saturated_sum(
        saturated_product({image_row_blocks - 1, column_tiles_of(shape_, b, b.block_image_rows)}),
        column_tiles_of(shape_, b, last_image_rows));
    const std::int64_t tiles = saturated_product(
        {shape_.product.image_groups, column_tiles, ceil_div(shape_.product.rows, b.tile->rows)});
    b.executed_macs = saturated_product({tiles, b.tile->rows, b.tile->cols, shape_.product.depth});
    // Weights are loaded once for each tile; the rows of a strip are read again from L1 for the
    // next k.
    b.l2_bytes =
        saturated_sum(saturated_product({tiles, shape_.product.depth, b.tile->rows, kFloatBytes}),
                      saturated_product({tiles, shape_.planes, b.tile->cols, kFloatBytes}));
    const double tile_seconds =
        std::max(in_l1_seconds, static_cast<double>(b.l2_bytes) / static_cast<double>(tiles) /
                                    machine_.rates.l2_bytes_per_second);
    return tile_seconds * static_cast<double>(tiles);
  }

  // Time that a thread waits for the input of a block that does not stay in L2: all of it is loaded
  // again for each row of tiles but the first.
  double input_wait_seconds(const StripBlocking& b, std::int64_t blocks) const {
    const std::int64_t bytes =
        saturated_product({strip_floats(shape_, b.block_image_rows, 0), kFloatBytes});
    if (bytes <= machine_.caches.l2_bytes / 2) return 0;
    const double again = static_cast<double>(ceil_div(b.block_rows, b.tile->rows) - 1);
    return static_cast<double>(ceil_div(blocks, b.threads)) * again * static_cast<double>(bytes) *
           costs::strips::kWaitShareBeyondL2 / machine_.rates.l3_bytes_per_second;
  }

  // Time that a thread waits for weights that are loaded from beyond L2 more than once: all those
  // of its channels for every strip, unless L2 keeps them from strip to strip.
  double weights_wait_seconds(const StripBlocking& b, std::int64_t strips) const {
    const std::int64_t sharers = std::max<std::int64_t>(1, b.threads / strips);
    const auto group_bytes = static_cast<double>(saturated_product(
        {round_up(shape_.product.rows, b.tile->rows), shape_.product.depth, kFloatBytes}));
    const double bytes = group_bytes / static_cast<double>(sharers);
    const bool stays = bytes <= static_cast<double>(machine_.caches.l2_bytes) / 2;
    const std::int64_t rounds = ceil_div(stays ? shape_.product.image_groups : strips, b.threads);
    const double once = group_bytes * static_cast<double>(shape_.product.groups) / b.threads;
    const double again = static_cast<double>(rounds) * bytes - once;
    return std::max(0.0, again) * costs::strips::kWaitShareBeyondL2 /
           machine_.rates.l3_bytes_per_second;
  }

  const StripRequest& request_;
  const StripShape& shape_;
  const Machine& machine_;
  const TileSet& set_;
  double cycle_;
};

}  // namespace

StripBlocking choose_strip_blocking(const StripRequest& request, const Machine& machine) {
  return BlockingSearch(request, machine).best();
}

std::size_t workspace_bytes(const StripBlocking& blocking) {
  return (blocking.strip_bytes + blocking.sums_bytes) * static_cast<std::size_t>(blocking.threads) +
         (blocking.packs_in_run ? blocking.weights_bytes : 0);
}

}  // namespace plait::kernels
