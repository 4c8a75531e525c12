// Rows on their way into a plane and out of the tiles; see planes.hpp. Included once per target.

#if defined(PLAIT_KERNELS_PLANE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_PLANE_ROWS_INL_H_
#undef PLAIT_KERNELS_PLANE_ROWS_INL_H_
#else
#define PLAIT_KERNELS_PLANE_ROWS_INL_H_
#endif

#include <cstdint>

#include <hwy/highway.h>

#include "core/integers.hpp"
#include "kernels/depthwise/planes-inl.h"
#include "kernels/simd/activate-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Stores the padding before and after a row of `count` floats. The lanes of its last vector behind
// the row are zero already.
HWY_INLINE void StoreAround(PlaneVector value, bool zero, float* to, std::int64_t before,
                            std::int64_t count, std::int64_t after) {
  const PlaneTag d;
  for (std::int64_t j = -before; j < 0; j += kPlaneLanes) {
    hn::StoreU(value, d, to + std::min(j, -kPlaneLanes));
  }
  std::int64_t j = zero ? round_up(count, kPlaneLanes) : count;
  for (; j < count + after; j += kPlaneLanes) hn::StoreU(value, d, to + j);
}

void CopyRows(const PlaneRows& given) {
  const PlaneTag d;
  const PlaneRows rows = given;  // a copy: stores cannot change it
  const PlaneVector value = hn::Set(d, rows.value);
  const bool zero = rows.value == 0;
  const float* from = rows.from;
  float* to = rows.to;
  const std::int64_t count = rows.count;
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    std::int64_t j = 0;
    for (; j + kPlaneLanes <= count; j += kPlaneLanes) {
      hn::StoreU(hn::LoadU(d, from + j), d, to + j);
    }
    if (j < count) hn::StoreU(LoadFirstN(from + j, count - j), d, to + j);
    StoreAround(value, zero, to, rows.before, count, rows.after);
    from += rows.from_stride;
    to += rows.to_stride;
  }
}

void SplitRows(const PlaneRows& given, const OddColumns& given_odd) {
  const PlaneTag d;
  const PlaneRows rows = given;
  const OddColumns odd = given_odd;
  const PlaneVector value = hn::Set(d, rows.value);
  const bool zero = rows.value == 0;
  const float* from = rows.from;
  float* to_even = rows.to;
  float* to_odd = odd.to;
  const std::int64_t count = rows.count;
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    std::int64_t j = 0;
    for (; 2 * (j + kPlaneLanes) <= count; j += kPlaneLanes) {
      const PlaneVector low = hn::LoadU(d, from + 2 * j);
      const PlaneVector high = hn::LoadU(d, from + 2 * j + kPlaneLanes);
      hn::StoreU(hn::ConcatEven(d, high, low), d, to_even + j);
      hn::StoreU(hn::ConcatOdd(d, high, low), d, to_odd + j);
    }
    const std::int64_t rest = count - 2 * j;
    if (rest > 0) {
      const PlaneVector low = LoadFirstN(from + 2 * j, std::min(rest, kPlaneLanes));
      const PlaneVector high = rest > kPlaneLanes
                                   ? LoadFirstN(from + 2 * j + kPlaneLanes, rest - kPlaneLanes)
                                   : hn::Zero(d);
      hn::StoreU(hn::ConcatEven(d, high, low), d, to_even + j);
      hn::StoreU(hn::ConcatOdd(d, high, low), d, to_odd + j);
    }
    StoreAround(value, zero, to_even, rows.before, (count + 1) / 2, rows.after);
    StoreAround(value, zero, to_odd, odd.before, count / 2, odd.after);
    from += rows.from_stride;
    to_even += rows.to_stride;
    to_odd += rows.to_stride;
  }
}

void ApplyRowEpilogue(const RowEpilogue& epilogue, float* row, std::int64_t count) {
  // Copies: stores cannot change them.
  const float* const residual = epilogue.residual;
  const ActivationKind activation = epilogue.activation;
  const float slope = epilogue.slope;
  const PlaneTag d;
  for (std::int64_t j = 0; j < count; j += kPlaneLanes) {
    const std::int64_t rest = count - j;
    const bool whole = rest >= kPlaneLanes;
    PlaneVector value = whole ? hn::LoadU(d, row + j) : LoadFirstN(row + j, rest);
    if (residual != nullptr) {
      value = hn::Add(value, whole ? hn::LoadU(d, residual + j) : LoadFirstN(residual + j, rest));
    }
    value = Activate(activation, slope, value);
    if (whole) {
      hn::StoreU(value, d, row + j);
    } else {
      StoreFirstN(value, rest, row + j);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
