// What a register tile holds and loads: what keeps it from being wider.
#pragma once

#include <algorithm>

#include "core/integers.hpp"
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

// Instructions and registers of one term, as the bodies of the tiles have them.
struct TermWork {
  int input_loads;    // vectors of pixels, or broadcasts
  int weight_loads;   // broadcasts, or vectors of channels
  int multiply_adds;  // as many as accumulators
  int registers;      // accumulators, the operand that is held, and one of the other
};

// Work of a tile of `vectors` vectors, each multiplied by `broadcasts` numbers.
inline TermWork term_work(int vectors, int broadcasts, bool lanes_are_channels) {
  const int sums = vectors * broadcasts;
  // Pixel tiles hold the shorter side, channel tiles the weights.
  const int held = lanes_are_channels ? vectors : std::min(vectors, broadcasts);
  return {lanes_are_channels ? broadcasts : vectors, lanes_are_channels ? vectors : broadcasts,
          sums, sums + held + 1};
}

// Work per term of `tile`, or with `more` > 0 of a wider one with that many extra vectors of
// columns (channel tiles: columns). A partly filled vector counts as one.
inline TermWork term_work(const Tile& tile, int lanes, int more = 0) {
  if (tile.lanes_are_channels) {
    return term_work(ceil_div(tile.rows, lanes), tile.cols + more, true);
  }
  return term_work(ceil_div(tile.cols, lanes) + more, tile.rows, false);
}

}  // namespace plait::kernels
