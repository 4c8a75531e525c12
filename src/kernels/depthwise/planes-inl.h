// The bodies of the plane tiles; see planes.hpp for what they compute. Included once per target.

#if defined(PLAIT_KERNELS_PLANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_PLANES_INL_H_
#undef PLAIT_KERNELS_PLANES_INL_H_
#else
#define PLAIT_KERNELS_PLANES_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/depthwise/planes.hpp"
#include "kernels/simd/activate-inl.h"
#include "kernels/simd/first_n-inl.h"
#include "kernels/simd/registers-inl.h"
#include "kernels/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using PlaneTag = hn::ScalableTag<float>;
using PlaneVector = hn::Vec<PlaneTag>;
constexpr std::int64_t kPlaneLanes = static_cast<std::int64_t>(hn::MaxLanes(PlaneTag()));
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3;  // 32 instead of 16

// Adds the bias, applies the activation and stores kVectors vectors of columns of all lines, from
// `column` on and up to args.columns.
template <int kLines, int kVectors>
PLAIT_INLINE void StoreLines(const PlaneArgs& args, std::int64_t column,
                             PlaneVector (&sums)[kLines][kVectors]) {
  const PlaneTag d;
  const bool relu = args.epilogue.relu;
  const bool six = args.epilogue.six;
  if (args.epilogue.bias != nullptr) {
    const PlaneVector bias = hn::Set(d, *args.epilogue.bias);
    PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::Add(sums[i][v], bias);
    }
  }
  if (relu || six) {
    PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
      PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
        sums[i][v] = NotBelowZero(sums[i][v]);
        if (six) sums[i][v] = NotAboveSix(sums[i][v]);
      }
    }
  }
  float* to = args.out + column;
  const std::int64_t rest = args.columns - column;
  const bool whole = rest >= kVectors * kPlaneLanes;
  PLAIT_UNROLL for (int i = 0; i < kLines; ++i, to += args.out_stride) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      if (v + 1 < kVectors || whole) {
        hn::StoreU(sums[i][v], d, to + v * kPlaneLanes);
      } else {
        StoreFirstN(sums[i][v], rest - v * kPlaneLanes, to + v * kPlaneLanes);
      }
    }
  }
}

template <int kLines, int kVectors>
HWY_INLINE void ClearSums(PlaneVector (&sums)[kLines][kVectors]) {
  PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::Zero(PlaneTag());
  }
}

// Sums of finished chunks wait in args.chunk_sums, lane by lane as in the accumulators.
template <int kLines, int kVectors>
PLAIT_INLINE void EndChunk(float* chunk_sums, int i, bool first,
                           PlaneVector (&sums)[kLines][kVectors]) {
  const PlaneTag d;
  PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
    float* at = chunk_sums + (i * kVectors + v) * kPlaneLanes;
    if (!first) sums[i][v] = hn::Add(hn::Load(d, at), sums[i][v]);
    hn::Store(sums[i][v], d, at);
    sums[i][v] = hn::Zero(d);
  }
}

// The sums of the last chunk become those of all.
template <int kLines, int kVectors>
PLAIT_INLINE void AddChunks(const float* chunk_sums, PlaneVector (&sums)[kLines][kVectors]) {
  const PlaneTag d;
  PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
    PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
      const float* at = chunk_sums + (i * kVectors + v) * kPlaneLanes;
      sums[i][v] = hn::Add(hn::Load(d, at), sums[i][v]);
    }
  }
}

// The forms of a tile: each takes kLines x kVectors accumulators through all taps.

// A broadcast for each tap, and a load for every multiply-add.
template <int kLines>
struct TapsForm {
  HWY_INLINE explicit TapsForm(const PlaneArgs& /*args*/) {}

  template <int kVectors>
  HWY_INLINE void Tile(const PlaneArgs& args, std::int64_t column) const {
    const PlaneTag d;
    PlaneVector sums[kLines][kVectors];
    ClearSums(sums);
    const float* plane = args.plane + column;
    const std::int64_t line = args.line_stride;
    const std::int64_t taps = args.k_h * args.k_w;
    for (std::int64_t begin = 0; begin < taps; begin += kChunk) {
      const std::int64_t end = std::min(taps, begin + kChunk);
      for (std::int64_t k = begin; k < end; ++k) {
        const PlaneVector weight = hn::Set(d, args.weights[k]);
        const float* from = plane + args.offsets[k];
        PLAIT_UNROLL for (int i = 0; i < kLines; ++i, from += line) {
          PLAIT_UNROLL for (int v = 0; v < kVectors; ++v) {
            sums[i][v] = hn::MulAdd(weight, hn::LoadU(d, from + v * kPlaneLanes), sums[i][v]);
          }
        }
      }
      if (end == taps) break;
      PLAIT_UNROLL for (int i = 0; i < kLines; ++i) EndChunk(args.chunk_sums, i, begin == 0, sums);
    }
    if (taps > kChunk) AddChunks(args.chunk_sums, sums);
    StoreLines(args, column, sums);
  }
};

