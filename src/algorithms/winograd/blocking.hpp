// The blocking of a layer: the region of tiles that a task transforms at once, the blocks of
// channels, the register tiles of the products, and the threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include <plait/plan.hpp>

#include "algorithms/winograd/tiles_of_rows.hpp"
#include "core/integers.hpp"
#include "kernels/product/predicted_times.hpp"
#include "kernels/winograd/winograd.hpp"

namespace plait::algorithm::winograd {

// F(m, r) along each axis on which the kernel has r taps. An axis of one tap is not transformed.
struct Form {
  int m = 2;
  int r = 3;

  friend bool operator==(const Form&, const Form&) = default;
  int t() const { return m + r - 1; }
  kernels::AxisForm along(std::int64_t taps) const {
    return taps == 1 ? kernels::AxisForm{} : kernels::AxisForm{m, r};
  }
  // Products are summed over so many channels before that sum is added to the one of the channels
  // before. Larger forms multiply errors, and short chunks keep these in their class.
  std::int64_t chunk() const { return t() <= 6 ? 64 : t() == 7 ? 32 : 24; }
};

// One for each form that kernels are compiled for.
inline constexpr auto kForms = [] {
  std::array<Form, std::size(kernels::kWinogradForms)> forms{};
  for (std::size_t i = 0; i < forms.size(); ++i) {
    forms[i] = {kernels::kWinogradForms[i].m, kernels::kWinogradForms[i].r};
  }
  return forms;
}();
using kernels::kMostTapsBothWays;  // with more, one axis has to have one tap

// The number of axes that are transformed: those on which the kernel has more than one tap.
inline int axes_of(const Problem& problem) {
  return (problem.k_h > 1 ? 1 : 0) + (problem.k_w > 1 ? 1 : 0);
}

// Along an axis a dilated layer consists of `phases` layers of dilation 1, each with every
// phases-th output. The first `longer` of them have `outputs` outputs, the others one less.
struct Phases {
  std::int64_t phases = 1;
  std::int64_t longer = 1;
  std::int64_t outputs = 0;

  Phases() = default;
  Phases(std::int64_t dilation, std::int64_t all)
      : phases(std::min(dilation, all)),
        longer((all - 1) % dilation + 1),
        outputs((all + dilation - 1) / dilation) {}

  struct Alike {  // `count` phases of `outputs` outputs each
    std::int64_t count, outputs;
  };
  std::array<Alike, 2> kinds() const {
    return {{{longer, outputs}, {phases - longer, outputs - 1}}};
  }
  std::int64_t outputs_of(std::int64_t phase) const {
    return phase < longer ? outputs : outputs - 1;
  }
};

// The lanes of an input transform: tiles, where the pixels of a row of x lie side by side, or
// channels, where those of a pixel do.
enum class Lanes { tiles, channels };

struct Blocking : kernels::PredictedTimes {
  Form form;
  kernels::AxisForm down, across;
  Target target = Target::emu128;
  Lanes lanes = Lanes::tiles;
  Phases down_phases, across_phases;
  std::int64_t tile_rows = 0;  // rows of tiles in a longer phase
  std::int64_t tile_cols = 0;
  kernels::Region region;          // the tiles of a task; regions at the ends are smaller
  std::int64_t channels = 0;       // input channels of a group
  std::int64_t channel_block = 0;  // so many of them at a time: all, or a multiple of the chunk
  std::int64_t row_blocks = 0;     // blocks of tiles->rows() output channels in a group
  std::int64_t task_blocks = 0;    // row_blocks of a task
  std::int64_t regions = 0;        // regions in a phase of an image
  std::int64_t tasks = 0;
  int threads = 1;
  const TilesOfRows* tiles = nullptr;
  const TilesOfRows* direct_tiles = nullptr;  // for direct sums: one vector of rows
  bool non_temporal = false;                  // stores outputs past the caches
  // The parts of a thread's workspace.
  std::int64_t table_floats = 0;
  std::int64_t magnitude_floats = 0;
  std::int64_t mark_floats = 0;
  std::int64_t scratch_floats = 0;
  std::int64_t v_plane = 0, v_pitch = 0;
  std::int64_t m_plane = 0;
  std::int64_t m_blocks = 0;
  // Offsets in the packed weights, in floats. Transformed weights begin at 0. Then come biases,
  // weights as they are for direct sums, and for each block of rows the limit of guard.hpp.
  std::int64_t biases_at = 0;
  std::int64_t kernel_at = 0;
  std::int64_t limits_at = 0;
  std::size_t weights_bytes = 0;
  double weight_seconds = 0;  // predicted for waiting for weights

  bool fits() const { return tasks > 0; }
  int points() const { return down.t() * across.t(); }
  std::int64_t taps() const { return std::int64_t{down.r} * across.r; }
  std::int64_t phases() const {
    return saturated_product({down_phases.phases, across_phases.phases});
  }
  std::int64_t thread_floats() const;
  std::size_t shared_bytes() const;  // at the front of the workspace: weights packed in the run
  std::size_t workspace_bytes() const;
  double seconds() const { return PredictedTimes::seconds() + weight_seconds; }
};

// The blocking with the lowest predicted time that keeps to the limits, or one that does not fit.
// Register tiles have `rows` rows, or any if it is 0. A function of the arguments alone.
Blocking choose_blocking(const Form& form, int rows, const Problem& problem, const Limits& limits,
                         const Machine& machine);

// The least cap under which every target has a blocking. All targets must accept the same problems,
// because a reproducible plan is chosen for another machine.
std::size_t least_workspace_bytes(const Form& form, const Problem& problem, const Limits& limits);

}  // namespace plait::algorithm::winograd
