// Unrolling of the loops over register tiles.
#pragma once

// Loops over accumulators must vanish: an array indexed by a variable lives on the stack. Under
// sanitizers they stay: their checks, unrolled, take compilers minutes. Clang unrolls them unless
// it is told not to.
#if defined(PLAIT_SANITIZED) && defined(__clang__)
#define PLAIT_UNROLL _Pragma("clang loop unroll(disable)")
#elif defined(PLAIT_SANITIZED)
#define PLAIT_UNROLL
#else
#define PLAIT_UNROLL _Pragma("GCC unroll 32")
#endif
