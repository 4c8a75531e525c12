#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise/planes.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/depthwise/plane_rows-inl.h"
#include "kernels/depthwise/planes-inl.h"
#include "kernels/simd/targets-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr PlaneKernels kPlaneSet{CompiledTarget(), static_cast<int>(kPlaneLanes),
                                 kPlaneTiles,      &CopyRows,
                                 &SplitRows,       &ApplyRowEpilogue};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

const PlaneKernels& plane_kernels(Target target) { return *PLAIT_SELECT_TARGET(target, kPlaneSet); }

}  // namespace plait::kernels
#endif
