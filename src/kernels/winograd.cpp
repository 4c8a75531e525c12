#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/targets-inl.h"
#include "kernels/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr WinogradSet kWinogradSet{kWinogradForms};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

// Before the first dealt line, and between a copied line and it, what is written beyond either.
std::int64_t WinogradKernels::copied_floats(const Region& region) const {
  return (region.tile_cols * across.m + across.r - 1 + 15) / 16 * 16 + kWinogradSlack;
}

// Rows of tiles below the last one hold rows that its tiles share.
std::int64_t WinogradKernels::line_pitch(const Region& region) const {
  const std::int64_t below = (down.t() - 1) / down.m;
  return (region.tile_rows + below) * region.tile_cols + 2 * kWinogradSlack;
}

std::int64_t WinogradKernels::scratch_floats(const Region& region) const {
  const std::int64_t lines = std::int64_t{down.m} * across.t();
  return copied_floats(region) + 2 * (lines * line_pitch(region) + kWinogradSlack);
}

const WinogradKernels& winograd_kernels(Target target, const AxisForm& down,
                                        const AxisForm& across) {
  const WinogradSet& set = *PLAIT_SELECT_TARGET(target, kWinogradSet);
  for (const WinogradKernels& form : set.forms) {
    if (form.down == down && form.across == across) return form;
  }
  return set.forms.front();
}

}  // namespace plait::kernels
#endif
