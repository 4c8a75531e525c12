// Direct convolution: shifted reads of the input, or of zero-padded strips of it. Lanes are pixels
// in one variant and output channels in the other; both have the same bits.
#include "algorithms/direct/strips.hpp"

namespace plait::algorithm::direct {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), q = i * pitch + j:
//   y[o, q] = sum over k of K[o, k] * strip[offset(k) + q]
// A strip has the rows of x that a block of output rows needs, with their padding. The k_h k_w
// terms of a channel are shifted views of it. Computing Delta outputs of a row at once reads each
// input (k_w + Delta - 1) / Delta times instead of k_w times (the chapter's exercise 6). A stride
// splits the padded input into s_h x s_w phases (every s-th row and column), each of which is read
// as with stride 1 (strips.hpp). Source for the loads: Zhang, Franchetti, Low 2018, High
// Performance Zero-Memory Overhead Direct Convolutions.
//
// In direct/pixels the lanes are pixels of one row or of several. In direct/channels they are
// output channels o: each term is a vector of weights K[o.., k] times one pixel, and a finished
// tile is transposed on its way to y. Any number of pixels then makes a full tile, and no lane is
// lost at the end of a row or of an image. The pixels of a tile may lie any distance apart, so that
// strides and NHWC need no phases: x is read in place if it has no padding. Otherwise it is copied,
// in pixels with their channels side by side if x has them so. Source for the tiles: Georganas et
// al. 2018, Anatomy of High-Performance Deep Learning Convolutions.
//
// When it wins and loses, measured:
// Time of direct/pixels divided by that of im2col (below 1: direct/pixels is faster). One thread,
// medians of ten alternations [Zen 4 VM, AVX-512, GCC 12.2, 2026-11-22].
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
// direct/pixels wins because it copies each pixel once, most clearly where few output channels
// share a copy. It loses where rows are short against the tile, because it also computes the
// columns between two rows. The cost model does not see all of that loss: for the last row of the
// table it predicts 0.93.
//
// Time of each other algorithm divided by that of direct/channels (above 1: direct/channels is
// faster). One thread, medians of five alternations [Emerald Rapids VM, AVX-512, GCC 12.2,
// 2026-11-26].
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
// direct/channels wins where images are small or terms are many. It loses where a tile has few
// terms to pay for its transposition (some 16 cycles a vector, and more if the channels of y lie
// far apart), and where groups have fewer output channels than a vector has lanes.

// === config ===
// direct/pixels always copies its strips. direct/channels copies them unless x itself can serve.
constexpr Variant kPixels{"direct/pixels", kernels::tile_set, false};
constexpr Variant kChannels{"direct/channels", kernels::channel_tile_set, true};

// === accepts ===
// It takes forward problems in f32, like every matrix product. A strip for one output row must fit
// under the cap, and 32 bits must address it.

// === cost ===
// offer_strips takes the cost of the blocking from product_cost.

// === pack ===
// TileExecution::pack packs the weights in the order of the tiles.

// === run ===
// kernels::run_strips runs over the blocks of output rows, each with its strip.

// === ask ===
template <const Variant& kVariant>
Answer ask(const Question& question) {
  if (auto refusal = refuse_as_product(question.problem)) return *std::move(refusal);
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
