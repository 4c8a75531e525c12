// Predicted times of register tiles, from the machine's rates and the constants of costs::tile.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <plait/machine.hpp>

#include "core/integers.hpp"
#include "core/machine/cycles.hpp"
#include "kernels/product/shape.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

// Cycles to bring one vector of finished sums to where they belong, beyond those of its store.
// `rows`: of the whole output.
inline double reorder_cycles(const Tile& tile, int lanes, OutputOrder order, std::int64_t rows) {
  const bool by_pixels = order == OutputOrder::pixels || order == OutputOrder::small_pixels;
  if (tile.lanes_are_channels && by_pixels) {
    const double part = std::min(1.0, static_cast<double>(tile.rows) / static_cast<double>(rows));
    return order == OutputOrder::pixels
               ? costs::tile::kPartialPixelCyclesPerLine * (1 - part) * lanes / kCacheLineFloats
               : 0;
  }
  if (order == OutputOrder::image_rows) {
    return tile.lanes_are_channels ? costs::tile::kTransposeCyclesPerVector : 0;
  }
  return order == OutputOrder::small_pixels ? costs::tile::kScatterNearCyclesPerVector
                                            : costs::tile::kScatterFarCyclesPerVector;
}

// Cycles that the multiply-adds and the loads of one term take if each has its units to itself.
struct TermCycles {
  double multiply_adds;
  double loads;

  double longer() const { return std::max(multiply_adds, loads); }
};

// Vectors along the lanes of a tile. One narrower than a vector still costs whole instructions.
inline double vectors_along(const Tile& tile, int lanes) {
  const int along = tile.lanes_are_channels ? tile.rows : tile.cols;
  return std::max(1.0, static_cast<double>(along) / lanes);
}

// A full-width load takes as long as a full-width multiply-add.
inline TermCycles term_cycles(const Tile& tile, int lanes, TileForm form, const Rates& rates) {
  const double vectors = vectors_along(tile, lanes);
  const double broadcasts = tile.lanes_are_channels ? tile.cols : tile.rows;
  const bool shifted = form == TileForm::shifted && !tile.lanes_are_channels;
  const double loads = vectors * (shifted ? costs::tile::kLoadsPerShiftedVector : 1);
  const double broadcast_loads =
      broadcasts * (form == TileForm::in_place ? costs::tile::kLoadsPerWeightInPlace : 1);
  return {broadcasts * vectors / rates.vector_fmas_per_cycle,
          loads / rates.vector_fmas_per_cycle + broadcast_loads / costs::kBroadcastLoadsPerCycle};
}

// Cycles of one tile for `depth` terms, operands in L1; `rows`: of the whole output.
inline double tile_cycles(const Tile& tile, int lanes, TileForm form, double depth,
                          OutputOrder order, std::int64_t rows, const Rates& rates) {
  const double sums =
      (tile.lanes_are_channels ? tile.cols : tile.rows) * vectors_along(tile, lanes);
  const double chunks = std::ceil(depth / static_cast<double>(kChunk));
  const double reorder = reorder_cycles(tile, lanes, order, rows) * sums;
  return depth * term_cycles(tile, lanes, form, rates).longer() + reorder +
         chunks * (costs::tile::kCallCyclesPerChunk + costs::tile::kStoreCyclesPerVector * sums) +
         costs::tile::kSetupCyclesPerTile;
}

// Cycles of one tile for the ranges beyond one that its pixels lie in: `even_columns` of the
// product's `columns` lie evenly in y at a time.
inline double range_cycles(const Tile& tile, std::int64_t even_columns, std::int64_t columns) {
  if (even_columns >= columns) return 0;
  const double ranges = (tile.cols - 1) / static_cast<double>(even_columns);
  return ranges *
         (costs::tile::kBeginCyclesPerRange +
          (tile.lanes_are_channels ? 0 : costs::tile::kBeginCyclesPerRangeRow * tile.rows));
}

}  // namespace plait::kernels
