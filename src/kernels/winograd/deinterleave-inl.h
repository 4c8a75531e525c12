// Deinterleaves rows of pixels into the columns of Winograd's tiles. Included once per target.

#if defined(PLAIT_KERNELS_DEINTERLEAVE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_DEINTERLEAVE_INL_H_
#undef PLAIT_KERNELS_DEINTERLEAVE_INL_H_
#else
#define PLAIT_KERNELS_DEINTERLEAVE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"
#include "kernels/simd/unroll-inl.h"
#include "kernels/winograd/magnitudes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Loads a vector of a row from `position` on, with `outside` before 0 and from `width` on. Its mask
// does not depend on the row, and is made once for all rows.
class RowVector {
 public:
  RowVector() = default;
  HWY_INLINE RowVector(std::int64_t position, std::int64_t width) : position_(position) {
    begin_ = std::clamp<std::int64_t>(-position, 0, kFloatLanes);
    end_ = std::clamp<std::int64_t>(width - position, begin_, kFloatLanes);
#if HWY_TARGET <= HWY_AVX2
    const hn::Rebind<std::int32_t, FloatTag> di;
    const auto lane = hn::Iota(di, 0);
    const auto inside = hn::And(hn::Gt(lane, hn::Set(di, static_cast<std::int32_t>(begin_ - 1))),
                                hn::Lt(lane, hn::Set(di, static_cast<std::int32_t>(end_))));
    mask_ = hn::RebindMask(FloatTag(), inside);
#endif
  }

  HWY_INLINE FloatVector Load(const float* row, FloatVector outside) const {
    const FloatTag d;
#if HWY_TARGET <= HWY_AVX2
    return hn::IfThenElse(mask_, hn::MaskedLoad(mask_, d, row + position_), outside);
#else
    HWY_ALIGN float lanes[kFloatLanes];
    hn::Store(outside, d, lanes);
    for (std::int64_t i = begin_; i < end_; ++i) lanes[i] = row[position_ + i];
    return hn::Load(d, lanes);
#endif
  }

 private:
  std::int64_t position_ = 0;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
#if HWY_TARGET <= HWY_AVX2
  hn::Mask<FloatTag> mask_;
#endif
};

#if HWY_TARGET <= HWY_AVX3
// Every third lane of three vectors, by two permutations of two vectors, which Highway 1.0 lacks.
struct ThirdLanes {
  alignas(64) std::int32_t of_first[3][16];
  alignas(64) std::int32_t of_last[3][16];
};
constexpr ThirdLanes kThirdLanes = [] {
  ThirdLanes lanes{};
  for (int p = 0; p < 3; ++p) {
    for (int i = 0; i < 16; ++i) {
      const int from = 3 * i + p;
      lanes.of_first[p][i] = from < 32 ? from : 0;
      lanes.of_last[p][i] = from < 32 ? i : 16 + from - 32;
    }
  }
  return lanes;
}();

HWY_INLINE FloatVector EveryThird(const FloatVector (&in)[3], int p) {
  const __m512i first = _mm512_load_si512(kThirdLanes.of_first[p]);
  const __m512i last = _mm512_load_si512(kThirdLanes.of_last[p]);
  const __m512 both = _mm512_permutex2var_ps(in[0].raw, first, in[1].raw);
  return FloatVector{_mm512_permutex2var_ps(both, last, in[2].raw)};
}
#endif

// Deinterleaves kStep vectors side by side: out[i] has every kStep-th element from element i on.
template <int kStep>
HWY_INLINE void EveryNth(const FloatVector (&in)[kStep], FloatVector (&out)[kStep]) {
  const FloatTag d;
  if constexpr (kStep == 1) {
    out[0] = in[0];
  } else if constexpr (kStep == 2) {
    out[0] = hn::ConcatEven(d, in[1], in[0]);
    out[1] = hn::ConcatOdd(d, in[1], in[0]);
  } else if constexpr (kStep % 2 == 0) {
    FloatVector even[kStep / 2];
    FloatVector odd[kStep / 2];
    PLAIT_UNROLL for (int i = 0; i < kStep / 2; ++i) {
      even[i] = hn::ConcatEven(d, in[2 * i + 1], in[2 * i]);
      odd[i] = hn::ConcatOdd(d, in[2 * i + 1], in[2 * i]);
    }
    FloatVector of_even[kStep / 2];
    FloatVector of_odd[kStep / 2];
    EveryNth<kStep / 2>(even, of_even);
    EveryNth<kStep / 2>(odd, of_odd);
    PLAIT_UNROLL for (int i = 0; i < kStep / 2; ++i) {
      out[2 * i] = of_even[i];
      out[2 * i + 1] = of_odd[i];
    }
  } else {
#if HWY_TARGET <= HWY_AVX3
    if constexpr (kStep == 3) {
      PLAIT_UNROLL for (int p = 0; p < 3; ++p) out[p] = EveryThird(in, p);
      return;
    }
#endif
    HWY_ALIGN float lanes[kStep * kFloatLanes];
    HWY_ALIGN float every_nth[kFloatLanes];
    PLAIT_UNROLL for (int i = 0; i < kStep; ++i) hn::Store(in[i], d, lanes + i * kFloatLanes);
    for (int p = 0; p < kStep; ++p) {
      for (std::int64_t i = 0; i < kFloatLanes; ++i) every_nth[i] = lanes[i * kStep + p];
      out[p] = hn::Load(d, every_nth);
    }
  }
}

