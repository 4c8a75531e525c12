// What a register tile holds and loads: what keeps it from being wider.
#pragma once

#include <algorithm>

#include <plait/machine.hpp>

#include "kernels/tile/tile.hpp"

namespace plait::kernels {

// Vector registers of an x86-64 core.
inline int vector_registers(Target target) { return target == Target::avx3 ? 32 : 16; }

// From one multiply-add to the next on the same accumulator, in cycles: Intel's cores since Skylake
// and AMD's since Zen (uops.info). Where a target has no fused one, the addition takes as long.
inline constexpr double kMultiplyAddLatency = 4;

// Instructions and registers of one term, as the bodies of the tiles have them.
struct TermWork {
  int input_loads;    // vectors of pixels, or broadcasts
  int weight_loads;   // broadcasts, or vectors of channels
  int multiply_adds;  // as many as accumulators
  int registers;      // accumulators, the operand that is held, and one of the other
};

// Of a tile of `vectors` vectors, each multiplied by `broadcasts` numbers.
inline TermWork term_work(int vectors, int broadcasts, bool lanes_are_channels) {
  const int sums = vectors * broadcasts;
  // Pixel tiles hold the shorter side, channel tiles the weights.
  const int held = lanes_are_channels ? vectors : std::min(vectors, broadcasts);
  return {lanes_are_channels ? broadcasts : vectors, lanes_are_channels ? vectors : broadcasts,
          sums, sums + held + 1};
}

// Of a tile, or of one with as many rows and `more` vectors of columns (of channel tiles: columns)
// beside its own. Vectors may be filled in part.
inline TermWork term_work(const Tile& tile, int lanes, int more = 0) {
  if (tile.lanes_are_channels) {
    return term_work((tile.rows + lanes - 1) / lanes, tile.cols + more, true);
  }
  return term_work((tile.cols + lanes - 1) / lanes + more, tile.rows, false);
}

}  // namespace plait::kernels
