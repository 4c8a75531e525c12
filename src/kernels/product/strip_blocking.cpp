// How strips are cut up: the choice of the tile and of the blocks, by predicted time.
#include <algorithm>
#include <array>
#include <span>

#include "core/integers.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "kernels/product/strips.hpp"

namespace plait::kernels {
namespace {

constexpr std::int64_t kFloatBytes = sizeof(float);
constexpr double kLess = 0.999;      // of a bound: so that rounding rules out nothing
constexpr double kNotHidden = 0.75;  // of what comes from beyond L2, by multiply-adds
constexpr std::int64_t kTileSumsBytes = kMaxTile * kFloatBytes;

// Floats of a strip of `lines` output lines. The last tile may read up to its width beyond.
std::int64_t strip_floats(const StripShape& shape, std::int64_t lines, int delta) {
  return saturated_sum(saturated_product({lines, shape.line_floats}),
                       saturated_sum(shape.halo_floats, delta * shape.pixel_step));
}

std::int64_t column_tiles_of(const StripShape& shape, const StripBlocking& b, std::int64_t lines) {
  return b.line_by_line ? saturated_product({lines, ceil_div(shape.width, b.tile->cols)})
                        : ceil_div(shape.columns_of(lines), b.tile->cols);
}

class Chooser {
 public:
  Chooser(const StripRequest& request, const Machine& machine)
      : request_(request),
        shape_(request.shape),
        machine_(machine),
        set_(request.tiles),
        cycle_(1e-9 / machine.rates.ghz) {}

  // The most promising ways first, until one in one block is slower than the best.
  StripBlocking best() const {
    std::array<Way, 2 * kMostTiles> ways;
    std::size_t count = 0;
    for (const Tile& tile : set_.tiles) {
      if (request_.tile_rows != 0 && tile.rows != request_.tile_rows) continue;
      if (request_.delta != 0 && tile.cols != request_.delta) continue;
      for (const bool line_by_line : {false, true}) {
        if (possible(tile, line_by_line)) ways[count++] = way_of(tile, line_by_line);
      }
    }
    std::sort(ways.begin(), ways.begin() + count,
              [](const Way& a, const Way& b) { return a.one_block_seconds < b.one_block_seconds; });
    const double fill = least_fill_seconds();
    StripBlocking best;
    for (const Way& way : std::span(ways).first(count)) {
      if (best.tile != nullptr && way.one_block_seconds >= best.cost.seconds()) break;
      const double shared = way.least_seconds + fill;
      const double least =
          std::min(shared * request_.threads, shared + thread_seconds(request_.threads));
      if (best.tile != nullptr && least >= best.cost.seconds()) continue;
      consider(way, request_.threads, best);
      const double alone = std::max(way.one_block_seconds, shared) * request_.threads;
      if (request_.threads > 1 && (best.tile == nullptr || alone < best.cost.seconds())) {
        consider(way, 1, best);
      }
    }
    return best;
  }

 private:
  struct Way {
    const Tile* tile;
    bool line_by_line;
    double tile_seconds;  // operands in L1
    // Of all tiles on all threads: if all lines are one block, and the least of any blocks.
    double one_block_seconds;
    double least_seconds;
  };

  // A way with so many lines a block: what holds however the rows are split.
  struct Lines {
    StripBlocking blocking;
    std::int64_t blocks;     // of lines, in all units
    double product_seconds;  // on one thread
    double least_seconds;    // on one thread, with each strip filled once
  };

  bool possible(const Tile& tile, bool line_by_line) const {
    if (shape_.pixel_step != 1 && tile.strided == nullptr) return false;
    const bool lines_join = shape_.line_step == shape_.pitch * shape_.pixel_step;
    if (shape_.in_place) return line_by_line != lines_join && tile.cols <= shape_.width;
    return line_by_line ? !lines_join || shape_.pitch > shape_.width : lines_join;
  }

