// Values that stay in registers where the compiler would rather read them again. Included once per
// target.

#if defined(PLAIT_KERNELS_REGISTERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_REGISTERS_INL_H_
#undef PLAIT_KERNELS_REGISTERS_INL_H_
#else
#define PLAIT_KERNELS_REGISTERS_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Makes the compiler keep the value in a register from here on.
template <class V>
HWY_INLINE void Pin(V& value) {
#if HWY_TARGET <= HWY_AVX3
  asm("" : "+v"(value.raw));
#elif HWY_TARGET != HWY_EMU128
  asm("" : "+x"(value.raw));
#else
  (void)value;
#endif
}

// A load that several multiply-adds share. GCC 12 would fold it into each of them, which makes as
// many loads as multiply-adds, most of them over two cache lines: plane tiles ran at 44 % of the
// peak instead of 70 %, strips by 3 x 8 vectors (16 -> 3 channels at 128 px) took 218 us instead of
// 130 [Emerald Rapids VM, 2026-11-26].
template <class D>
HWY_INLINE hn::Vec<D> LoadPinned(D d, const float* from) {
  hn::Vec<D> value = hn::LoadU(d, from);
  Pin(value);
  return value;
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
