// The body of the channel tiles; see tile.hpp for what they compute. Included once per target.

#if defined(PLAIT_KERNELS_CHANNEL_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_CHANNEL_TILE_INL_H_
#undef PLAIT_KERNELS_CHANNEL_TILE_INL_H_
#else
#define PLAIT_KERNELS_CHANNEL_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/unroll-inl.h"
#include "kernels/tile/store-inl.h"
#include "kernels/tile/tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Applies the epilogue to sums whose channels lie side by side in y, and stores them from their
// registers. Through memory, 3x3 layers of 3 channels at 224 px took 1.18 times as long, 1x1 layers
// of 64 and 128 channels 1.03 to 1.15 [Emerald Rapids VM, two threads, 2026-11-26].
template <class D, int kCols, int kVectors>
HWY_INLINE void StorePixels(const TileArgs& args, const hn::Vec<D> (&sums)[kCols][kVectors]) {
  const D d;
  using V = hn::Vec<D>;
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
  const Epilogue& epilogue = *args.epilogue;
  const Destination& to = *args.to;
  float* pixels[kCols] = {};  // null where a column is dropped
  bool non_temporal = true;
  for (const StoreRange& range : to.ranges) {
    float* pixel = to.y + range.offset;
    non_temporal = non_temporal && IsNonTemporal(to, pixel);
    for (int j = range.begin; j < range.end; ++j, pixel += to.pixel_stride) pixels[j] = pixel;
  }
  const bool relu = epilogue.activation == ActivationKind::relu;
  PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
    const int first = v * kLanes;
    const int count = to.rows - first;
    if (count <= 0) return;
    const V bias = epilogue.bias != nullptr ? LoadAtMost(d, epilogue.bias + first, count)
                                            : hn::Set(d, -0.0F);  // x + -0 is x
    PLAIT_UNROLL for (int j = 0; j < kCols; ++j) {
      if (pixels[j] == nullptr) continue;
      const V sum = hn::Add(sums[j][v], bias);
      const V value = relu ? NotBelowZero(sum) : sum;
      if (count >= kLanes) {
        StoreVector(value, pixels[j] + first, non_temporal);
      } else {
        hn::BlendedStore(value, hn::FirstN(d, static_cast<std::size_t>(count)), d,
                         pixels[j] + first);
      }
    }
  }
}

// A tile of kCols pixels x kVectors vectors of channels. Per term: kVectors loads of weights, kCols
// broadcasts of input and kCols * kVectors multiply-adds. Sums leave in the tile's own order, or
// are stored where channels lie side by side; StoreColumns transposes them to rows of pixels.
template <class D, int kCols, int kVectors, TileForm kForm>
HWY_NOINLINE void RunChannelTile(const TileArgs& args) {
  const D d;
  using V = hn::Vec<D>;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  V sums[kCols][kVectors];
  PLAIT_UNROLL for (int j = 0; j < kCols; ++j) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) sums[j][v] = hn::Zero(d);
  }

  const float* HWY_RESTRICT a = args.a;
  const float* HWY_RESTRICT b = args.b;
  const std::int64_t b_stride = args.b_stride;
  const std::int32_t* HWY_RESTRICT b_offsets = args.b_offsets;
  const std::int64_t step = args.b_step;
  const std::int64_t depth = args.depth;
  for (std::int64_t k = 0; k < depth; ++k) {
    const float* HWY_RESTRICT pixels = kForm == TileForm::packed ? b : b + b_offsets[k];
    V weights[kVectors];
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      weights[v] = hn::LoadU(d, a + static_cast<std::size_t>(v) * kLanes);
    }
    PLAIT_UNROLL for (int j = 0; j < kCols; ++j) {
      const V pixel = hn::Set(d, kForm == TileForm::strided ? pixels[j % 4 * step] : pixels[j]);
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        sums[j][v] = hn::MulAdd(weights[v], pixel, sums[j][v]);
      }
      // x86 addresses four pixels by one pointer and a step: not every pixel needs a pointer.
      if (kForm == TileForm::strided && j % 4 == 3) pixels += 4 * step;
    }
    a += kVectors * kLanes;
    if (kForm == TileForm::packed) b += b_stride;
  }

  if (args.partial != nullptr) {
    PLAIT_UNROLL for (int j = 0; j < kCols; ++j) {
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        const std::size_t at = static_cast<std::size_t>(j * kVectors + v) * kLanes;
        sums[j][v] = hn::Add(hn::Load(d, args.partial + at), sums[j][v]);
      }
    }
  }
  if (args.sums == nullptr) {
    StorePixels<D>(args, sums);
    return;
  }
  PLAIT_UNROLL for (int j = 0; j < kCols; ++j) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      hn::Store(sums[j][v], d, args.sums + static_cast<std::size_t>(j * kVectors + v) * kLanes);
    }
  }
}

template <int kCols, int kVectors>
constexpr Tile MakeChannelTile() {
  using D = hn::ScalableTag<float>;
  return {.rows = kVectors * static_cast<int>(hn::MaxLanes(D())),
          .cols = kCols,
          .packed = &RunChannelTile<D, kCols, kVectors, TileForm::packed>,
          .shifted = &RunChannelTile<D, kCols, kVectors, TileForm::shifted>,
          .strided = &RunChannelTile<D, kCols, kVectors, TileForm::strided>,
          .store = &StoreColumns,
          .lanes_are_channels = true};
}

// Shapes within the register budget (accumulators + kVectors weights + 1 pixel). 7 x 4 is one above
// it: GCC 12 keeps one of its accumulators on the stack, which adds some 10 cycles of latency to a
// term of 14 [Emerald Rapids, 2026-11-26]. Images have 7, 14, 28, 56 or any number of pixels in a
// row: the more widths there are, the fewer columns are wasted.
#if HWY_TARGET <= HWY_AVX3
constexpr Tile kChannelTiles[] = {
    MakeChannelTile<14, 2>(), MakeChannelTile<13, 2>(), MakeChannelTile<12, 2>(),
    MakeChannelTile<11, 2>(), MakeChannelTile<10, 2>(), MakeChannelTile<9, 2>(),
    MakeChannelTile<8, 2>(),  MakeChannelTile<7, 2>(),  MakeChannelTile<9, 3>(),
    MakeChannelTile<8, 3>(),  MakeChannelTile<7, 3>(),  MakeChannelTile<7, 4>(),
    MakeChannelTile<6, 4>(),  MakeChannelTile<5, 4>(),  MakeChannelTile<4, 4>(),
    MakeChannelTile<28, 1>(), MakeChannelTile<16, 1>(), MakeChannelTile<14, 1>()};
#elif HWY_TARGET == HWY_AVX2
constexpr Tile kChannelTiles[] = {MakeChannelTile<14, 1>(), MakeChannelTile<12, 1>(),
                                  MakeChannelTile<10, 1>(), MakeChannelTile<6, 2>(),
                                  MakeChannelTile<5, 2>(),  MakeChannelTile<4, 3>()};
#else
constexpr Tile kChannelTiles[] = {MakeChannelTile<12, 1>(), MakeChannelTile<6, 2>(),
                                  MakeChannelTile<4, 3>()};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
