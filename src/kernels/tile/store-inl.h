// Storing raw sums that lie in a tile's own order: the epilogue, and the way to where they belong
// (store.cpp). Included once per target.

#if defined(PLAIT_KERNELS_STORE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_STORE_INL_H_
#undef PLAIT_KERNELS_STORE_INL_H_
#else
#define PLAIT_KERNELS_STORE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"
#include "kernels/simd/first_n-inl.h"
#include "kernels/tile/tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A whole vector, or its first `count` lanes if that is fewer.
HWY_INLINE FloatVector LoadAtMost(FloatTag d, const float* from, int count) {
  const bool whole = count >= static_cast<int>(hn::MaxLanes(d));
  return whole ? hn::LoadU(d, from) : LoadFirstN(from, count);
}

// Whether vectors of channels from `pixel` on, and at the pixels after it, are stored past the
// caches.
inline bool IsNonTemporal(const Destination& to, const float* pixel) {
  return to.non_temporal && IsWhole(reinterpret_cast<std::uintptr_t>(pixel)) &&
         IsWhole(static_cast<std::size_t>(to.pixel_stride) * sizeof(float));
}

// Sums in rows, sums[r * cols + j].
void StoreRows(const float* sums, int rows, int cols, const Epilogue& epilogue,
               const Destination& to);
// Sums in columns, sums[j * rows + r].
void StoreColumns(const float* sums, int rows, int cols, const Epilogue& epilogue,
                  const Destination& to);

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