  Way way_of(const Tile& tile, bool line_by_line) const {
    StripBlocking all;
    all.tile = &tile;
    all.line_by_line = line_by_line;
    // Columns between the lines of a block are computed too: the fewer, the more blocks there are.
    const std::int64_t in_one = column_tiles_of(shape_, all, shape_.lines);
    const std::int64_t least =
        line_by_line ? in_one
                     : ceil_div(saturated_product({shape_.lines, shape_.width}), tile.cols);
    const double pieces =
        line_by_line ? 0 : piece_cycles(tile, shape_.product.line, shape_.product.columns);
    const double seconds =
        (tile_cycles(tile, set_.lanes, TileForm::shifted, static_cast<double>(shape_.product.depth),
                     shape_.product.order, shape_.product.rows, machine_.rates) +
         pieces) *
        cycle_;
    const auto on_all_threads = [&](std::int64_t column_tiles) {
      const std::int64_t tiles = saturated_product(
          {shape_.product.units, column_tiles, ceil_div(shape_.product.rows, tile.rows)});
      return seconds * static_cast<double>(tiles) / request_.threads;
    };
    return {&tile, line_by_line, seconds, on_all_threads(in_one), on_all_threads(least)};
  }

  double thread_seconds(int threads) const {
    return threads == 1 ? 0 : machine_.rates.fork_join_seconds;
  }

  // No blocking fills its strips in less: each line once.
  double least_fill_seconds() const {
    if (shape_.in_place) return 0;
    const std::int64_t line_floats =
        shape_.line_floats + std::min<std::int64_t>(0, shape_.halo_floats);
    return kLess * static_cast<double>(shape_.product.units) * static_cast<double>(shape_.lines) *
           static_cast<double>(line_floats) * request_.fill_seconds_per_element / request_.threads;
  }

  // As many lines as fit L2, or fewer, so that all threads have the same number of blocks, or one;
  // every useful split of the rows.
  void consider(const Way& way, int threads, StripBlocking& best) const {
    const std::int64_t budget = machine_.caches.l2_bytes / 2 / kFloatBytes - shape_.halo_floats;
    const std::int64_t fit = std::clamp<std::int64_t>(budget / shape_.line_floats, 1, shape_.lines);
    const std::int64_t tiles = ceil_div(shape_.product.rows, way.tile->rows);
    const std::int64_t most_splits =
        threads == 1 ? 1 : std::min<std::int64_t>(tiles, kBlocksPerThread * threads);
    std::int64_t tried = 0;
    const auto try_lines = [&](std::int64_t lines) {
      if (lines == tried) return;
      tried = lines;
      const Lines cut = cut_lines(way, lines);
      // A thread fills a strip once for all rows: finer splits cost nothing more, and let a thread
      // whose core is slower at the time do less.
      for (std::int64_t splits = most_splits; splits >= 1; splits /= 2) {
        try_out(cut, threads, splits, best);
      }
    };
    for (const std::int64_t blocks_per_thread :
         {std::int64_t{0}, std::int64_t{1}, kBlocksPerThread, shape_.lines}) {
      try_lines(fair_lines(blocks_per_thread * threads, threads, fit));
    }
    // What is read in place needs no room: weights that come from afar then come once.
    if (shape_.in_place && fit < shape_.lines) try_lines(shape_.lines);
  }

  // Lines of equal blocks, at most `fit`, at least `blocks` in all: a multiple of the threads.
  std::int64_t fair_lines(std::int64_t blocks, int threads, std::int64_t fit) const {
    const std::int64_t units = shape_.product.units;
    std::int64_t cuts = std::max(ceil_div(shape_.lines, fit), ceil_div(blocks, units));
    if (blocks > 0 && units % threads != 0) cuts = round_up(cuts, threads);
    return ceil_div(shape_.lines, std::min(cuts, shape_.lines));
  }

