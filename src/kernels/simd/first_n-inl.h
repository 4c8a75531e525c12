// Loads and stores of the first lanes of a vector. Included once per target.

#if defined(PLAIT_KERNELS_FIRST_N_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_FIRST_N_INL_H_
#undef PLAIT_KERNELS_FIRST_N_INL_H_
#else
#define PLAIT_KERNELS_FIRST_N_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Stores lanes [0, count) of a vector and writes nothing else.
HWY_INLINE void StoreFirstN(hn::Vec<hn::ScalableTag<float>> value, std::int64_t count, float* to) {
  const hn::ScalableTag<float> d;
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(value, hn::FirstN(d, static_cast<std::size_t>(count)), d, to);
#else
  HWY_ALIGN float lanes[hn::MaxLanes(d)];
  hn::Store(value, d, lanes);
  for (std::int64_t j = 0; j < count; ++j) to[j] = lanes[j];
#endif
}

// Stores a whole vector of channels, past the caches if `non_temporal`; `to` is then a multiple of
// a vector. An ordinary store to memory that no cache holds first reads the cache line: 1x1, 32 ->
// 256 channels at 512 px in NHWC took twice as long. Rows of pixels, 192 bytes of one channel and
// then of the next, are not stored so: they take 1.1 to 1.4 times as long past the caches [Emerald
// Rapids VM, two threads, 2026-11-26].
HWY_INLINE void StoreVector(hn::Vec<hn::ScalableTag<float>> value, float* to, bool non_temporal) {
  const hn::ScalableTag<float> d;
  if (non_temporal) {
    hn::Stream(value, d, to);
  } else {
    hn::StoreU(value, d, to);
  }
}

// Whether `bytes`, an address or a stride, is a multiple of a vector.
inline bool IsWhole(std::uintptr_t bytes) {
  return bytes % (hn::MaxLanes(hn::ScalableTag<float>()) * sizeof(float)) == 0;
}

// Loads lanes [0, count) from memory that may end behind them; the others are 0.
HWY_INLINE hn::Vec<hn::ScalableTag<float>> LoadFirstN(const float* from, std::int64_t count) {
  const hn::ScalableTag<float> d;
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, from);
#else
  HWY_ALIGN float lanes[hn::MaxLanes(d)] = {};
  for (std::int64_t j = 0; j < count; ++j) lanes[j] = from[j];
  return hn::Load(d, lanes);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
