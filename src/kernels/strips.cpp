#include "kernels/strips.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "core/aligned_buffer.hpp"
#include "core/counts.hpp"
#include "core/subnormals.hpp"
#include "kernels/stretches.hpp"

namespace plait::kernels {
namespace {

constexpr std::int64_t kFloatBytes = sizeof(float);
constexpr std::int64_t kTileSumsBytes = kMaxTile * kFloatBytes;

// Floats of a strip of `lines` output lines. The last tile may read up to its width beyond.
std::int64_t strip_floats(const StripShape& shape, std::int64_t lines, int delta) {
  return saturated_sum(saturated_product({lines, shape.line_floats}),
                       saturated_sum(shape.halo_floats, delta * shape.pixel_step));
}

// Columns from the first to the last that a block of `lines` output lines computes.
std::int64_t columns_of(const StripShape& shape, std::int64_t lines) {
  return (lines - 1) * shape.pitch + shape.width;
}

std::int64_t column_tiles_of(const StripShape& shape, const StripBlocking& b, std::int64_t lines) {
  return b.line_by_line ? saturated_product({lines, ceil_div(shape.width, b.tile->cols)})
                        : ceil_div(columns_of(shape, lines), b.tile->cols);
}

class Chooser {
 public:
  Chooser(const StripRequest& request, const Machine& machine)
      : request_(request),
        shape_(request.shape),
        machine_(machine),
        set_(request.tiles),
        cycle_(1e-9 / machine.rates.ghz) {}