  void try_out(const Lines& cut, int threads, std::int64_t row_splits, StripBlocking& best) const {
    const std::int64_t rows = shape_.product.rows;
    const std::int64_t block_rows = round_up(ceil_div(rows, row_splits), cut.blocking.tile->rows);
    const std::int64_t row_blocks = ceil_div(rows, block_rows);
    const std::int64_t blocks = saturated_product({cut.blocks, row_blocks});
    const auto used = static_cast<int>(std::min<std::int64_t>(threads, blocks));
    const double least = cut.least_seconds / used + thread_seconds(used);
    if (best.tile != nullptr && least >= best.cost.seconds()) return;

    // Row blocks of a strip mostly fall to one thread, which fills it once, but for the strips that
    // threads must share.
    const std::int64_t shared = cut.blocks % used == 0 ? 0 : used - 1;
    const std::int64_t fills = std::min(saturated_sum(cut.blocks, shared), blocks);
    const std::int64_t lines = cut.blocking.block_lines;
    StripBlocking b = cut.blocking;
    b.block_rows = block_rows;
    b.threads = used;
    // The last block may be smaller: that of the lines, or where threads share strips, of the rows.
    const Blocks parts = shared == 0
                             ? Blocks::of(shape_.product.units, shape_.lines, lines, row_blocks)
                             : Blocks::of(cut.blocks, round_up(rows, b.tile->rows), block_rows, 1);
    spread(b.cost, cut.product_seconds, fill_seconds(fills, lines), parts, b.weights_bytes, used,
           machine_.rates);
    b.cost.product_seconds += weights_wait_seconds(b, cut.blocks) + input_wait_seconds(b, blocks);
    if (workspace_bytes(b) > request_.max_workspace_bytes) return;
    if (best.tile == nullptr || b.cost.seconds() < best.cost.seconds()) best = b;
  }

  double fill_seconds(std::int64_t fills, std::int64_t lines) const {
    if (shape_.in_place) return 0;
    return static_cast<double>(fills) *
           (static_cast<double>(strip_floats(shape_, lines, 0)) *
                request_.fill_seconds_per_element +
            static_cast<double>(shape_.planes) * request_.fill_seconds_per_plane);
  }

  Lines cut_lines(const Way& way, std::int64_t lines) const {
    const Tile& tile = *way.tile;
    StripBlocking b;
    b.tile = &tile;
    b.target = set_.target;
    b.line_by_line = way.line_by_line;
    b.streams = shape_.product.leaves_caches(machine_);
    b.block_lines = lines;
    b.cost.packs_in_run = !request_.prepacked;
    if (!shape_.in_place) {
      b.strip_bytes = static_cast<std::size_t>(
          round_up(saturated_product({strip_floats(shape_, lines, tile.cols), kFloatBytes}),
                   kBufferAlignment));
    }
    cut_depth(b);
    b.weights_bytes = PackedWeights(shape_.product, tile.rows).bytes();
    const std::int64_t line_blocks = ceil_div(shape_.lines, lines);
    const std::int64_t blocks = saturated_product({shape_.product.units, line_blocks});
    const double product_seconds = predict(b, line_blocks, way.tile_seconds);
    return {b, blocks, product_seconds, kLess * (product_seconds + fill_seconds(blocks, lines))};
  }

  // All columns of a block use the weights of one row of tiles before the next: where these do not
  // fit the cache, depth is cut, so that each slice of them comes from beyond it once.
  void cut_depth(StripBlocking& b) const {
    const std::int64_t depth = shape_.product.depth;
    const std::int64_t term_bytes = b.tile->rows * kFloatBytes;
    const std::int64_t fit = machine_.caches.l2_bytes / 4 / term_bytes / kChunk * kChunk;
    b.block_depth = std::min(depth, std::max(kChunk, fit));
    if (b.block_depth < depth) {
      const std::int64_t tiles = column_tiles_of(shape_, b, b.block_lines);
      b.sums_bytes = static_cast<std::size_t>(saturated_product({tiles, kTileSumsBytes}));
    }
  }

