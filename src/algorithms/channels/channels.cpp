// Direct convolution with output channels as lanes.
#include "algorithms/strip_room.hpp"

namespace plait::rooms::channels {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), q = i * pitch + j:
//   y[o, q] = sum over k of K[o, k] * strip[offset(k) + q]
// the sums of `strips` in the same order, so with the same bits, but turned round: lanes run along
// the output channels o, each term is a vector of weights K[o.., k] times one pixel, and a finished
// tile is transposed on its way to y. Any number of pixels then makes a full tile: no lane is lost
// at the end of a line or of a map. The pixels of a tile may lie any step apart, so that stride and
// NHWC need no phases: x is read in place where it needs no padding, and else copied with its
// channels side by side where they lie so. Source: Georganas et al. 2018, Anatomy of
// High-Performance Deep Learning Convolutions, for the tiles.
//
// When it wins and loses, measured:
// Times of the other rooms in times of this one. One thread, medians of five alternations [Emerald
// Rapids VM, AVX-512, GCC 12.2, 2026-11-26].
//                                             strips  im2col  pointwise
//   3x3, 64 -> 64 at 56 px                      1.02    1.49
//   3x3, 128 -> 128 at 28 px                    1.08    1.36
//   3x3, 256 -> 256 at 14 px                    1.19    1.47
//   3x3, 512 -> 512 at 7 px                     1.12    1.27
//   3x3, 512 -> 512 at 4 px                     1.24    1.77
//   3x3 with stride 2, 128 -> 128 at 56 px      1.16    1.38
//   3x3 with dilation 2, 256 -> 256 at 33 px    1.10    1.12
//   32 groups of 32 -> 32, 3x3 at 7 px          1.16
//   32 groups of 4 -> 4, 3x3 at 56 px           0.32
//   first layer, 3x3, 3 -> 64 at 224 px         0.39
//   1x1, 1024 -> 256 at 14 px                                    1.23
//   1x1, 2048 -> 512 at 7 px                                     1.21
//   1x1, 64 -> 64 at 56 px                                       0.78
//   1x1 with stride 2, 256 -> 512 at 56 px                       0.58
//   NHWC: 3x3, 64 -> 64 at 56 px                1.34
//   NHWC: 1x1, 64 -> 64 at 56 px                                 2.32
// It wins where maps are small or terms many. It loses where a tile has few terms to pay for its
// transposition, some 16 cycles a vector and more where the channels of y lie far apart, and where
// groups have fewer output channels than a vector has lanes.

// === config ===
// Channel tiles: vectors of output channels by some pixels of a line. A strip is copied unless x is
// one as it is.
constexpr StripRoom kRoom{"channels", kernels::channel_tile_set, true};

// === accepts ===
// What every product room takes: forward, f32. A strip of one line of output must fit under the
// cap, and 32 bits must address it.
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

}  // namespace plait::rooms::channels
