// Choosing a compiled target by name. Highway's own dispatch picks one target per process; a plan
// picks its own, so that tests can run all of them side by side.

#if defined(PLAIT_KERNELS_TARGETS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_TARGETS_INL_H_
#undef PLAIT_KERNELS_TARGETS_INL_H_
#else
#define PLAIT_KERNELS_TARGETS_INL_H_
#endif

#include <hwy/highway.h>

#include <plait/error.hpp>
#include <plait/machine.hpp>

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr Target CompiledTarget() {
#if HWY_TARGET == HWY_AVX3
  return Target::avx3;
#elif HWY_TARGET == HWY_AVX2
  return Target::avx2;
#elif HWY_TARGET == HWY_SSE4
  return Target::sse4;
#elif HWY_TARGET == HWY_EMU128
  return Target::emu128;
#else
#error "a Highway target without a plait::Target"
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

// The address of `function` as compiled for `target`, or for EMU128 where the build leaves that out
// (PLAIT_TARGETS in src/CMakeLists.txt); valid under HWY_ONCE.
#ifndef PLAIT_SELECT_TARGET
#if HWY_TARGETS & HWY_AVX3
#define PLAIT_OF_AVX3(function) &N_AVX3::function
#else
#define PLAIT_OF_AVX3(function) &N_EMU128::function
#endif
#if HWY_TARGETS & HWY_AVX2
#define PLAIT_OF_AVX2(function) &N_AVX2::function
#else
#define PLAIT_OF_AVX2(function) &N_EMU128::function
#endif
#if HWY_TARGETS & HWY_SSE4
#define PLAIT_OF_SSE4(function) &N_SSE4::function
#else
#define PLAIT_OF_SSE4(function) &N_EMU128::function
#endif
#define PLAIT_SELECT_TARGET(target, function)           \
  ((target) == Target::avx3   ? PLAIT_OF_AVX3(function) \
   : (target) == Target::avx2 ? PLAIT_OF_AVX2(function) \
   : (target) == Target::sse4 ? PLAIT_OF_SSE4(function) \
                              : &N_EMU128::function)
#endif

#endif  // include guard per target