  // Returns the time of all tiles, and fills in what they do.
  double predict(StripBlocking& b, std::int64_t line_blocks, double in_l1_seconds) const {
    const std::int64_t last_lines = shape_.lines - (line_blocks - 1) * b.block_lines;
    const std::int64_t column_tiles = saturated_sum(
        saturated_product({line_blocks - 1, column_tiles_of(shape_, b, b.block_lines)}),
        column_tiles_of(shape_, b, last_lines));
    const std::int64_t tiles = saturated_product(
        {shape_.product.units, column_tiles, ceil_div(shape_.product.rows, b.tile->rows)});
    b.cost.executed_macs =
        saturated_product({tiles, b.tile->rows, b.tile->cols, shape_.product.depth});
    // Weights stream once per tile; a strip's lines are read again from L1 for the next k.
    b.cost.l2_bytes =
        saturated_sum(saturated_product({tiles, shape_.product.depth, b.tile->rows, kFloatBytes}),
                      saturated_product({tiles, shape_.planes, b.tile->cols, kFloatBytes}));
    const double tile_seconds =
        std::max(in_l1_seconds, static_cast<double>(b.cost.l2_bytes) / static_cast<double>(tiles) /
                                    machine_.rates.l2_bytes_per_second);
    return tile_seconds * static_cast<double>(tiles);
  }

  // What a thread waits for the input of a block that does not stay in L2: all of it for each row
  // of tiles but the first.
  double input_wait_seconds(const StripBlocking& b, std::int64_t blocks) const {
    const std::int64_t bytes =
        saturated_product({strip_floats(shape_, b.block_lines, 0), kFloatBytes});
    if (bytes <= machine_.caches.l2_bytes / 2) return 0;
    const double again = static_cast<double>(ceil_div(b.block_rows, b.tile->rows) - 1);
    return static_cast<double>(ceil_div(blocks, b.threads)) * again * static_cast<double>(bytes) *
           kNotHidden / machine_.rates.l3_bytes_per_second;
  }

  // What a thread waits for weights that come from beyond L2 more than once: all those of its rows
  // for every strip, unless L2 keeps them from strip to strip. Multiply-adds hide a part. Layers of
  // 3x3 with 2.4 and 9.4 MB of weights take 1.02 and 1.11 times as long if two threads have strips,
  // and so all weights, of their own, instead of half the weights each [Emerald Rapids VM,
  // 2026-11-26].
  double weights_wait_seconds(const StripBlocking& b, std::int64_t strips) const {
    const std::int64_t sharers = std::max<std::int64_t>(1, b.threads / strips);
    const auto unit_bytes = static_cast<double>(saturated_product(
        {round_up(shape_.product.rows, b.tile->rows), shape_.product.depth, kFloatBytes}));
    const double bytes = unit_bytes / static_cast<double>(sharers);
    const bool stays = bytes <= static_cast<double>(machine_.caches.l2_bytes) / 2;
    const std::int64_t rounds = ceil_div(stays ? shape_.product.units : strips, b.threads);
    const double once = unit_bytes * static_cast<double>(shape_.product.groups) / b.threads;
    const double again = static_cast<double>(rounds) * bytes - once;
    return std::max(0.0, again) * kNotHidden / machine_.rates.l3_bytes_per_second;
  }

  const StripRequest& request_;
  const StripShape& shape_;
  const Machine& machine_;
  const TileSet& set_;
  double cycle_;
};

}  // namespace

StripBlocking choose_strips(const StripRequest& request, const Machine& machine) {
  return Chooser(request, machine).best();
}

std::size_t workspace_bytes(const StripBlocking& blocking) {
  return (blocking.strip_bytes + blocking.sums_bytes) * static_cast<std::size_t>(blocking.threads) +
         (blocking.cost.packs_in_run ? blocking.weights_bytes : 0);
}

}  // namespace plait::kernels
