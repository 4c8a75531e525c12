// Why strips of outputs are as wide as they are: the chapter's exercise 6, for plans whose register
// tiles are `rows` output channels x `delta` pixels side by side (Limits::tile_columns).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <plait/export.hpp>
#include <plait/machine.hpp>
#include <plait/plan.hpp>

namespace plait {

// What the predicted time of a plan goes to: the useful multiply-adds, and what keeps the plan from
// taking no longer than they do.
enum class StripLimit {
  multiply_adds,  // the useful ones at the machine's rate
  edges,          // outputs computed beyond c_o / groups and beyond w', and lanes left empty
  loads,          // loads of inputs and weights from L1 beyond what multiply-adds hide
  tile_ends,      // entering tiles, their chunks of terms, and storing their sums
  cache,          // operands beyond L1; with several threads also the slowest of them
  gather,         // filling strips or panels
  memory,         // beyond the last cache
  threads         // handing work to them
};
inline constexpr std::size_t kStripLimits = 8;
// "multiply-adds", "edges", "loads", "tile ends", "cache", "gather", "memory", "threads"
PLAIT_API std::string_view name_of(StripLimit limit);

// Counted in the loops of the tiles as they are written: a compiler that runs out of registers may
// load more. Measured times tell.
struct PLAIT_API StripStudy {
  int rows = 0;            // output channels of the register tile
  int delta = 0;           // pixels side by side
  int registers_used = 0;  // sums, the operand that is held, one register of the other
  int registers_if_wider =
      0;              // with one more vector of pixels (lanes are channels: one more pixel)
  int registers = 0;  // of the target
  // Different elements of x per output and row of k_w taps of one channel: k_w with delta 1, and
  // (k_w + delta - 1) / delta at stride and dilation 1.
  double inputs_touched = 0;
  // Predicted cycles of one term of a tile, that is of one tap of one channel.
  double multiply_add_cycles = 0;
  double load_cycles = 0;
  std::array<double, kStripLimits> seconds = {};  // predicted, by StripLimit

  double seconds_of(StripLimit limit) const { return seconds[static_cast<std::size_t>(limit)]; }
  double predicted_seconds() const;  // Cost::predicted_seconds
  // The most of the losses; multiply_adds if none takes a twentieth of the predicted time.
  StripLimit limit() const;
};

// Of a plan for `machine`. Nothing if the plan's algorithm has no tiles of channels x pixels that
// take sums of products (depthwise, winograd, reference).
PLAIT_API std::optional<StripStudy> strip_study(const Plan& plan,
                                                const Machine& machine = host_machine());

// Different inputs that `delta` outputs side by side read of one row, through `taps` taps. Throws
// Error for a number below 1.
PLAIT_API std::int64_t inputs_touched(std::int64_t taps, std::int64_t delta,
                                      std::int64_t stride = 1, std::int64_t dilation = 1);

}  // namespace plait