// Row r of the plane is row u = r - i of the window of line i, so that all lines share its loads;
// the first and the last rows serve only some lines.
template <int kLines>
struct RowsForm {
  HWY_INLINE explicit RowsForm(const PlaneArgs& /*args*/) {}

  template <int kVectors>
  struct Sums {
    PlaneVector sums[kLines][kVectors];

    // Window columns [v, v_end) of row r, for lines first .. last.
    PLAIT_INLINE void Span(const PlaneArgs& args, int first, int last, const float* row,
                           std::int64_t r, std::int64_t v, std::int64_t v_end) {
      const PlaneTag d;
      const std::int64_t k_w = args.k_w;
      const std::int32_t* HWY_RESTRICT offsets = args.offsets;
      const float* HWY_RESTRICT weights = args.weights + (r - first) * k_w;
      for (; v < v_end; ++v) {
        const float* from = row + offsets[v];
        PlaneVector columns[kVectors];
        PLAIT_UNROLL for (int c = 0; c < kVectors; ++c) {
          columns[c] = LoadPinned(PlaneTag(), from + c * kPlaneLanes);
        }
        PLAIT_UNROLL for (int i = first; i <= last; ++i) {
          const PlaneVector weight = hn::Set(d, weights[v - (i - first) * k_w]);
          PLAIT_UNROLL for (int c = 0; c < kVectors; ++c) {
            sums[i][c] = hn::MulAdd(weight, columns[c], sums[i][c]);
          }
        }
      }
    }

    // `first` and `last` are constants wherever this is inlined.
    PLAIT_INLINE void Row(const PlaneArgs& args, int first, int last, const float* row,
                          std::int64_t r) {
      const bool chunked = args.k_h * args.k_w > kChunk;
      for (std::int64_t v = 0; v < args.k_w;) {
        std::int64_t end = args.k_w;
        if (chunked) {
          PLAIT_UNROLL for (int i = first; i <= last; ++i) {
            const std::int64_t tap = (r - i) * args.k_w + v;
            if (tap > 0 && tap % kChunk == 0) EndChunk(args.chunk_sums, i, tap == kChunk, sums);
            end = std::min(end, v + kChunk - tap % kChunk);
          }
        }
        Span(args, first, last, row, r, v, end);
        v = end;
      }
    }

    template <int kRow>
    HWY_INLINE void FirstRows(const PlaneArgs& args, const float* plane) {
      if constexpr (kRow + 1 < kLines) {
        Row(args, 0, kRow, plane + kRow * args.row_stride, kRow);
        FirstRows<kRow + 1>(args, plane);
      }
    }
    template <int kFirst>
    HWY_INLINE void LastRows(const PlaneArgs& args, const float* plane) {
      if constexpr (kFirst < kLines) {
        const std::int64_t r = args.k_h - 1 + kFirst;
        Row(args, kFirst, kLines - 1, plane + r * args.row_stride, r);
        LastRows<kFirst + 1>(args, plane);
      }
    }
  };

  template <int kVectors>
  HWY_INLINE void Tile(const PlaneArgs& args, std::int64_t column) const {
    Sums<kVectors> tile;
    ClearSums(tile.sums);
    const float* plane = args.plane + column;
    tile.template FirstRows<0>(args, plane);
    const float* row = plane + (kLines - 1) * args.row_stride;
    for (std::int64_t r = kLines - 1; r < args.k_h; ++r, row += args.row_stride) {
      tile.Row(args, 0, kLines - 1, row, r);
    }
    tile.template LastRows<1>(args, plane);
    if (args.k_h * args.k_w > kChunk) AddChunks(args.chunk_sums, tile.sums);
    StoreLines(args, column, tile.sums);
  }
};

// A window of kSize x kSize at strides of kStride, unrolled; its weights stay in registers where
// there are enough.
template <int kSize, int kStride, int kLines, bool kKeep>
struct FixedForm {
  HWY_INLINE explicit FixedForm(const PlaneArgs& args) {
    if (!kKeep) return;
    PLAIT_UNROLL for (int k = 0; k < kSize * kSize; ++k) {
      kept[k] = hn::Set(PlaneTag(), args.weights[k]);
    }
  }

