// Activations of a vector. Included once per target.

#if defined(PLAIT_KERNELS_ACTIVATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_ACTIVATE_INL_H_
#undef PLAIT_KERNELS_ACTIVATE_INL_H_
#else
#define PLAIT_KERNELS_ACTIVATE_INL_H_
#endif

#include <limits>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <plait/activation.hpp>
#include "kernels/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;

// Comparisons with NaN are false: NaN stays.
HWY_INLINE FloatVector NotBelowZero(FloatVector value) {
  const FloatVector zero = hn::Zero(FloatTag());
  return hn::IfThenElse(hn::Lt(value, zero), zero, value);
}
HWY_INLINE FloatVector NotAboveSix(FloatVector value) {
  const FloatVector six = hn::Set(FloatTag(), 6.0F);
  return hn::IfThenElse(hn::Gt(value, six), six, value);
}

// At -inf a factor that has become 0 would make NaN. The limit is -0, as of the lowest finite
// value.
constexpr float kLowest = std::numeric_limits<float>::lowest();
HWY_INLINE FloatVector NotBelowFinite(FloatVector value) {
  return hn::Max(value, hn::Set(FloatTag(), kLowest));
}

// The transcendental activations in f64, rounded once: near 0, where sums have next to no error of
// their own, an error bound leaves them half an ulp.
using DoubleTag = hn::Repartition<double, FloatTag>;
using HalfTag = hn::Rebind<float, DoubleTag>;
using DoubleVector = hn::Vec<DoubleTag>;

PLAIT_SHARE DoubleVector Exponential(DoubleTag d, DoubleVector value) { return hn::Exp(d, value); }

constexpr double kFarOut = 200;  // beyond, the result is that at the limit, to f32

// 1 / (1 + exp(-v)).
HWY_INLINE DoubleVector Sigmoid(DoubleTag d, DoubleVector value) {
  const DoubleVector one = hn::Set(d, 1.0);
  const DoubleVector limit = hn::Set(d, kFarOut);
  const DoubleVector clamped = hn::Max(hn::Neg(limit), hn::Min(value, limit));
  return hn::Div(one, hn::Add(one, Exponential(d, hn::Neg(clamped))));
}

// (1 - e) / (1 + e) with e = exp(-2 |v|); where that cancels, v itself: v (1 - v^2 / 3 ...).
HWY_INLINE DoubleVector Tanh(DoubleTag d, DoubleVector value) {
  const DoubleVector one = hn::Set(d, 1.0);
  const DoubleVector size = hn::Min(hn::Abs(value), hn::Set(d, 30.0));
  const DoubleVector power = Exponential(d, hn::Mul(hn::Set(d, -2.0), size));
  const DoubleVector large = hn::CopySign(hn::Div(hn::Sub(one, power), hn::Add(one, power)), value);
  const DoubleVector cube = hn::Mul(hn::Mul(value, value), value);
  const DoubleVector small = hn::Sub(value, hn::Mul(cube, hn::Set(d, 1.0 / 3)));
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, 0x1p-11)), small, large);
}

PLAIT_SHARE DoubleVector InDouble(DoubleTag d, ActivationKind activation, DoubleVector value) {
  DoubleVector result = value;
  if (activation == ActivationKind::tanh) {
    result = Tanh(d, value);
  } else {
    result = Sigmoid(d, value);
    if (activation == ActivationKind::silu)
      result = hn::Mul(hn::Max(value, hn::Set(d, -kFarOut)), result);
  }
  return hn::IfThenElse(hn::Eq(value, value), result, value);
}

PLAIT_SHARE FloatVector Transcendental(ActivationKind activation, FloatVector value) {
  const FloatTag d;
  const DoubleTag d64;
  const HalfTag half;
  const auto low = InDouble(d64, activation, hn::PromoteTo(d64, hn::LowerHalf(half, value)));
  const auto high = InDouble(d64, activation, hn::PromoteTo(d64, hn::UpperHalf(half, value)));
  const FloatVector result = hn::Combine(d, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
  // On EMU128, DemoteTo makes the largest f32 of infinity.
  if (activation != ActivationKind::silu) return result;
  return hn::IfThenElse(hn::Gt(value, hn::Set(d, 100.0F)), value, result);
}

HWY_INLINE FloatVector Activate(ActivationKind activation, float slope, FloatVector value) {
  const FloatTag d;
  switch (activation) {
    case ActivationKind::none:
      return value;
    case ActivationKind::relu:
      return NotBelowZero(value);
    case ActivationKind::relu6:
      return NotAboveSix(NotBelowZero(value));
    case ActivationKind::leaky: {
      const float least = slope == 0 ? kLowest : -std::numeric_limits<float>::infinity();
      const FloatVector below = hn::Max(value, hn::Set(d, least));
      return hn::IfThenElse(hn::Lt(value, hn::Zero(d)), hn::Mul(hn::Set(d, slope), below), value);
    }
    case ActivationKind::hswish: {
      const FloatVector part = NotAboveSix(NotBelowZero(hn::Add(value, hn::Set(d, 3.0F))));
      return hn::Mul(NotBelowFinite(value), hn::Div(part, hn::Set(d, 6.0F)));
    }
    default:
      return Transcendental(activation, value);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
