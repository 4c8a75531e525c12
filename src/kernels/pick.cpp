#include "kernels/pick.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pick.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h: these are compiled once per target.
#include <hwy/highway.h>

#include "kernels/targets-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void PickEverySecond(const float* from, std::int64_t count, float* to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  // Two vectors hold one element more than may be read.
  for (; j + lanes < count; j += lanes) {
    const auto low = hn::LoadU(d, from + 2 * j);
    const auto high = hn::LoadU(d, from + 2 * j + lanes);
    hn::StoreU(hn::ConcatEven(d, high, low), d, to + j);
  }
  for (; j < count; ++j) to[j] = from[2 * j];
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

PickFunction pick_every_second(Target target) {
  return PLAIT_SELECT_TARGET(target, PickEverySecond);
}

}  // namespace plait::kernels
#endif
