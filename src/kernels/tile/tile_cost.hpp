// Predicted times of register tiles, from the machine's rates and a few measured constants.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <plait/machine.hpp>

#include "core/integers.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

// Measured on the tiles alone [Zen 4, 2026-11-22]. A full-width load takes as long as a full-width
// multiply-add; two broadcasts are loaded per cycle.
inline constexpr double kBroadcastsPerCycle = 2;
inline constexpr double kTileCallCycles = 10;          // entering a tile and leaving it
inline constexpr double kFinishCyclesPerVector = 2.5;  // adding the partial sum and storing
inline constexpr double kTurnCyclesPerVector = 16;     // from channels to lines of pixels
// Lane by lane, each to a cache line of its own: 1x1 layers of 64 to 256 channels at 56 px, and of
// 32 to 256 at 512 px, 135 where y is in memory [Emerald Rapids VM, AVX-512, 2026-11-26].
inline constexpr double kScatterCyclesPerVector = 90;
inline constexpr double kScatterNearCyclesPerVector = 32;  // several pixels to a line: 9x9, 1 -> 8
inline constexpr double kInPlaceLoads = 2;                 // a row's address and its weight
inline constexpr double kPackCyclesPerWeight = 1.4;        // strided reads, one at a time

inline constexpr double kShiftedLoads = 2;  // a vector that lies across two cache lines

// Of a line of channels, times the share of the pixel that other tiles store, later: pieces of 128
// or 256 bytes take 3.3 to 4.7 ns a line, whole pixels in order 2.4. 3x3, 3 -> 64 channels at 224
// px, takes 0.86 of the time by tiles of 64 channels instead of 32 [Emerald Rapids VM, AVX-512, y
// in L3, 2026-11-26].
inline constexpr double kPartOfPixelCycles = 5;

// Preparing a tile's operands and the place of its outputs, once for all its chunks; and where
// these lie in several pieces of lines, to begin each further piece, and each row of it. Layers of
// one term (1x1, depthwise) over batches of 2x2, 5x5 and 7x7 px; 27 terms at 6x6 px [Zen 4 VM,
// AVX-512, 2026-12-01].
inline constexpr double kTilePlaceCycles = 60;
inline constexpr double kPieceCycles = 15;
inline constexpr double kPieceRowCycles = 3;

// Blocks per thread that are small enough for the last ones not to keep the other threads waiting.
inline constexpr std::int64_t kBlocksPerThread = 4;

// Cycles to bring one vector of finished sums to where they belong, beyond those of its store.
// `rows`: of the whole output.
inline double turn_cycles(const Tile& tile, int lanes, OutputOrder order, std::int64_t rows) {
  constexpr double kLine = 16;
  const bool by_pixels = order == OutputOrder::pixels || order == OutputOrder::small_pixels;
  if (tile.lanes_are_channels && by_pixels) {
    const double part = std::min(1.0, static_cast<double>(tile.rows) / static_cast<double>(rows));
    return order == OutputOrder::pixels ? kPartOfPixelCycles * (1 - part) * lanes / kLine : 0;
  }
  if (order == OutputOrder::lines && !tile.lanes_are_channels) return 0;
  if (order == OutputOrder::lines) return kTurnCyclesPerVector;
  return order == OutputOrder::small_pixels ? kScatterNearCyclesPerVector : kScatterCyclesPerVector;
}

// Cycles that the multiply-adds and the loads of one term take if each has its units to itself.
struct TermCycles {
  double multiply_adds;
  double loads;

  double longer() const { return std::max(multiply_adds, loads); }
};

inline TermCycles term_cycles(const Tile& tile, int lanes, TileForm form, const Rates& rates) {
  const int along = tile.lanes_are_channels ? tile.rows : tile.cols;
  // A tile narrower than the vectors still costs a whole instruction per row.
  const double vectors = std::max(1.0, static_cast<double>(along) / lanes);
  const double broadcasts = tile.lanes_are_channels ? tile.cols : tile.rows;
  const bool shifted = form == TileForm::shifted && !tile.lanes_are_channels;
  return {broadcasts * vectors / rates.vector_fmas_per_cycle,
          vectors * (shifted ? kShiftedLoads : 1) / rates.vector_fmas_per_cycle +
              broadcasts * (form == TileForm::in_place ? kInPlaceLoads : 1) / kBroadcastsPerCycle};
}

