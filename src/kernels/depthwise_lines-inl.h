// Lines on their way into a plane and out of the tiles; see depthwise.hpp. Included once per
// target.

#if defined(PLAIT_KERNELS_DEPTHWISE_LINES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_DEPTHWISE_LINES_INL_H_
#undef PLAIT_KERNELS_DEPTHWISE_LINES_INL_H_
#else
#define PLAIT_KERNELS_DEPTHWISE_LINES_INL_H_
#endif

#include <cstdint>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "kernels/depthwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// What stands before and after a row of `count` floats. The lanes of its last vector behind it are
// zero already.
HWY_INLINE void StoreAround(PlaneVector value, bool zero, float* to, std::int64_t before,
                            std::int64_t count, std::int64_t after) {
  const PlaneTag d;
  for (std::int64_t j = -before; j < 0; j += kPlaneLanes) {
    hn::StoreU(value, d, to + std::min(j, -kPlaneLanes));
  }
  std::int64_t j = zero ? (count + kPlaneLanes - 1) / kPlaneLanes * kPlaneLanes : count;
  for (; j < count + after; j += kPlaneLanes) hn::StoreU(value, d, to + j);
}

void CopyRows(const PlaneRows& given) {
  const PlaneTag d;
  const PlaneRows rows = given;  // a copy: what is stored cannot change it
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
    if (j < count) hn::StoreU(LoadPart(from + j, count - j), d, to + j);
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
      const PlaneVector low = LoadPart(from + 2 * j, std::min(rest, kPlaneLanes));
      const PlaneVector high = rest > kPlaneLanes
                                   ? LoadPart(from + 2 * j + kPlaneLanes, rest - kPlaneLanes)
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

// The transcendental activations in f64, rounded once: near 0, where sums have next to no error of
// their own, an error bound leaves them half an ulp.
using DoubleTag = hn::Repartition<double, PlaneTag>;
using HalfTag = hn::Rebind<float, DoubleTag>;
using DoubleVector = hn::Vec<DoubleTag>;

// 1 / (1 + exp(-v)).
HWY_INLINE DoubleVector Sigmoid(DoubleTag d, DoubleVector value) {
  const DoubleVector one = hn::Set(d, 1.0);
  // Beyond, the result is that at the limit, to f32.
  const DoubleVector limit = hn::Set(d, 200.0);
  const DoubleVector clamped = hn::Max(hn::Neg(limit), hn::Min(value, limit));
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(clamped))));
}

// (1 - e) / (1 + e) with e = exp(-2 |v|); where that cancels, v itself: v (1 - v^2 / 3 ...).
HWY_INLINE DoubleVector Tanh(DoubleTag d, DoubleVector value) {
  const DoubleVector one = hn::Set(d, 1.0);
  const DoubleVector size = hn::Min(hn::Abs(value), hn::Set(d, 30.0));
  const DoubleVector power = hn::Exp(d, hn::Mul(hn::Set(d, -2.0), size));
  const DoubleVector large = hn::CopySign(hn::Div(hn::Sub(one, power), hn::Add(one, power)), value);
  const DoubleVector cube = hn::Mul(hn::Mul(value, value), value);
  const DoubleVector small = hn::Sub(value, hn::Mul(cube, hn::Set(d, 1.0 / 3)));
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, 0x1p-11)), small, large);
}

HWY_INLINE DoubleVector InDouble(DoubleTag d, Curve curve, DoubleVector value) {
  DoubleVector result = value;
  if (curve == Curve::tanh) {
    result = Tanh(d, value);
  } else {
    result = Sigmoid(d, value);
    // An infinite factor meets the limit of the other: 0 below.
    if (curve == Curve::silu) {
      const DoubleVector factor =
          hn::IfThenElse(hn::Lt(value, hn::Set(d, -0x1p1023)), hn::Zero(d), result);
      result = hn::Mul(value, factor);
    }
  }
  return hn::IfThenElse(hn::Eq(value, value), result, value);
}

HWY_INLINE PlaneVector Transcendental(Curve curve, PlaneVector value) {
  const PlaneTag d;
  const DoubleTag d64;
  const HalfTag half;
  const auto low = InDouble(d64, curve, hn::PromoteTo(d64, hn::LowerHalf(half, value)));
  const auto high = InDouble(d64, curve, hn::PromoteTo(d64, hn::UpperHalf(half, value)));
  const PlaneVector result = hn::Combine(d, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
  // Of EMU128, DemoteTo makes the largest f32 of infinity.
  if (curve != Curve::silu) return result;
  return hn::IfThenElse(hn::Gt(value, hn::Set(d, 100.0F)), value, result);
}

HWY_INLINE PlaneVector OnCurve(const LineFinish& finish, PlaneVector value) {
  const PlaneTag d;
  switch (finish.curve) {
    case Curve::none:
      return value;
    case Curve::relu:
      return NotBelowZero(value);
    case Curve::relu6:
      return NotAboveSix(NotBelowZero(value));
    case Curve::leaky: {
      const PlaneVector slope = hn::Set(d, finish.slope);
      return hn::IfThenElse(hn::Lt(value, hn::Zero(d)), hn::Mul(slope, value), value);
    }
    case Curve::hswish: {
      const PlaneVector part = NotAboveSix(NotBelowZero(hn::Add(value, hn::Set(d, 3.0F))));
      return hn::Mul(value, hn::Div(part, hn::Set(d, 6.0F)));
    }
    default:
      return Transcendental(finish.curve, value);
  }
}

void FinishLine(const LineFinish& finish, float* line, std::int64_t count) {
  const float* const residual = finish.residual;
  const PlaneTag d;
  for (std::int64_t j = 0; j < count; j += kPlaneLanes) {
    const std::int64_t rest = count - j;
    const bool whole = rest >= kPlaneLanes;
    PlaneVector value = whole ? hn::LoadU(d, line + j) : LoadPart(line + j, rest);
    if (residual != nullptr) {
      value = hn::Add(value, whole ? hn::LoadU(d, residual + j) : LoadPart(residual + j, rest));
    }
    value = OnCurve(finish, value);
    if (whole) {
      hn::StoreU(value, d, line + j);
    } else {
      StorePart(value, rest, line + j);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
