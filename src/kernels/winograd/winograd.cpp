#include "kernels/winograd/winograd.hpp"

#include <string>

#include <plait/error.hpp>

#include "core/integers.hpp"
#include "kernels/winograd/winograd_forms.hpp"

namespace plait::kernels {

// One padded input row, plus slack for vector stores that run past its end.
std::int64_t WinogradKernels::copied_floats(const Region& region) const {
  return round_up(region.tile_cols * across.m + across.r - 1, kCacheLineFloats) + kWinogradSlack;
}

// The last row of tiles shares input rows with rows of tiles below it, which are there as well.
std::int64_t WinogradKernels::line_pitch(const Region& region) const {
  const std::int64_t below = (down.t() - 1) / down.m;
  return (region.tile_rows + below) * region.tile_cols + 2 * kWinogradSlack;
}

std::int64_t WinogradKernels::magnitude_pitch(const Region& region) const {
  return round_up(region.tile_cols * across.m + across.r - 1, kMagnitudeSlack) + kMagnitudeSlack;
}

std::int64_t WinogradKernels::scratch_floats(const Region& region) const {
  const std::int64_t rows = std::int64_t{down.m} * across.t();
  return 2 * (copied_floats(region) + rows * line_pitch(region) + kWinogradSlack);
}

const WinogradKernels& winograd_kernels(Target target, const AxisForm& down,
                                        const AxisForm& across) {
  for (const WinogradSet* const set :
       {&winograd_square_forms(target), &winograd_axis_forms(target)}) {
    for (const WinogradKernels& form : set->forms) {
      if (form.down == down && form.across == across) return form;
    }
  }
  const auto text = [](const AxisForm& form) {
    return "F(" + std::to_string(form.m) + ", " + std::to_string(form.r) + ")";
  };
  throw Error(Status::invalid_argument, "no Winograd kernels are compiled for " + text(down) +
                                            " down and " + text(across) +
                                            " across: kWinogradForms lists the forms");
}

}  // namespace plait::kernels
