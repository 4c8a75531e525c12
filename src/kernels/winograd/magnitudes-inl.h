// Magnitudes of vectors (magnitudes.hpp). Included once per target.

#if defined(PLAIT_KERNELS_MAGNITUDES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_MAGNITUDES_INL_H_
#undef PLAIT_KERNELS_MAGNITUDES_INL_H_
#else
#define PLAIT_KERNELS_MAGNITUDES_INL_H_
#endif

#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using BitsTag = hn::RebindToSigned<FloatTag>;
using BitsVector = hn::Vec<BitsTag>;

constexpr std::int64_t kFloatLanes = static_cast<std::int64_t>(hn::MaxLanes(FloatTag()));

HWY_INLINE BitsVector MagnitudeOf(FloatVector value) {
  const BitsTag d;
  return hn::And(hn::BitCast(d, value), hn::Set(d, 0x7FFFFFFF));
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
