// The fitted constants of all cost models, one group for each user, in cycles unless the name says
// otherwise. They and the machine's rates (plait::Rates) are all that predicted times are made of:
// who tunes plait for another machine measures these. Each group names where it was measured; what
// has no date is a fact of x86-64 cores.
#pragma once

#include <cstdint>

#include <plait/machine.hpp>

namespace plait::costs {

// From one multiply-add to the next on the same accumulator: Intel's cores since Skylake and AMD's
// since Zen (uops.info). Where a target has no fused multiply-add, the addition takes as long.
inline constexpr double kMultiplyAddLatencyCycles = 4;
inline constexpr double kBroadcastLoadsPerCycle = 2;

inline int vector_registers(Target target) { return target == Target::avx3 ? 32 : 16; }

// Enough blocks for each thread that the last ones do not keep the other threads waiting. Where
// the right operand is read in place, a block costs nothing to begin, and smaller ones balance
// better: 1x1 layers at 56 and 28 px take 0.95 to 1 times as long with four times as many [Emerald
// Rapids VM, two threads, 2026-11-26].
inline constexpr std::int64_t kBlocksPerThread = 4;
inline constexpr std::int64_t kInPlaceBlocksPerThread = 4 * kBlocksPerThread;

// Register tiles (kernels/product/tile_cost.hpp), measured alone [Zen 4, 2026-11-22].
namespace tile {
inline constexpr double kCallCyclesPerChunk = 10;        // entering the tile and leaving it
inline constexpr double kStoreCyclesPerVector = 2.5;     // with the addition of the partial sum
inline constexpr double kPackCyclesPerWeight = 1.4;      // strided reads, one at a time
inline constexpr double kTransposeCyclesPerVector = 16;  // from channels to rows of pixels
inline constexpr double kLoadsPerWeightInPlace = 2;      // the address of a row, and its weight
inline constexpr double kLoadsPerShiftedVector = 2;  // a vector that lies across two cache lines
// Scattered stores, lane by lane. Far: each lane has a cache line of its own; 1x1 layers of 64 to
// 256 channels at 56 px, and of 32 to 256 at 512 px, where y is in memory, 135. Near: several
// pixels share a line; 9x9, 1 -> 8 channels [Emerald Rapids VM, AVX-512, 2026-11-26].
inline constexpr double kScatterFarCyclesPerVector = 90;
inline constexpr double kScatterNearCyclesPerVector = 32;
// NHWC outputs of a tile that stores only some of a pixel's channels, for each cache line it
// stores, times the share that other tiles store later. Lines of partial pixels take 3.3 to 4.7 ns,
// those of whole pixels 2.4; 3x3, 3 -> 64 channels at 224 px takes 0.86 of the time by tiles of 64
// channels instead of 32 [Emerald Rapids VM, AVX-512, y in L3, 2026-11-26].
inline constexpr double kPartialPixelCyclesPerLine = 5;
// Preparing a tile's operands and the place of its outputs, once for all its chunks; and for every
// further range of columns that these lie in, to begin it and each row of it. Layers of one term
// (1x1, depthwise) over batches of 2x2, 5x5 and 7x7 px; 27 terms at 6x6 px [Zen 4 VM, AVX-512,
// 2026-12-01].
inline constexpr double kSetupCyclesPerTile = 60;
inline constexpr double kBeginCyclesPerRange = 15;
inline constexpr double kBeginCyclesPerRangeRow = 3;
}  // namespace tile

// Products from strips (kernels/product/strip_blocking.cpp).
namespace strips {
// Share of the time to load from beyond L2 that multiply-adds do not hide. 3x3 layers with 2.4 and
// 9.4 MB of weights take 1.02 and 1.11 times as long if each of two threads reads all weights for
// strips of its own, instead of half the weights [Emerald Rapids VM, 2026-11-26].
inline constexpr double kWaitShareBeyondL2 = 0.75;
}  // namespace strips

// Columns of a typical register tile. Only the mean length of copied ranges depends on it.
inline constexpr double kTypicalTileColumns = 48;

// Panels of im2col: elements, and ranges within one row of the image. 3x3 layers of ResNet-50 and
// VGG-16 at 224 to 7 px [Zen 4, 2026-11-22].
namespace im2col {
inline constexpr double kCopyCyclesPerFloat = 0.5;
inline constexpr double kGatherCyclesPerFloat = 0.9;
inline constexpr double kBeginCyclesPerRange = 18;
}  // namespace im2col

// Panels of 1x1 layers: 64 channels at 56 px, strides 1 and 2 [Zen 4, 2026-11-22]; ranges that are
// parts of an image row, for each term and once for all of them: 4, 25 and 49 px [Zen 4 VM,
// AVX-512, 2026-12-01].
namespace pointwise {
inline constexpr double kCopyCyclesPerFloat = 0.3;
inline constexpr double kCopyCyclesPerRange = 2.2;
inline constexpr double kBeginCyclesPerRange = 28;
inline constexpr double kGatherCyclesPerFloat = 1.8;
inline constexpr double kGatherSecondCyclesPerFloat = 0.6;  // every second pixel, by vectors
}  // namespace pointwise

// Strips: 3x3 layers at 56 to 7 px, strides 1 and 2 [Emerald Rapids VM, 2026-11-26; single pixels:
// Zen 4, 2026-11-22]; planes: 1x1 layers over batches of 2x2 and 5x5 px, which begin one for each
// channel of each image [Zen 4 VM, AVX-512, 2026-12-01].
namespace direct {
inline constexpr double kCopyCyclesPerFloat = 0.3;
inline constexpr double kGatherCyclesPerFloat = 0.9;
inline constexpr double kGatherByVectorsCyclesPerFloat = 0.4;  // every second or fourth pixel
inline constexpr double kGatherFarCyclesPerFloat = 4;          // each from a cache line of its own
inline constexpr double kBeginCyclesPerImageRow = 4;
inline constexpr double kBeginCyclesPerPlane = 30;
}  // namespace direct

// Depthwise layers on planes: tiles and layers of 3x3 to 31x31 windows at 7 to 112 px [Emerald
// Rapids VM, AVX-512, 2026-11-26].
namespace planes {
inline constexpr double kCallCyclesPerTile = 10;
inline constexpr double kStoreCyclesPerVector = 1;
inline constexpr double kLoopCyclesPerWindowRow = 8;
inline constexpr double kTimesFullL1 = 1.3, kTimesFromL2 = 1.5;  // of the time in a part of L1
inline constexpr double kBeginCyclesPerPlane = 60;
inline constexpr double kBeginCyclesPerImageRow = 8;  // of a strip
inline constexpr double kCopyCyclesPerFloat = 0.12;
inline constexpr double kGatherCyclesPerFloat = 1.2;
inline constexpr double kGatherFarCyclesPerFloat = 3;    // each from a cache line of its own
inline constexpr double kScatterFarCyclesPerFloat = 6;   // each to a cache line of its own
inline constexpr double kEpilogueCyclesPerOutput = 0.3;  // residual or activation
inline constexpr double kDoubleCyclesPerOutput = 2.5;    // an activation in f64
}  // namespace planes

// Depthwise layers on pixels, whose channels lie side by side: as planes.
namespace pixels {
inline constexpr double kCallCyclesPerTile = 60;    // for all its channels
inline constexpr double kTileCyclesPerVector = 20;  // of channels
inline constexpr double kStoreCyclesPerVector = 1.5;
inline constexpr double kLoopCyclesPerWindowRow = 4;
inline constexpr double kCopyCyclesPerVector = 4;
inline constexpr double kGatherCyclesPerFloat = 0.8;
inline constexpr double kTimesFromL2 = 1.15, kTimesBeyondL2 = 1.5;  // of the time from L1
inline constexpr double kDoubleCyclesPerOutput = 2.5;               // an activation in f64
}  // namespace pixels

// Winograd's transforms, of a vector of tiles or channels: layers of 64 to 256 channels [Emerald
// Rapids VM, AVX-512, 2026-11-26].
namespace winograd {
inline constexpr double kInCyclesPerPoint = 7;
inline constexpr double kOutCyclesPerPoint = 9;  // with the transposition to rows of pixels
inline constexpr double kDeinterleaveCyclesPerImageRow = 10;
inline constexpr double kDeinterleaveCyclesPerVector = 1;  // loaded or stored
inline constexpr double kGatherCyclesPerPixel = 1.5;       // of a dilated layer
inline constexpr double kPackCyclesPerProduct = 1;         // of transforming a weight in f64
inline constexpr double kSpillTimes = 1.1;  // of a tile with one sum more than registers
}  // namespace winograd

// The reference: one f64 addition waits for the one before, and every position is looked up anew.
// Products: 1x16x28x28,16x16x3x3,p1 [Zen 4, 2026-11-22]; outputs, and their channels: 1 to 7 px
// [Zen 4 VM, 2026-12-01].
namespace reference {
inline constexpr double kCyclesPerProduct = 8.5;
inline constexpr double kCyclesPerOutput = 60;
inline constexpr double kCyclesPerOutputChannel = 8;
}  // namespace reference

}  // namespace plait::costs