  // The most promising ways first; once none of the others can be faster, the best is found.
  StripBlocking best() const {
    std::array<Way, 2 * kMostTiles> ways;
    std::size_t count = 0;
    for (const Tile& tile : set_.tiles) {
      if (request_.tile_rows != 0 && tile.rows != request_.tile_rows) continue;
      if (request_.delta != 0 && tile.cols != request_.delta) continue;
      for (const bool line_by_line : {false, true}) {
        if (possible(tile, line_by_line)) {
          ways[count++] = {&tile, line_by_line, least_seconds(tile, line_by_line)};
        }
      }
    }
    std::sort(ways.begin(), ways.begin() + count,
              [](const Way& a, const Way& b) { return a.least_seconds < b.least_seconds; });
    StripBlocking best;
    for (const Way& way : std::span(ways).first(count)) {
      if (best.tile != nullptr && way.least_seconds >= best.cost.seconds()) break;
      consider(way, request_.threads, best);
      const double alone = way.least_seconds * request_.threads;
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
    double least_seconds;
  };

  bool possible(const Tile& tile, bool line_by_line) const {
    if (shape_.pixel_step != 1 && tile.strided == nullptr) return false;
    if (shape_.in_place) return line_by_line && tile.cols <= shape_.width;
    const bool lines_join = shape_.line_step == shape_.pitch * shape_.pixel_step;
    return line_by_line ? !lines_join || shape_.pitch > shape_.width : lines_join;
  }

  // No blocking with this tile takes less.
  double least_seconds(const Tile& tile, bool line_by_line) const {
    StripBlocking all;
    all.tile = &tile;
    all.line_by_line = line_by_line;
    const std::int64_t tiles =
        saturated_product({shape_.product.units, column_tiles_of(shape_, all, shape_.lines),
                           ceil_div(shape_.product.rows, tile.rows)});
    return cycles_of(tile) * cycle_ * static_cast<double>(tiles) / request_.threads;
  }

  double cycles_of(const Tile& tile) const {
    return tile_cycles(tile, set_.lanes, TileForm::shifted,
                       static_cast<double>(shape_.product.depth), shape_.product.order,
                       machine_.rates);
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
    for (const std::int64_t blocks_per_thread :
         {std::int64_t{0}, std::int64_t{1}, kBlocksPerThread, shape_.lines}) {
      const std::int64_t lines = fair_lines(blocks_per_thread * threads, threads, fit);
      if (lines == tried) continue;
      tried = lines;
      // A thread fills a strip once for all rows: finer splits cost nothing more, and let a thread
      // whose core is slower at the time do less.
      for (std::int64_t splits = most_splits; splits >= 1; splits /= 2) {
        try_out(way, threads, lines, splits, best);
      }
    }
  }

  // Lines of equal blocks, at most `fit`, at least `blocks` in all: a multiple of the threads.
  std::int64_t fair_lines(std::int64_t blocks, int threads, std::int64_t fit) const {
    const std::int64_t units = shape_.product.units;
    std::int64_t cuts = std::max(ceil_div(shape_.lines, fit), ceil_div(blocks, units));
    if (blocks > 0 && units % threads != 0) cuts = round_up(cuts, threads);
    return ceil_div(shape_.lines, std::min(cuts, shape_.lines));
  }

  void try_out(const Way& way, int threads, std::int64_t lines, std::int64_t row_splits,
               StripBlocking& best) const {
    const StripBlocking b = cut_up(way, threads, lines, row_splits);
    if (workspace_bytes(b) > request_.max_workspace_bytes) return;
    if (best.tile == nullptr || b.cost.seconds() < best.cost.seconds()) best = b;
  }

  StripBlocking cut_up(const Way& way, int threads, std::int64_t lines,
                       std::int64_t row_splits) const {
    const Tile& tile = *way.tile;
    StripBlocking b;
    b.tile = &tile;
    b.target = set_.target;
    b.line_by_line = way.line_by_line;
    b.block_lines = lines;
    b.block_rows = round_up(ceil_div(shape_.product.rows, row_splits), tile.rows);
    b.threads = static_cast<int>(std::min<std::int64_t>(threads, blocks_of(b)));
    b.cost.packs_in_run = !request_.prepacked;
    if (!shape_.in_place) {
      b.strip_bytes = static_cast<std::size_t>(
          round_up(saturated_product({strip_floats(shape_, lines, tile.cols), kFloatBytes}),
                   kBufferAlignment));
    }
    cut_depth(b);
    b.weights_bytes = PackedWeights(shape_.product, tile.rows).bytes();
    predict(b);
    return b;
  }

  // All columns of a block use the weights of one row of tiles before the next: where these do not
  // fit the cache, depth is cut, so that each slice of them comes from beyond it once.
  void cut_depth(StripBlocking& b) const {
    const std::int64_t depth = shape_.product.depth;
    const std::int64_t term_bytes = b.tile->rows * kFloatBytes;
    const std::int64_t fit = machine_.caches.l2_bytes / 4 / term_bytes / kChunk * kChunk;
    const std::int64_t tiles = column_tiles_of(shape_, b, b.block_lines);
    b.block_depth = std::min(depth, std::max(kChunk, fit));
    if (b.block_depth < depth) {
      b.sums_bytes = static_cast<std::size_t>(saturated_product({tiles, kTileSumsBytes}));
    }
  }

  std::int64_t blocks_of(const StripBlocking& b) const {
    return shape_.product.units * ceil_div(shape_.lines, b.block_lines) *
           ceil_div(shape_.product.rows, b.block_rows);
  }

  void predict(StripBlocking& b) const {
    const std::int64_t line_blocks = ceil_div(shape_.lines, b.block_lines);
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
        std::max(cycles_of(*b.tile) * cycle_, static_cast<double>(b.cost.l2_bytes) /
                                                  static_cast<double>(tiles) /
                                                  machine_.rates.l2_bytes_per_second);
    const std::int64_t line_blocks_in_all = saturated_product({shape_.product.units, line_blocks});
    const std::int64_t row_blocks = ceil_div(shape_.product.rows, b.block_rows);
    // Row blocks of a strip mostly fall to one thread, which fills it once, but for the strips that
    // threads must share.
    const std::int64_t shared = line_blocks_in_all % b.threads == 0 ? 0 : b.threads - 1;
    const std::int64_t fills = std::min(saturated_sum(line_blocks_in_all, shared),
                                        saturated_product({line_blocks_in_all, row_blocks}));
    const double fill_seconds =
        b.strip_bytes == 0 ? 0
                           : static_cast<double>(fills) *
                                 static_cast<double>(strip_floats(shape_, b.block_lines, 0)) *
                                 request_.fill_seconds_per_element;
    spread(b.cost, tile_seconds * static_cast<double>(tiles), fill_seconds,
           Blocks::of(shape_.product.units, shape_.lines, b.block_lines, row_blocks),
           b.weights_bytes, b.threads, machine_.rates);
    b.cost.product_seconds += weights_wait_seconds(b, line_blocks);
  }

  // What a thread waits for weights from beyond L2: all those of its rows for every strip, unless
  // L2 keeps them from strip to strip. Multiply-adds hide a part. Layers of 3x3 with 2.4 and 9.4 MB
  // of weights take 1.02 and 1.11 times as long if two threads have strips, and so all weights, of
  // their own, instead of half the weights each [Emerald Rapids VM, 2026-11-26].
  double weights_wait_seconds(const StripBlocking& b, std::int64_t line_blocks) const {
    constexpr double kNotHidden = 0.75;
    const std::int64_t units = shape_.product.units;
    const std::int64_t strips = saturated_product({units, line_blocks});
    const std::int64_t sharers = std::max<std::int64_t>(1, b.threads / strips);
    const std::int64_t bytes = saturated_product({round_up(shape_.product.rows, b.tile->rows),
                                                  shape_.product.depth, kFloatBytes}) /
                               sharers;
    const bool stays = bytes <= machine_.caches.l2_bytes / 2;
    const std::int64_t rounds = ceil_div(stays ? units : strips, b.threads);
    return static_cast<double>(rounds) * static_cast<double>(bytes) * kNotHidden /
           machine_.rates.l3_bytes_per_second;
  }

  const StripRequest& request_;
  const StripShape& shape_;
  const Machine& machine_;
  const TileSet& set_;
  double cycle_;
};

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
    const std::int64_t length = blocking_.line_by_line ? shape_.width : columns_of(shape_, lines);
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
  // be read beyond the line: the last tile of a line starts earlier and computes some columns of
  // its neighbour again.
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

StripBlocking choose_strips(const StripRequest& request, const Machine& machine) {
  return Chooser(request, machine).best();
}

std::size_t workspace_bytes(const StripBlocking& blocking) {
  return (blocking.strip_bytes + blocking.sums_bytes) * static_cast<std::size_t>(blocking.threads) +
         (blocking.cost.packs_in_run ? blocking.weights_bytes : 0);
}

void run_strips(const StripShape& shape, const StripBlocking& blocking, const StripSource& source,
                const std::int32_t* offsets, const ProductOperands& given) {
  const ProductOperands operands =
      given.packed != nullptr
          ? given
          : given.pack_in_run(PackedWeights(shape.product, blocking.tile->rows), blocking.threads);
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
    if (operands.tally != nullptr) operands.tally->merge(tally);
  };
  operands.executor->run(blocking.threads, task);
}

}  // namespace plait::kernels
