#include "kernels/winograd/magnitudes.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd/magnitudes.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include <limits>

#include <hwy/highway.h>

#include "kernels/simd/targets-inl.h"
#include "kernels/winograd/magnitudes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void TakeWindows(const MagnitudeWindows& given, MagnitudeExtremes& extremes) {
  const MagnitudeWindows windows = given;
  const BitsTag d;
  const hn::RebindToUnsigned<BitsTag> du;
  const BitsVector none = hn::Set(d, std::numeric_limits<std::int32_t>::max());
  const auto one = hn::Set(du, 1U);
  BitsVector most = hn::Zero(d);
  auto least = hn::BitCast(du, none);
  auto least_below = hn::Sub(least, one);  // window - 1, where 0 becomes the largest number
  // A vector of columns at a time. What it reads of the next ones is not replaced yet.
  for (std::int64_t j = 0; j < windows.columns; j += kFloatLanes) {
    const auto below = [&](std::int64_t columns) HWY_ATTR {
      return hn::Lt(hn::Iota(d, static_cast<std::int32_t>(j)),
                    hn::Set(d, static_cast<std::int32_t>(columns)));
    };
    const auto there = below(windows.columns);
    const auto kept = below(windows.columns_kept);
    std::int32_t* const column = windows.at + j;
    for (std::int64_t i = 0; i < windows.rows + windows.taps_down - 1; ++i) {
      std::int32_t* const at = column + i * windows.pitch;
      BitsVector largest = hn::Load(d, at);
      for (int v = 1; v < windows.taps_across; ++v) {
        largest = hn::Max(largest, hn::LoadU(d, at + v));
      }
      hn::Store(largest, d, at);
    }
    for (std::int64_t i = 0; i < windows.rows; ++i) {
      std::int32_t* const at = column + i * windows.pitch;
      BitsVector largest = hn::Load(d, at);
      for (int u = 1; u < windows.taps_down; ++u) {
        largest = hn::Max(largest, hn::Load(d, at + u * windows.pitch));
      }
      hn::Store(largest, d, at);
      most = hn::Max(most, hn::IfThenElseZero(there, largest));
      if (i >= windows.rows_kept) continue;
      const auto window = hn::BitCast(du, hn::IfThenElse(kept, largest, none));
      least = hn::Min(least, window);
      least_below = hn::Min(least_below, hn::Sub(window, one));
    }
  }
  extremes.largest = hn::GetLane(hn::MaxOfLanes(d, most));
  extremes.least = static_cast<std::int32_t>(hn::GetLane(hn::MinOfLanes(du, least)));
  extremes.least_positive =
      static_cast<std::int32_t>(hn::GetLane(hn::MinOfLanes(du, least_below)) + 1);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

MagnitudeExtremes take_windows(Target target, const MagnitudeWindows& windows) {
  MagnitudeExtremes extremes;
  PLAIT_SELECT_TARGET(target, TakeWindows)(windows, extremes);
  return extremes;
}

}  // namespace plait::kernels
#endif
