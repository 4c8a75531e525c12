// Direct convolution with pixels as lanes: shifted loads from zero-padded strips of the input.
#include "algorithms/strip_room.hpp"

namespace plait::rooms::strips {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), q = i * pitch + j:
//   y[o, q] = sum over k of K[o, k] * strip[offset(k) + q]
// The strip holds the lines of x that a block of output lines needs, zeros around them, once; the
// k_h k_w terms of a channel are shifted views of it. Computing Delta outputs at once reads each
// input (k_w + Delta - 1) / Delta times per row instead of k_w times (the chapter's exercise 6).
// Stride s: the padded input falls into s_h x s_w phases (every s-th line and column), and tap
// (u, v) reads phase (u d_h mod s_h, v d_w mod s_w) at line i + u d_h / s_h, column
// j + v d_w / s_w: each phase is read like stride 1. Source: Zhang, Franchetti, Low 2018, High
// Performance Zero-Memory Overhead Direct Convolutions, for the loads; phases are the polyphase
// decomposition of signal processing.
//
// When it wins and loses, measured:
// Its time in times of im2col's. One thread, medians of ten alternations [Zen 4 VM, AVX-512, GCC
// 12.2, 2026-11-22].
//   15x15 over one channel, 512 px             0.22
//   depthwise 3x3, 96 channels, 56 px          0.3
//   32 groups of 4 -> 4, 3x3 at 28 px          0.28
//   30 groups of 16 -> 16, 3x3 at 10 px        0.66
//   first layer, 7x7 stride 2, 3 -> 64, 224 px 0.6
//   16 -> 16, 3x3 at 16 px                     0.53
//   5x5, 32 -> 64 at 28 px                     0.75
//   3x3 at 56, 28, 14, 7 px (ResNet-50)        0.78, 0.88, 0.88, 0.86
//   3x3 with dilation 2 at 56 px               0.85
//   3x3 with stride 2, 128 -> 128 at 56 px     0.95 to 1
//   3x3, 512 -> 512 at 4x4 px                  1.3
// It wins by gathering each pixel once: the fewer channels share a copy, the more. It loses where
// lines are short against the tile, because it computes the columns between two lines too; the cost
// model does not see that loss in full (it expects 0.93 for the last row).

// === config ===
// Pixel tiles: as many pixels of a line, or of several, as lanes. The strip is always copied.
constexpr StripRoom kRoom{"strips", kernels::tile_set, false};

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
      {"strips", "shifted loads from zero-padded strips of the input, pixels as lanes", accepts,
       estimate, prepare}};
  return algorithms;
}

}  // namespace plait::rooms::strips
