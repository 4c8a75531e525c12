// Direct convolution with output channels as lanes.
#include "algorithms/strip_room.hpp"

namespace plait::channels {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), q = i * pitch + j:
//   y[o, q] = sum over k of K[o, k] * strip[offset(k) + q]
// the sums of `strips` in the same order, so with the same bits, but turned round: lanes run along
// the output channels o, each term is a vector of weights K[o.., k] times one pixel, and a finished
// tile is transposed on its way to y. Any number of pixels then makes a full tile: no lane is lost
// at the end of a line or of a map. Where x needs no padding and no stride, it is read in place.
// Source: Georganas et al. 2018, Anatomy of High-Performance Deep Learning Convolutions, for the
// tiles.
//
// === config ===
// Channel tiles: vectors of output channels by some pixels of a line. A strip is copied unless x is
// one as it is.
constexpr StripRoom kRoom{"channels", kernels::channel_tile_set, true};

// === accepts ===
// What every product room takes: forward, f32. A strip of one line of output must fit under the cap,
// and 32 bits must address it.
Verdict accepts(const Problem& problem, const Limits& limits, const Machine& machine) {
  return accepts_as_strips(kRoom, problem, limits, machine);
}

// === cost ===
Cost estimate(const Problem& problem, const Limits& limits, const Machine& machine) {
  return strip_cost(kRoom, problem, limits, machine);
}

// === pack ===
// Weights in tile order: TileExecution::pack.

// === run ===
// kernels::run_strips over strips of lines, cut by kernels::choose_strips.
std::unique_ptr<Execution> prepare(const Problem& problem, const Limits& limits,
                                   const Machine& machine) {
  return prepare_strips(kRoom, problem, limits, machine);
}

}  // namespace

std::span<const Algorithm> forms() {
  static const Algorithm algorithms[] = {
      {"channels", "shifted reads from zero-padded strips of the input, output channels as lanes",
       accepts, estimate, prepare}};
  return algorithms;
}

}  // namespace plait::channels
