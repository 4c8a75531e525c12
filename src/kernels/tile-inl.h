// The body of the register tiles; see tile.hpp for what they compute. Included once per target.

#if defined(PLAIT_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_TILE_INL_H_
#undef PLAIT_KERNELS_TILE_INL_H_
#else
#define PLAIT_KERNELS_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Loops over accumulators must vanish: an array indexed by a variable lives on the stack. Under
// sanitizers they stay: their checks, unrolled, take GCC 12 minutes to compile.
#undef PLAIT_UNROLL
#if defined(PLAIT_SANITIZED)
#define PLAIT_UNROLL
#else
#define PLAIT_UNROLL _Pragma("GCC unroll 16")
#endif

// Adds the partial sums and applies the epilogue to a finished tile, and stores it.
template <bool kPartial, bool kEpilogue, class D, int kRows, int kVectors>
HWY_INLINE void StoreTile(D d, const TileArgs& args, hn::Vec<D> (&sums)[kRows][kVectors]) {
  using V = hn::Vec<D>;
  constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));
  const V zero = hn::Zero(d);
  const bool relu = kEpilogue && args.epilogue->relu;
  const float* bias = kEpilogue ? args.epilogue->bias : nullptr;
  PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      V sum = sums[r][v];
      if (kPartial) {
        sum = hn::Add(hn::LoadU(d, args.partial + r * args.partial_stride + v * kLanes), sum);
      }
      if (kEpilogue && bias != nullptr) sum = hn::Add(sum, hn::Set(d, bias[r]));
      if (kEpilogue && relu) sum = hn::IfThenElse(hn::Lt(sum, zero), zero, sum);
      hn::StoreU(sum, d, args.out + r * args.out_stride + v * kLanes);
    }
  }
}

// Which operands a tile reads; see Tile.
enum class Form { packed, in_place, shifted };

// A tile of kRows x kVectors accumulators. Per term: kVectors loads, kRows broadcasts and
// kRows * kVectors multiply-adds, so tall tiles are bound by the multiply-adds, not by the loads.
template <class D, int kRows, int kVectors, Form kForm>
HWY_NOINLINE void RunTile(const TileArgs& args) {
  const D d;
  using V = hn::Vec<D>;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  V sums[kRows][kVectors];
  PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }

  const float* HWY_RESTRICT a = args.a;
  const float* const* HWY_RESTRICT a_rows = args.a_rows;
  const float* HWY_RESTRICT b = args.b;
  const std::int64_t b_stride = args.b_stride;
  const std::int32_t* HWY_RESTRICT b_offsets = args.b_offsets;
  const std::int64_t depth = args.depth;
  for (std::int64_t k = 0; k < depth; ++k) {
    const float* HWY_RESTRICT b_row = kForm == Form::shifted ? b + b_offsets[k] : b;
    V columns[kVectors];
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      columns[v] = hn::LoadU(d, b_row + static_cast<std::size_t>(v) * kLanes);
    }
    PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
      const V weight = hn::Set(d, kForm == Form::in_place ? a_rows[r][k] : a[r]);
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::MulAdd(weight, columns[v], sums[r][v]);
      }
    }
    if (kForm != Form::in_place) a += kRows;
    if (kForm != Form::shifted) b += b_stride;
  }

  if (args.epilogue != nullptr) {
    args.partial != nullptr ? StoreTile<true, true>(d, args, sums)
                            : StoreTile<false, true>(d, args, sums);
  } else {
    args.partial != nullptr ? StoreTile<true, false>(d, args, sums)
                            : StoreTile<false, false>(d, args, sums);
  }
}

template <class D, int kRows, int kVectors>
constexpr Tile MakeTile() {
  return {kRows, kVectors * static_cast<int>(hn::MaxLanes(D())),
          &RunTile<D, kRows, kVectors, Form::packed>, &RunTile<D, kRows, kVectors, Form::in_place>,
          &RunTile<D, kRows, kVectors, Form::shifted>};
}

// The family: shapes within the register budget (accumulators + kVectors columns + 1 weight), from
// tall (few pixels) to flat (few output channels).
using Full = hn::ScalableTag<float>;
#if HWY_TARGET <= HWY_AVX3
using Narrow = hn::CappedTag<float, kNarrowCols>;
constexpr Tile kTiles[] = {MakeTile<Full, 14, 2>(), MakeTile<Full, 8, 3>(),
                           MakeTile<Full, 6, 4>(),  MakeTile<Full, 4, 6>(),
                           MakeTile<Full, 1, 8>(),  MakeTile<Narrow, 14, 1>()};
#elif HWY_TARGET == HWY_AVX2
constexpr Tile kTiles[] = {MakeTile<Full, 6, 2>(), MakeTile<Full, 4, 3>(), MakeTile<Full, 2, 5>(),
                           MakeTile<Full, 1, 8>(), MakeTile<Full, 12, 1>()};
#else
constexpr Tile kTiles[] = {MakeTile<Full, 6, 2>(), MakeTile<Full, 4, 3>(), MakeTile<Full, 1, 8>()};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
