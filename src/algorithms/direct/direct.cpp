// Direct convolution: shifted reads of the input, or of zero-padded strips of it. The variants
// share the strips and the order of the sums, and so the bits: lanes are pixels or output channels.
#include "algorithms/direct/strips.hpp"

namespace plait::algorithm::direct {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), q = i * pitch + j:
//   y[o, q] = sum over k of K[o, k] * strip[offset(k) + q]
// The strip holds the rows of x that a block of output rows needs, with the zeros around them; the
// k_h k_w terms of a channel are shifted views of it. Computing Delta outputs of a row at once
// reads each input (k_w + Delta - 1) / Delta times instead of k_w times (the chapter's exercise 6).
// A stride splits the padded input into s_h x s_w phases (every s-th row and column), each of which
// is read like stride 1 (strips.hpp). Source: Zhang, Franchetti, Low 2018, High Performance
// Zero-Memory Overhead Direct Convolutions, for the loads.
//
// In direct/pixels the lanes are pixels of a row, or of several. In direct/channels they are output
// channels o: each term is a vector of weights K[o.., k] times one pixel, and a finished tile is
// transposed on its way to y. Any number of pixels then makes a full tile, and no lane is lost at
// the end of a row or of a map. The pixels of a tile may lie any step apart, so that stride and
// NHWC need no phases: x is read in place where it needs no padding, and is else copied with its
// channels side by side where they lie so. Source: Georganas et al. 2018, Anatomy of
// High-Performance Deep Learning Convolutions, for the tiles.
//
// When it wins and loses, measured:
// Time of direct/pixels in times of im2col's. One thread, medians of ten alternations [Zen 4 VM,
// AVX-512, GCC 12.2, 2026-11-22].
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
// direct/pixels wins by copying each pixel once: the fewer channels share a copy, the more. It
// loses where rows are short against the tile, because it computes the columns between two rows
// too; the cost model does not see that loss in full (it expects 0.93 for the last row of the
// table).
//
// Times of others in times of direct/channels. One thread, medians of five alternations [Emerald
// Rapids VM, AVX-512, GCC 12.2, 2026-11-26].
//                                           direct/pixels  im2col  pointwise
//   3x3, 64 -> 64 at 56 px                      1.02        1.49
//   3x3, 128 -> 128 at 28 px                    1.08        1.36
//   3x3, 256 -> 256 at 14 px                    1.19        1.47
//   3x3, 512 -> 512 at 7 px                     1.12        1.27
//   3x3, 512 -> 512 at 4 px                     1.24        1.77
//   3x3 with stride 2, 128 -> 128 at 56 px      1.16        1.38
//   3x3 with dilation 2, 256 -> 256 at 33 px    1.10        1.12
//   32 groups of 32 -> 32, 3x3 at 7 px          1.16
//   32 groups of 4 -> 4, 3x3 at 56 px           0.32
//   first layer, 3x3, 3 -> 64 at 224 px         0.39
//   1x1, 1024 -> 256 at 14 px                                        1.23
//   1x1, 2048 -> 512 at 7 px                                         1.21
//   1x1, 64 -> 64 at 56 px                                           0.78
//   1x1 with stride 2, 256 -> 512 at 56 px                           0.58
//   NHWC: 3x3, 64 -> 64 at 56 px                1.34
//   NHWC: 1x1, 64 -> 64 at 56 px                                     2.32
// direct/channels wins where maps are small or terms many. It loses where a tile has few terms to
// pay for its transposition, some 16 cycles a vector and more where the channels of y lie far
// apart, and where groups have fewer output channels than a vector has lanes.

// === config ===
// The strip of direct/pixels is always copied; that of direct/channels unless x is one as it is.
constexpr Variant kPixels{"direct/pixels", kernels::tile_set, false};
constexpr Variant kChannels{"direct/channels", kernels::channel_tile_set, true};

// === accepts ===
// What every matrix product takes: forward, f32. A strip of one row of output must fit under the
// cap, and 32 bits must address it.
std::optional<Refusal> refuse(const Problem& problem) { return refuse_as_product(problem); }

// === cost ===
// Of the blocking that kernels::choose_strip_blocking finds: product_cost.

// === pack ===
// Weights in tile order: TileExecution::pack.

// === run ===
// kernels::run_strips over strips of rows, as kernels::choose_strip_blocking cuts them.
// === ask ===
template <const Variant& kVariant>
Answer ask(const Question& question) {
  if (auto refusal = refuse(question.problem)) return *std::move(refusal);
  return offer_strips(kVariant, question);
}

}  // namespace

std::span<const Algorithm> variants() {
  static const Algorithm algorithms[] = {
      {"direct/pixels", "shifted loads from zero-padded strips of the input, pixels as lanes",
       ask<kPixels>},
      {"direct/channels",
       "shifted reads from zero-padded strips of the input, output channels as lanes",
       ask<kChannels>}};
  return algorithms;
}

}  // namespace plait::algorithm::direct