  template <int kVectors>
  HWY_INLINE void Tile(const PlaneArgs& args, std::int64_t column) const {
    PlaneVector sums[kLines][kVectors];
    ClearSums(sums);
    const float* weights = args.weights;
    const float* row = args.plane + column;
    const std::int64_t row_stride = args.row_stride;
    const std::int64_t phase_stride = args.phase_stride;
    PLAIT_UNROLL_LONG for (int r = 0; r < (kLines - 1) * kStride + kSize; ++r, row += row_stride) {
      // Hides from the compiler that these are the weights of the rows before: it would keep those
      // on the stack.
      if (!kKeep) asm volatile("" : "+r"(weights));
      PLAIT_UNROLL for (int v = 0; v < kSize; ++v) {
        const float* from = row + v % kStride * phase_stride + v / kStride;
        PlaneVector columns[kVectors];
        PLAIT_UNROLL for (int c = 0; c < kVectors; ++c) {
          columns[c] = LoadPinned(PlaneTag(), from + c * kPlaneLanes);
        }
        PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
          const int u = r - i * kStride;
          if (u < 0 || u >= kSize) continue;
          const int k = u * kSize + v;
          const PlaneVector weight = kKeep ? kept[k] : hn::Set(PlaneTag(), weights[k]);
          PLAIT_UNROLL for (int c = 0; c < kVectors; ++c) {
            sums[i][c] = hn::MulAdd(weight, columns[c], sums[i][c]);
            // Without a fused multiply-add, GCC 12 would do all additions at the end of the tile
            // and keep the products on the stack until then.
            if (HWY_TARGET == HWY_SSE4) Pin(sums[i][c]);
          }
        }
      }
    }
    StoreLines(args, column, sums);
  }

  PlaneVector kept[kKeep ? kSize * kSize : 1];
};

// All columns: kVectors vectors at a time, the rest with half as many, and so on.
template <class Form, int kVectors>
HWY_INLINE void RunColumns(const Form& form, const PlaneArgs& args, std::int64_t& column) {
  for (; column + (kVectors - 1) * kPlaneLanes < args.columns; column += kVectors * kPlaneLanes) {
    form.template Tile<kVectors>(args, column);
  }
  if constexpr (kVectors > 1) RunColumns<Form, kVectors / 2>(form, args, column);
}

template <class Form, int kLines, int kVectors>
HWY_NOINLINE std::int64_t RunLines(const PlaneArgs& given) {
  const PlaneArgs args = given;  // a copy: stores cannot change it
  const Form form(args);
  std::int64_t column = 0;
  RunColumns<Form, kVectors>(form, args, column);
  return column * kLines * args.k_h * args.k_w;
}

template <int kLines, int kVectors>
constexpr PlaneTile MakeTaps() {
  return {PlaneForm::taps, 0, 1, kLines, kVectors, &RunLines<TapsForm<kLines>, kLines, kVectors>};
}
template <int kLines, int kVectors>
constexpr PlaneTile MakeRows() {
  return {PlaneForm::rows, 0, 1, kLines, kVectors, &RunLines<RowsForm<kLines>, kLines, kVectors>};
}
template <int kSize, int kStride, int kLines, int kVectors>
constexpr PlaneTile MakeFixed() {
  constexpr bool kKeep = kManyRegisters && kSize == 3;
  return {PlaneForm::fixed, kSize,
          kStride,          kLines,
          kVectors,         &RunLines<FixedForm<kSize, kStride, kLines, kKeep>, kLines, kVectors>};
}

// The family. Accumulators, kVectors loads and a weight must fit the registers.
#if HWY_TARGET <= HWY_AVX3
constexpr int kWide = 4;
#else
constexpr int kWide = 2;
#endif
constexpr PlaneTile kPlaneTiles[] = {MakeTaps<4, 2>(),
                                     MakeTaps<2, 2>(),
                                     MakeTaps<1, 2>(),
                                     MakeTaps<1, 8>(),

                                     MakeRows<6, kWide>(),
                                     MakeRows<4, kWide>(),
                                     MakeRows<2, kWide>(),
                                     MakeRows<1, kWide>(),

                                     MakeFixed<3, 1, 7, 1>(),
                                     MakeFixed<3, 1, 4, 1>(),
                                     MakeFixed<3, 1, 2, 1>(),
                                     MakeFixed<3, 1, 1, 1>(),

                                     MakeFixed<3, 1, 4, 2>(),
                                     MakeFixed<3, 1, 2, 2>(),
                                     MakeFixed<3, 1, 1, 2>(),

                                     MakeFixed<3, 2, 4, 1>(),
                                     MakeFixed<3, 2, 2, 1>(),
                                     MakeFixed<3, 2, 1, 1>(),

                                     MakeFixed<3, 2, 4, 2>(),
                                     MakeFixed<3, 2, 2, 2>(),
                                     MakeFixed<3, 2, 1, 2>(),

                                     MakeFixed<5, 1, 4, kWide>(),
                                     MakeFixed<5, 1, 2, kWide>(),
                                     MakeFixed<5, 1, 1, kWide>(),

                                     MakeFixed<5, 2, 4, 2>(),
                                     MakeFixed<5, 2, 2, 2>(),
                                     MakeFixed<5, 2, 1, 2>()};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
