// What a blocking must keep to, and what it is chosen by: the times of its parts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <plait/machine.hpp>

#include "core/integers.hpp"
#include "core/machine/cycles.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

// What the blocking of a product must keep to; the base of what is asked.
struct BlockingLimits {
  int threads = 1;
  std::size_t max_workspace_bytes = 0;
  bool prepacked = true;  // packed weights do not count as workspace
  int tile_rows = 0;      // if set: only tiles of so many rows (weights packed so already)
  int tile_cols = 0;      // if set: only tiles of so many columns

  bool allows(const Tile& tile) const {
    return (tile_rows == 0 || tile.rows == tile_rows) && (tile_cols == 0 || tile.cols == tile_cols);
  }
};

// The base of every blocking: its times on all its threads.
struct PredictedTimes {
  double product_seconds = 0;
  double gather_seconds = 0;  // writing panels, strips or transforms
  double pack_seconds = 0;    // of the weights
  double thread_seconds = 0;
  bool packs_in_run = false;  // weights are packed anew in every run

  double seconds() const {
    return product_seconds + gather_seconds + thread_seconds + (packs_in_run ? pack_seconds : 0);
  }
};

// The base of the blockings of products.
struct PredictedProduct : PredictedTimes {
  std::int64_t executed_macs = 0;
  std::int64_t l2_bytes = 0;
};

// How a run's work falls into blocks: each whole one is `whole_share` of it all, and each of those
// that end a row of blocks `last_share`.
struct BlockShares {
  std::int64_t whole = 0;
  std::int64_t last = 0;
  double whole_share = 0;
  double last_share = 0;

  // `count` rows of `length` things, cut every `block`; `others`: blocks of each kind along the
  // other axes.
  static BlockShares of(std::int64_t count, std::int64_t length, std::int64_t block,
                        std::int64_t others) {
    const std::int64_t cuts = ceil_div(length, block);
    const std::int64_t tail = length - (cuts - 1) * block;
    BlockShares shares;
    shares.whole = saturated_product({count, others, tail == block ? cuts : cuts - 1});
    shares.last = tail == block ? 0 : saturated_product({count, others});
    const double all = static_cast<double>(count) * static_cast<double>(others);
    shares.whole_share = static_cast<double>(block) / static_cast<double>(length) / all;
    shares.last_share = static_cast<double>(tail) / static_cast<double>(length) / all;
    return shares;
  }

  // Time on all threads as a share of that on one, if they take the blocks one by one.
  double longest_share(int threads) const {
    const auto rest = static_cast<double>(whole % threads);
    const std::int64_t whole_rounds = whole / threads;
    const double rounds = static_cast<double>(whole_rounds) * whole_share;
    const auto smaller = static_cast<double>(last);
    if (rest == 0) return rounds + std::ceil(smaller / threads) * last_share;
    return rounds + std::max(whole_share, (rest * whole_share + smaller * last_share) / threads);
  }
};

// Fills in times from those of the parts on one thread.
inline void spread(PredictedTimes& times, double product_seconds, double gather_seconds,
                   const BlockShares& blocks, std::size_t weights_bytes, int threads,
                   const Rates& rates) {
  const double share = threads == 1 ? 1 : blocks.longest_share(threads);
  times.product_seconds = product_seconds * share;
  times.gather_seconds = gather_seconds * share;
  const auto weights = static_cast<double>(weights_bytes) / sizeof(float);
  times.pack_seconds = weights * costs::tile::kPackCyclesPerWeight * 1e-9 / rates.ghz /
                       (times.packs_in_run ? threads : 1);
  times.thread_seconds = threads == 1 ? 0 : rates.fork_join_seconds * (times.packs_in_run ? 2 : 1);
}

}  // namespace plait::kernels
