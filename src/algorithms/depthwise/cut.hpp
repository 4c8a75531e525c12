// How the work of a depthwise layer is cut up: the tile, the blocks of lines, the threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/plan.hpp>

#include "algorithms/depthwise/plane_lines.hpp"
#include "kernels/depthwise/planes.hpp"

namespace plait::algorithm::depthwise {

inline constexpr int kMostLines = 8;               // of any tile
inline constexpr std::size_t kStackBytes = 12288;  // of a thread that has no workspace

struct Cut {
  // Tiles of 1 .. kMostLines lines: for so many left, the one to take. Null at 0 if nothing fits.
  std::array<const kernels::PlaneTile*, kMostLines + 1> tiles{};
  int tile_lines = 0;
  std::int64_t block_lines = 1;
  std::int64_t block_columns = 1;
  std::int64_t block_planes = 1;  // more than one only if all lines are in a block
  int threads = 1;
  bool on_stack = false;  // what the threads need is small, and no workspace allowed
  // Of one thread, in floats: what lies one behind the other in its workspace.
  std::int64_t strip_floats = 0;     // of one plane
  std::int64_t line_floats = 0;      // lines of a tile, where y is not written in place
  std::int64_t residual_floats = 0;  // one line, where the residual is not read in place
  std::int64_t chunk_floats = 0;     // sums of a tile, in windows of several chunks
  // Predicted, on all threads.
  double product_seconds = 0;
  double gather_seconds = 0;
  double thread_seconds = 0;

  const kernels::PlaneTile& tile(std::int64_t lines_left) const {
    return *tiles[static_cast<std::size_t>(lines_left < tile_lines ? lines_left : tile_lines)];
  }
  bool fits() const { return tile_lines > 0; }
  std::size_t thread_bytes() const;
  std::size_t workspace_bytes() const {
    return on_stack ? 0 : thread_bytes() * static_cast<std::size_t>(threads);
  }
  double seconds() const { return product_seconds + gather_seconds + thread_seconds; }
};

// The cut with the lowest predicted time that keeps to the limits. A function of its arguments
// alone.
Cut choose_cut(const Problem& problem, const Geometry& geometry, const Limits& limits,
               const Machine& machine);

}  // namespace plait::algorithm::depthwise
