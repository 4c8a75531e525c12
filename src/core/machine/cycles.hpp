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

}  // namespace plait::costs
