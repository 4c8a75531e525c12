// The choice of a product's tile and blocks, by predicted time.
#include <algorithm>
#include <array>
#include <span>

#include "core/integers.hpp"
#include "core/machine/cycles.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "kernels/product/product.hpp"
#include "kernels/product/tile_cost.hpp"

namespace plait::kernels {
namespace {

// Everything about a blocking but the sizes of its blocks and the split over threads.
struct Candidate {
  const Tile* tile;
  bool pack_weights;
  PanelPlace panels;
  bool b_in_place;
  double tile_seconds;   // operands in L1
  double least_seconds;  // no blocking multiplies and adds in less
};

class BlockingSearch {
 public:
  BlockingSearch(const BlockingRequest& request, const Machine& machine)
      : request_(request),
        shape_(request.shape),
        machine_(machine),
        set_(tile_set(machine.target)),
        cycle_(1e-9 / machine.rates.ghz) {}

  // The most promising candidates come first; the best is found once no other can be faster.
  Blocking best() const {
    std::array<Candidate, 8 * kMostTiles> candidates;
    std::size_t count = 0;
    for (const Tile& tile : set_.tiles) {
      if (!request_.allows(tile)) continue;
      const auto tiles = static_cast<double>(
          saturated_product({shape_.image_groups, ceil_div(shape_.columns, tile.cols),
                             ceil_div(shape_.rows, tile.rows)}));
      for (const bool pack : {true, false}) {
        if (!pack && request_.prepacked) continue;
        for (const bool in_place : {false, true}) {
          if (in_place && !request_.source_in_place) continue;
          for (const PanelPlace place : {PanelPlace::workspace, PanelPlace::stack}) {
            if (place == PanelPlace::stack && tile.cols != kNarrowCols) continue;
            const double seconds = tile_seconds(tile, pack);
            candidates[count++] = {&tile,    pack,    place,
                                   in_place, seconds, seconds * tiles / request_.threads};
          }
        }
      }
    }
    std::stable_sort(
        candidates.begin(), candidates.begin() + count,
        [](const Candidate& a, const Candidate& b) { return a.least_seconds < b.least_seconds; });
    const double gather = least_gather_seconds();
    Blocking best;
    for (const Candidate& candidate : std::span(candidates).first(count)) {
      const double shared = candidate.least_seconds + gather;
      const double alone = shared * request_.threads;
      const double least = std::min(alone, shared + thread_seconds(request_.threads));
      if (best.fits() && least >= best.seconds()) break;
      consider(candidate, request_.threads, best);
      if (request_.threads > 1 && (!best.fits() || alone < best.seconds())) {
        consider(candidate, 1, best);
      }
    }
    return best;
  }

 private:
  double tile_seconds(const Tile& tile, bool pack_weights) const {
    return (tile_cycles(tile, set_.lanes, pack_weights ? TileForm::packed : TileForm::in_place,
                        static_cast<double>(shape_.depth), shape_.order, shape_.rows,
                        machine_.rates) +
            range_cycles(tile, shape_.even_columns, shape_.columns)) *
           cycle_;
  }

  double thread_seconds(int threads) const {
    return threads == 1 ? 0 : machine_.rates.fork_join_seconds;
  }

  // A lower bound of the time to write panels: each element once. It is a little less than that, so
  // that rounding rules out no blocking.
  double least_gather_seconds() const {
    if (request_.source_in_place) return 0;
    return 0.999 * static_cast<double>(shape_.image_groups) * static_cast<double>(shape_.columns) *
           static_cast<double>(shape_.depth) * request_.gather_seconds_per_element /
           request_.threads;
  }

  // Panels sized for L2, or one; every useful split of the rows.
  void consider(const Candidate& candidate, int threads, Blocking& best) const {
    for (const std::int64_t budget : {machine_.caches.l2_bytes / 2, std::int64_t{1}}) {
      const std::int64_t tiles = ceil_div(shape_.rows, candidate.tile->rows);
      const std::int64_t most_splits = std::min<std::int64_t>(tiles, 2L * threads);
      for (std::int64_t splits = 1; splits <= most_splits; ++splits) {
        const Blocking b = blocking_of(candidate, budget, threads, splits);
        if (workspace_bytes(b) > request_.max_workspace_bytes) continue;
        if (!best.fits() || b.seconds() < best.seconds()) best = b;
      }
    }
  }

