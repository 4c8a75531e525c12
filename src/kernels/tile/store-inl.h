// Finishing sums that lie in a tile's own order: the epilogue, and the way to where they belong
// (finish.cpp). Included once per target.

#if defined(PLAIT_KERNELS_FINISH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_FINISH_INL_H_
#undef PLAIT_KERNELS_FINISH_INL_H_
#else
#define PLAIT_KERNELS_FINISH_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"
#include "kernels/simd/part-inl.h"
#include "kernels/tile/tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A whole vector, or the part of one that is left.
HWY_INLINE FloatVector LoadFirst(FloatTag d, const float* from, int count) {
  const bool whole = count >= static_cast<int>(hn::MaxLanes(d));
  return whole ? hn::LoadU(d, from) : LoadPart(from, count);
}

// Whether vectors of channels from `pixel` on, and at the pixels after it, may be streamed.
inline bool MayStream(const Destination& to, const float* pixel) {
  return to.streams && IsWhole(reinterpret_cast<std::uintptr_t>(pixel)) &&
         IsWhole(static_cast<std::size_t>(to.pixel_stride) * sizeof(float));
}

// Of sums in rows, sums[r * cols + j].
void FinishRows(const float* sums, int rows, int cols, const Epilogue& epilogue,
                const Destination& to);
// Of sums in columns, sums[j * rows + r].
void FinishColumns(const float* sums, int rows, int cols, const Epilogue& epilogue,
                   const Destination& to);

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
