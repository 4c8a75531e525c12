// Unrolling of the loops over register tiles. Included once per target.

#if defined(PLAIT_KERNELS_UNROLL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_UNROLL_INL_H_
#undef PLAIT_KERNELS_UNROLL_INL_H_
#else
#define PLAIT_KERNELS_UNROLL_INL_H_
#endif

#include <hwy/highway.h>

// PLAIT_UNROLL: loops over accumulators must be unrolled, because an array indexed by a variable
// lives on the stack. PLAIT_INLINE: functions that take such indices must be inlined. Under
// sanitizers neither is done: compiling their checks unrolled takes minutes.
// PLAIT_ROLL: loops with long bodies stay loops. PLAIT_UNROLL_LONG: unrolled except on EMU128.
// PLAIT_SHARE: parts of many kernels are inlined except on EMU128, whose vectors are arrays that
// compilers take apart lane by lane.
#undef PLAIT_UNROLL
#undef PLAIT_ROLL
#undef PLAIT_UNROLL_LONG
#undef PLAIT_INLINE
#undef PLAIT_SHARE
#ifdef __clang__
#define PLAIT_ROLL _Pragma("clang loop unroll(disable)")
#else
#define PLAIT_ROLL _Pragma("GCC unroll 1")
#endif
#ifdef PLAIT_SANITIZED
#define PLAIT_UNROLL PLAIT_ROLL
#define PLAIT_INLINE inline HWY_NOINLINE
#else
#define PLAIT_UNROLL _Pragma("GCC unroll 32")
#define PLAIT_INLINE HWY_INLINE
#endif
#if HWY_TARGET == HWY_EMU128
#define PLAIT_SHARE inline HWY_NOINLINE
#define PLAIT_UNROLL_LONG PLAIT_ROLL
#else
#define PLAIT_UNROLL_LONG PLAIT_UNROLL
#define PLAIT_SHARE PLAIT_INLINE
#endif

#endif  // include guard per target