// A row of a channel and of the next one.
struct RowsOfTwo {
  const float* at[2];
};
struct PlacesOfTwo {
  float* at[2];
};

// Deinterleaves rows of the input into the columns of tiles: row v of `to` has input v of every
// tile of one row of tiles. Values written beyond the last tile are overwritten by the next row of
// tiles; nothing in front of the first one changes.
template <class F>
class Deinterleaver {
 public:
  // For rows of `width` pixels, read from position `first` on, and so many tiles.
  PLAIT_SHARE Deinterleaver(std::int64_t first, std::int64_t width, std::int64_t tiles,
                            float outside, std::int64_t pitch)
      : first_(first), width_(width), tiles_(tiles), pitch_(pitch) {
    outside_ = hn::Set(FloatTag(), outside);
    PLAIT_UNROLL for (int i = 0; i < kM; ++i) {
      first_vectors_[i] = RowVector(first + i * kFloatLanes, width);
    }
  }

  // Deinterleaves the same row of two channels, each to its own place. `largest` becomes the larger
  // magnitudes of both, or is raised to them. Two channels share a pass because the magnitudes and
  // the deinterleaved rows do not fit L1 together.
  PLAIT_SHARE void Deinterleave(const RowsOfTwo& rows, const PlacesOfTwo& to, std::int32_t* largest,
                                bool raises) const {
    float kept[2][kT][kShifts + 1];
    PLAIT_UNROLL for (int c = 0; c < 2; ++c) {
      PLAIT_UNROLL for (int v = kM; v < kT; ++v) {
        PLAIT_UNROLL for (int s = 1; s <= v / kM; ++s) {
          kept[c][v][s - 1] = to.at[c][v * pitch_ - s];
        }
      }
    }
    FloatVector in[2][kM];
    PLAIT_UNROLL for (int c = 0; c < 2; ++c) {
      PLAIT_UNROLL for (int i = 0; i < kM; ++i) {
        in[c][i] = first_vectors_[i].Load(rows.at[c], outside_);
      }
    }
    const std::int64_t columns = tiles_ * kM + F::kR - 1;
    SetOrRaise(in, columns, largest, raises);
    Store(in[0], to.at[0]);
    Store(in[1], to.at[1]);
    for (std::int64_t b = kFloatLanes; b < tiles_ + kShifts; b += kFloatLanes) {
      const std::int64_t position = first_ + b * kM;
      const bool whole = position >= 0 && position + kM * kFloatLanes <= width_;
      PLAIT_UNROLL for (int i = 0; i < kM; ++i) {
        const std::int64_t at = position + i * kFloatLanes;
        if (whole) {
          in[0][i] = hn::LoadU(FloatTag(), rows.at[0] + at);
          in[1][i] = hn::LoadU(FloatTag(), rows.at[1] + at);
        } else {
          const RowVector part(at, width_);
          in[0][i] = part.Load(rows.at[0], outside_);
          in[1][i] = part.Load(rows.at[1], outside_);
        }
      }
      SetOrRaise(in, columns - b * kM, largest + b * kM, raises);
      Store(in[0], to.at[0] + b);
      Store(in[1], to.at[1] + b);
    }
    PLAIT_UNROLL for (int c = 0; c < 2; ++c) {
      PLAIT_UNROLL for (int v = kM; v < kT; ++v) {
        PLAIT_UNROLL for (int s = 1; s <= v / kM; ++s) {
          to.at[c][v * pitch_ - s] = kept[c][v][s - 1];
        }
      }
    }
  }

  // Writes a row that lies outside the image.
  PLAIT_SHARE void FillOutside(float* to) const {
    for (std::int64_t b = 0; b < tiles_; b += kFloatLanes) {
      PLAIT_UNROLL for (int v = 0; v < kT; ++v) {
        hn::StoreU(outside_, FloatTag(), to + v * pitch_ + b);
      }
    }
  }

 private:
  static constexpr int kM = F::kM;
  static constexpr int kT = F::kT;
  static constexpr int kShifts = (kT - 1) / kM;

  HWY_INLINE void Store(const FloatVector (&in)[kM], float* to) const {
    FloatVector out[kM];
    EveryNth<kM>(in, out);
    PLAIT_UNROLL for (int v = 0; v < kT; ++v) {
      hn::StoreU(out[v % kM], FloatTag(), to + v * pitch_ - v / kM);
    }
  }

  // Of the first `columns` columns.
  static HWY_INLINE void SetOrRaise(const FloatVector (&in)[2][kM], std::int64_t columns,
                                    std::int32_t* largest, bool raises) {
    const BitsTag d;
    PLAIT_UNROLL for (int i = 0; i < kM; ++i) {
      if (i * kFloatLanes >= columns) break;
      BitsVector magnitude = hn::Max(MagnitudeOf(in[0][i]), MagnitudeOf(in[1][i]));
      std::int32_t* const at = largest + i * kFloatLanes;
      if (raises) magnitude = hn::Max(magnitude, hn::Load(d, at));
      hn::Store(magnitude, d, at);
    }
  }

  std::int64_t first_, width_, tiles_, pitch_;
  FloatVector outside_;
  RowVector first_vectors_[kM];
};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
