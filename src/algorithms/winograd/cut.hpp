// How the work of a layer is cut up: the region of tiles that a task transforms at once, the blocks
// of channels, the register tiles of the products, the threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include <plait/plan.hpp>

#include "algorithms/winograd/tiles_of_rows.hpp"
#include "core/integers.hpp"
#include "kernels/winograd/winograd.hpp"

namespace plait::algorithm::winograd {

// F(m, r) along every axis on which the kernel has r taps, and not one.
struct Form {
  int m = 2;
  int r = 3;

  friend bool operator==(const Form&, const Form&) = default;
  int t() const { return m + r - 1; }
  kernels::AxisForm along(std::int64_t taps) const {
    return taps == 1 ? kernels::AxisForm{} : kernels::AxisForm{m, r};
  }
  // Channels whose products are summed before the sum is added to that of the channels before. The
  // larger forms multiply errors; short chunks keep them in their class to more channels.
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

// Axes of the kernel that have more than one tap, which are transformed.
inline int axes_of(const Problem& problem) {
  return (problem.k_h > 1 ? 1 : 0) + (problem.k_w > 1 ? 1 : 0);
}

// A dilated layer is `phases` layers of dilation 1, each of every phases-th output of an axis. The
// first `longer` of these have `outputs` outputs, the others one less.
struct Phases {
  std::int64_t phases = 1;
  std::int64_t longer = 1;
  std::int64_t outputs = 0;

  Phases() = default;
  Phases(std::int64_t dilation, std::int64_t all)
      : phases(std::min(dilation, all)),
        longer((all - 1) % dilation + 1),
        outputs((all + dilation - 1) / dilation) {}

  struct Alike {
    std::int64_t count, outputs;  // phases of so many outputs each
  };
  std::array<Alike, 2> kinds() const {
    return {{{longer, outputs}, {phases - longer, outputs - 1}}};
  }
  std::int64_t outputs_of(std::int64_t phase) const {
    return phase < longer ? outputs : outputs - 1;
  }
};

// What of x a transform reads: pixels side by side in lines, or channels side by side.
enum class Lanes { tiles, channels };

struct Cut {
  Form form;
  kernels::AxisForm down, across;
  Target target = Target::emu128;
  Lanes lanes = Lanes::tiles;
  Phases lines, columns;
  std::int64_t tile_rows = 0;  // of the longer phases
  std::int64_t tile_cols = 0;
  kernels::Region region;          // of a task; those at the ends are smaller
  std::int64_t channels = 0;       // input channels of a group
  std::int64_t channel_block = 0;  // of these at a time: all, or a multiple of the chunk
  std::int64_t row_blocks = 0;     // of a group: output channels in blocks of the tile's rows
  std::int64_t task_blocks = 0;    // of these in a task
  std::int64_t regions = 0;        // of a phase of an image
  std::int64_t tasks = 0;
  int threads = 1;
  const TilesOfRows* tiles = nullptr;
  const TilesOfRows* direct_tiles = nullptr;  // of direct sums: a vector of rows, most columns
  bool packs_in_run = false;
  bool streams = false;  // Destination::streams
  // Of a thread's workspace, in floats.
  std::int64_t table_floats = 0;
  std::int64_t magnitude_floats = 0;
  std::int64_t mark_floats = 0;
  std::int64_t scratch_floats = 0;
  std::int64_t v_plane = 0, v_pitch = 0;
  std::int64_t m_plane = 0;
  std::int64_t m_blocks = 0;
  // Of the packed weights, in floats: transformed ones from 0 on, then biases, weights as they are
  // for direct sums, and the limits of guard.hpp, one for each block of rows.
  std::int64_t biases_at = 0;
  std::int64_t kernel_at = 0;
  std::int64_t limits_at = 0;
  std::size_t weights_bytes = 0;
  // Predicted, on all threads.
  double product_seconds = 0;
  double transform_seconds = 0;
  double pack_seconds = 0;
  double thread_seconds = 0;
  double weight_seconds = 0;  // waiting for weights

  bool fits() const { return tasks > 0; }
  int points() const { return down.t() * across.t(); }
  std::int64_t taps() const { return std::int64_t{down.r} * across.r; }
  std::int64_t phases() const { return saturated_product({lines.phases, columns.phases}); }
  std::int64_t thread_floats() const;
  std::size_t shared_bytes() const;  // at the front of the workspace: weights packed in the run
  std::size_t workspace_bytes() const;
  double seconds() const {
    return product_seconds + transform_seconds + thread_seconds + weight_seconds +
           (packs_in_run ? pack_seconds : 0);
  }
};

// The cut with the lowest predicted time that keeps to the limits; `rows`: of the register tiles,
// or 0 for any. A function of its arguments alone.
Cut choose_cut(const Form& form, int rows, const Problem& problem, const Limits& limits,
               const Machine& machine);

// The least cap under which there is a cut on every target: what one accepts all others must accept
// too, as picks may be made for another machine.
std::size_t least_workspace_bytes(const Form& form, const Problem& problem, const Limits& limits);

}  // namespace plait::algorithm::winograd
