// Unrolling of the loops over register tiles. Included once per target.

#if defined(PLAIT_KERNELS_UNROLL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_UNROLL_INL_H_
#undef PLAIT_KERNELS_UNROLL_INL_H_
#else
#define PLAIT_KERNELS_UNROLL_INL_H_
#endif

#include <hwy/highway.h>

// PLAIT_UNROLL: loops over accumulators must vanish: an array indexed by a variable lives on the
// stack. PLAIT_INLINE: so must functions that are told of such indices. Under sanitizers both stay:
// their checks, unrolled, take compilers minutes.
// PLAIT_ROLL: loops of long bodies stay. PLAIT_SHARE: parts of many kernels, inlined but for
// EMU128, whose vectors are arrays: the compiler sees through each of their lanes.
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