// Cycles of one tile for `depth` terms, operands in L1; `rows`: of the whole output.
inline double tile_cycles(const Tile& tile, int lanes, TileForm form, double depth,
                          OutputOrder order, std::int64_t rows, const Rates& rates) {
  const int along = tile.lanes_are_channels ? tile.rows : tile.cols;
  const double vectors = std::max(1.0, static_cast<double>(along) / lanes);
  const double sums = (tile.lanes_are_channels ? tile.cols : tile.rows) * vectors;
  const double chunks = std::ceil(depth / static_cast<double>(kChunk));
  const double turn = turn_cycles(tile, lanes, order, rows) * sums;
  return depth * term_cycles(tile, lanes, form, rates).longer() + turn +
         chunks * (kTileCallCycles + kFinishCyclesPerVector * sums) + kTilePlaceCycles;
}

// Cycles of one tile for the pieces that its pixels lie in beyond one: `line` pixels of y side by
// side at a time, of `columns` in all.
inline double piece_cycles(const Tile& tile, std::int64_t line, std::int64_t columns) {
  if (line >= columns) return 0;
  const double pieces = (tile.cols - 1) / static_cast<double>(line);
  return pieces * (kPieceCycles + (tile.lanes_are_channels ? 0 : kPieceRowCycles * tile.rows));
}

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
inline std::int64_t round_up(std::int64_t a, std::int64_t multiple) {
  return ceil_div(a, multiple) * multiple;
}

// Predicted for a blocking, spread over its threads.
struct BlockingCost {
  double product_seconds = 0;
  double fill_seconds = 0;
  double pack_seconds = 0;  // of the weights
  double thread_seconds = 0;
  std::int64_t executed_macs = 0;
  std::int64_t l2_bytes = 0;
  bool packs_in_run = false;  // weights are packed anew in every run

  double seconds() const {
    return product_seconds + fill_seconds + thread_seconds + (packs_in_run ? pack_seconds : 0);
  }
};

// The blocks of a run: of the whole work, each whole one has `whole_share`, and each of those that
// end a row of them `last_share`.
struct Blocks {
  std::int64_t whole = 0;
  std::int64_t last = 0;
  double whole_share = 0;
  double last_share = 0;

  // `count` rows of `length` things cut every `block`; `others`: blocks of each kind along other
  // axes.
  static Blocks of(std::int64_t count, std::int64_t length, std::int64_t block,
                   std::int64_t others) {
    const std::int64_t cuts = ceil_div(length, block);
    const std::int64_t tail = length - (cuts - 1) * block;
    Blocks blocks;
    blocks.whole = saturated_product({count, others, tail == block ? cuts : cuts - 1});
    blocks.last = tail == block ? 0 : saturated_product({count, others});
    const double all = static_cast<double>(count) * static_cast<double>(others);
    blocks.whole_share = static_cast<double>(block) / static_cast<double>(length) / all;
    blocks.last_share = static_cast<double>(tail) / static_cast<double>(length) / all;
    return blocks;
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

// Times of a blocking from those of its parts on one thread.
inline void spread(BlockingCost& cost, double product_seconds, double fill_seconds,
                   const Blocks& blocks, std::size_t weights_bytes, int threads,
                   const Rates& rates) {
  const double share = threads == 1 ? 1 : blocks.longest_share(threads);
  cost.product_seconds = product_seconds * share;
  cost.fill_seconds = fill_seconds * share;
  const auto weights = static_cast<double>(weights_bytes) / sizeof(float);
  cost.pack_seconds =
      weights * kPackCyclesPerWeight * 1e-9 / rates.ghz / (cost.packs_in_run ? threads : 1);
  cost.thread_seconds = threads == 1 ? 0 : rates.fork_join_seconds * (cost.packs_in_run ? 2 : 1);
}

}  // namespace plait::kernels
