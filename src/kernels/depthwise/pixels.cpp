#include "kernels/depthwise/pixels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise/pixels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/depthwise/pixels-inl.h"
#include "kernels/simd/targets-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr PixelKernels kPixelSet{CompiledTarget(), static_cast<int>(kPlaneLanes), &CopyPixels,
                                 kPixelTiles};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

const PixelKernels& pixel_kernels(Target target) { return *PLAIT_SELECT_TARGET(target, kPixelSet); }

}  // namespace plait::kernels
#endif