  Blocking blocking_of(const Candidate& candidate, std::int64_t panel_budget, int threads,
                       std::int64_t row_splits) const {
    const Tile& tile = *candidate.tile;
    Blocking b;
    b.tile = &tile;
    b.target = set_.target;
    b.pack_weights = candidate.pack_weights;
    b.panels = candidate.panels;
    b.b_in_place = candidate.b_in_place;
    // An input that is read in place and does not stay in L2 is best read once, panel by panel: x
    // of 3.2 MB with 2 MB of L2 takes 0.84 to 0.93 of the time of going by rows, x within L2 1.0 to
    // 1.07. But outputs that no cache holds are best stored row by row: 32 -> 256 channels at 512
    // px take 0.73 of the time so [Emerald Rapids VM, one thread, 2026-11-26].
    b.by_columns = b.b_in_place && !shape_.leaves_caches(machine_) &&
                   saturated_product({shape_.image_groups, shape_.depth, shape_.columns,
                                      static_cast<std::int64_t>(sizeof(float))}) >
                       machine_.caches.l2_bytes / 2;
    b.packs_in_run = candidate.pack_weights && !request_.prepacked;
    b.block_rows = round_up(ceil_div(shape_.rows, row_splits), tile.rows);

    const std::int64_t float_size = sizeof(float);
    const std::int64_t fit_depth = panel_budget / (tile.cols * float_size) / kChunk * kChunk;
    const bool stack = candidate.panels == PanelPlace::stack;
    b.block_depth = std::min(shape_.depth, stack ? kChunk : std::max(kChunk, fit_depth));
    const std::int64_t panel = b.block_depth * tile.cols * float_size;
    const std::int64_t panels = ceil_div(shape_.columns, tile.cols);
    const std::int64_t fit_panels = stack ? 1 : std::max<std::int64_t>(1, panel_budget / panel);
    const std::int64_t blocks =
        threads *
        (b.b_in_place && threads > 1 ? costs::kInPlaceBlocksPerThread : costs::kBlocksPerThread);
    const std::int64_t fair_panels = ceil_div(shape_.image_groups * panels, blocks);
    const std::int64_t block_panels = std::clamp<std::int64_t>(fair_panels, 1, fit_panels);
    b.block_columns = block_panels * tile.cols;
    b.threads = static_cast<int>(std::min<std::int64_t>(threads, blocks_of(b)));
    if (!stack) {
      b.panel_bytes = static_cast<std::size_t>(round_up(
          panel * (candidate.b_in_place ? 1 : std::min(panels, block_panels)), kBufferAlignment));
    }
    const std::int64_t padded_rows = round_up(shape_.rows, tile.rows);
    b.weights_bytes = candidate.pack_weights ? PackedWeights(shape_, tile.rows).bytes() : 0;
    predict(b, candidate.tile_seconds, panels, padded_rows);
    return b;
  }

  std::int64_t blocks_of(const Blocking& b) const {
    return shape_.image_groups * ceil_div(shape_.columns, b.block_columns) *
           ceil_div(shape_.rows, b.block_rows);
  }

  void predict(Blocking& b, double in_l1_seconds, std::int64_t panels,
               std::int64_t padded_rows) const {
    const std::int64_t row_blocks = ceil_div(shape_.rows, b.block_rows);
    const std::int64_t tiles = shape_.image_groups * panels * (padded_rows / b.tile->rows);
    const double depth = static_cast<double>(shape_.depth);

    // Tiles of a block share its panels in L2; panels and weights pass L1 once for each tile.
    const std::int64_t operands = b.tile->rows + b.tile->cols;
    b.l2_bytes = saturated_product({tiles, shape_.depth, operands, sizeof(float)});
    b.executed_macs = saturated_product({tiles, b.tile->rows, b.tile->cols, shape_.depth});
    const double tile_seconds =
        std::max(in_l1_seconds, depth * static_cast<double>(operands) * sizeof(float) /
                                    machine_.rates.l2_bytes_per_second) +
        kept_sums_seconds(b);
    const double gathered = static_cast<double>(shape_.image_groups * row_blocks) *
                            static_cast<double>(panels * b.tile->cols) * depth;
    const double gathered_share = b.b_in_place ? 1.0 / static_cast<double>(panels) : 1.0;

    spread(b, tile_seconds * static_cast<double>(tiles),
           gathered * gathered_share * request_.gather_seconds_per_element,
           BlockShares::of(shape_.image_groups, shape_.columns, b.block_columns, row_blocks),
           b.weights_bytes, b.threads, machine_.rates);
  }

  // Time of one tile for its sums to go to y, wherever they belong, and back between blocks of
  // depth.
  double kept_sums_seconds(const Blocking& b) const {
    const Tile& tile = *b.tile;
    const auto again = static_cast<double>(ceil_div(shape_.depth, b.block_depth) - 1);
    const double vectors = static_cast<double>(tile.rows) * tile.cols / set_.lanes;
    return again * 2 * vectors * reorder_cycles(tile, set_.lanes, shape_.order, shape_.rows) *
           cycle_;
  }

  const BlockingRequest& request_;
  const ProductShape& shape_;
  const Machine& machine_;
  const TileSet& set_;
  double cycle_;
};

}  // namespace

Blocking choose_blocking(const BlockingRequest& request, const Machine& machine) {
  return BlockingSearch(request, machine).best();
}

}  // namespace plait::kernels
