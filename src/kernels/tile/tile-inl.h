// The body of the register tiles; see tile.hpp for what they compute. Included once per target.

#if defined(PLAIT_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_TILE_INL_H_
#undef PLAIT_KERNELS_TILE_INL_H_
#else
#define PLAIT_KERNELS_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/simd/registers-inl.h"
#include "kernels/simd/unroll-inl.h"
#include "kernels/tile/store-inl.h"
#include "kernels/tile/tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adds the partial sums of a tile to its sums.
template <class D, int kRows, int kVectors>
HWY_INLINE void AddPartial(D d, const float* HWY_RESTRICT partial,
                           hn::Vec<D> (&sums)[kRows][kVectors]) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = hn::Add(
          hn::Load(d, partial + static_cast<std::size_t>(r * kVectors + v) * kLanes), sums[r][v]);
    }
  }
}

// Applies the epilogue to a finished tile.
template <class D, int kRows, int kVectors>
HWY_INLINE void ApplyEpilogue(D d, const Epilogue& epilogue, int rows,
                              hn::Vec<D> (&sums)[kRows][kVectors]) {
  using V = hn::Vec<D>;
  const float* bias = epilogue.bias;
  if (bias != nullptr) {
    PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
      const V b = hn::Set(d, bias[HWY_MIN(r, rows - 1)]);
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::Add(sums[r][v], b);
    }
  }
  if (epilogue.activation == ActivationKind::relu) {
    const V zero = hn::Zero(d);
    PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::IfThenElse(hn::Lt(sums[r][v], zero), zero, sums[r][v]);
      }
    }
  }
}

// Stores a finished tile from its registers where each of its rows is one whole range.
template <class D, int kRows, int kVectors>
HWY_INLINE void StoreWhole(D d, float* HWY_RESTRICT y, std::int64_t row_stride,
                           const hn::Vec<D> (&sums)[kRows][kVectors]) {
  constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));
  PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(sums[r][v], d, y + r * row_stride + v * kLanes);
    }
  }
}

// The same for a tile that has fewer than kRows rows or several ranges of columns: each vector is
// stored once for every range that has some of its columns.
template <class D, int kRows, int kVectors>
HWY_INLINE void StoreRanges(D d, const Destination& to, const hn::Vec<D> (&sums)[kRows][kVectors]) {
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
  const StoreRange* first_range = to.ranges.data();
  const StoreRange* const end = first_range + to.ranges.size();
  PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
    const int first = v * kLanes;
    while (first_range != end && first_range->end <= first) ++first_range;
    for (const StoreRange* range = first_range; range != end && range->begin < first + kLanes;
         ++range) {
      const int skipped = HWY_MAX(range->begin - first, 0);
      const int stop = HWY_MIN(range->end - first, kLanes);
      const auto mask = hn::AndNot(hn::FirstN(d, static_cast<std::size_t>(skipped)),
                                   hn::FirstN(d, static_cast<std::size_t>(stop)));
      // The address of lane 0, which may lie before the range.
      float* lane0 = to.y + (range->offset + first - range->begin);
      PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
        if (r < to.rows) hn::BlendedStore(sums[r][v], mask, d, lane0);
        lane0 += to.row_stride;
      }
    }
  }
}

// A tile of kRows x kVectors accumulators. Per term: kVectors loads, kRows broadcasts and
// kRows * kVectors multiply-adds, so tall tiles are bound by the multiply-adds, not by the loads.
template <class D, int kRows, int kVectors, TileForm kForm>
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
  const float* prefetch = args.prefetch;
  const std::int64_t b_stride = args.b_stride;
  const std::int32_t* HWY_RESTRICT b_offsets = args.b_offsets;
  const std::int64_t depth = args.depth;
  for (std::int64_t k = 0; k < depth; ++k) {
    const float* HWY_RESTRICT b_row = kForm == TileForm::shifted ? b + b_offsets[k] : b;
    if (kRows >= kVectors) {  // the shorter side is held in registers
      V columns[kVectors];
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        columns[v] = hn::LoadU(d, b_row + static_cast<std::size_t>(v) * kLanes);
      }
      PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
        const V weight = hn::Set(d, kForm == TileForm::in_place ? a_rows[r][k] : a[r]);
        PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
          sums[r][v] = hn::MulAdd(weight, columns[v], sums[r][v]);
        }
      }
    } else {
      V weights[kRows];
      PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
        weights[r] = hn::Set(d, kForm == TileForm::in_place ? a_rows[r][k] : a[r]);
      }
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        const V column = LoadPinned(d, b_row + static_cast<std::size_t>(v) * kLanes);
        PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
          sums[r][v] = hn::MulAdd(weights[r], column, sums[r][v]);
        }
      }
    }
    if (kForm != TileForm::in_place) a += kRows;
    if (kForm != TileForm::shifted) {
      hwy::Prefetch(prefetch);
      prefetch += b_stride;
      b += b_stride;
    }
  }

  if (args.partial != nullptr) AddPartial(d, args.partial, sums);
  if (args.sums != nullptr) {
    PLAIT_UNROLL for (int r = 0; r < kRows; ++r) {
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        hn::Store(sums[r][v], d, args.sums + static_cast<std::size_t>(r * kVectors + v) * kLanes);
      }
    }
    return;
  }
  const Destination& to = *args.to;
  ApplyEpilogue(d, *args.epilogue, to.rows, sums);
  const StoreRange& range = to.ranges.front();
  if (to.rows == kRows && range.begin == 0 && range.end == kVectors * static_cast<int>(kLanes)) {
    StoreWhole(d, to.y + range.offset, to.row_stride, sums);
  } else {
    StoreRanges(d, to, sums);
  }
}

template <class D, int kRows, int kVectors>
constexpr Tile MakeTile() {
  return {.rows = kRows,
          .cols = kVectors * static_cast<int>(hn::MaxLanes(D())),
          .packed = &RunTile<D, kRows, kVectors, TileForm::packed>,
          .in_place = &RunTile<D, kRows, kVectors, TileForm::in_place>,
          .shifted = &RunTile<D, kRows, kVectors, TileForm::shifted>,
          .store = &StoreRows};
}

// The family: shapes within the register budget (accumulators, the shorter side, and 1 of the
// longer), from tall (few pixels) to flat (few output channels).
using Full = hn::ScalableTag<float>;
#if HWY_TARGET <= HWY_AVX3
using Narrow = hn::CappedTag<float, kNarrowCols>;
constexpr Tile kTiles[] = {MakeTile<Full, 14, 2>(), MakeTile<Full, 8, 3>(),
                           MakeTile<Full, 6, 4>(),  MakeTile<Full, 4, 6>(),
                           MakeTile<Full, 3, 8>(),  MakeTile<Full, 2, 8>(),
                           MakeTile<Full, 1, 8>(),  MakeTile<Narrow, 14, 1>()};
#elif HWY_TARGET == HWY_AVX2
constexpr Tile kTiles[] = {MakeTile<Full, 6, 2>(), MakeTile<Full, 4, 3>(), MakeTile<Full, 3, 4>(),
                           MakeTile<Full, 2, 5>(), MakeTile<Full, 1, 8>(), MakeTile<Full, 12, 1>()};
#else
constexpr Tile kTiles[] = {MakeTile<Full, 6, 2>(), MakeTile<Full, 4, 3>(), MakeTile<Full, 1, 8>()};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
