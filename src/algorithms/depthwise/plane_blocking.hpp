// The blocking of a depthwise layer over planes: its tile, its blocks of output rows, its threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/plan.hpp>

#include "algorithms/depthwise/plane_rows.hpp"
#include "kernels/depthwise/planes.hpp"
#include "kernels/product/predicted_times.hpp"

namespace plait::algorithm::depthwise {

// A thread needs no workspace if so much of its stack holds what it would keep there.
inline constexpr std::size_t kStackBytes = 12288;

// What the blockings over planes and over pixels have in common.
template <class Tile, int kMostTileRows>
struct TileBlocking : kernels::PredictedTimes {
  // The tile to take when so many rows of a block are left; tiles[tile_rows] also if more are.
  std::array<const Tile*, kMostTileRows + 1> tiles{};
  int tile_rows = 0;            // 0 if nothing fits
  std::int64_t block_rows = 1;  // output rows that a thread takes at a time
  int threads = 1;
  bool on_stack = false;  // the cap is too small for a workspace, but kStackBytes suffice

  bool fits() const { return tile_rows > 0; }
  const Tile& tile(std::int64_t rows_left) const {
    return *tiles[static_cast<std::size_t>(rows_left < tile_rows ? rows_left : tile_rows)];
  }
};

struct PlaneBlocking : TileBlocking<kernels::PlaneTile, 8> {
  std::int64_t block_columns = 1;
  std::int64_t block_planes = 1;  // more than one only if a block has all rows of an output
  // A thread's workspace holds these parts one behind the other.
  std::int64_t strip_floats = 0;     // one strip; there are block_planes of them
  std::int64_t output_floats = 0;    // a tile's outputs, if y is not written in place
  std::int64_t residual_floats = 0;  // a row, if the residual is not read in place
  std::int64_t chunk_floats = 0;     // a tile's sums, if its windows have several chunks

  std::size_t thread_bytes() const;
  std::size_t workspace_bytes() const {
    return on_stack ? 0 : thread_bytes() * static_cast<std::size_t>(threads);
  }
};

// The blocking with the lowest predicted time that keeps to the limits, or one that does not fit.
// It is a function of the arguments alone.
PlaneBlocking choose_plane_blocking(const Problem& problem, const Geometry& geometry,
                                    const Limits& limits, const Machine& machine);

}  // namespace plait::algorithm::depthwise
