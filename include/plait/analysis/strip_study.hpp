// Why strips of outputs are as wide as they are: the chapter's exercise 6, for plans whose register
// tiles are `rows` output channels x `delta` pixels side by side (Limits::delta).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <plait/export.hpp>
#include <plait/machine.hpp>
#include <plait/plan.hpp>

namespace plait {

enum class CacheLevel { l1, l2, l3, memory };
PLAIT_API std::string_view name_of(CacheLevel level);  // "L1", "L2", "L3", "memory"
// The first that is as large.
PLAIT_API CacheLevel level_holding(std::int64_t bytes, const Caches& caches);

// What the predicted time of a plan goes to: the useful multiply-adds, and what keeps the plan from
// taking no longer than they do.
enum class StripLimit {
  multiply_adds,  // the useful ones at the machine's rate
  rows,           // channels computed beyond c_o / groups
  columns,        // pixels computed beyond a line, w', or between two
  lanes,          // lanes of vectors that a tile narrower than they are leaves empty
  loads,          // loads of inputs and weights from L1 beyond what multiply-adds hide
  latency,        // too few accumulators; not part of predictions
  tile_ends,      // entering tiles, their chunks of terms, and storing their sums
  cache,          // operands beyond L1; with several threads also the slowest of them
  gather,         // filling strips or panels
  memory,         // beyond the last cache
  threads         // handing work to them
};
inline constexpr std::size_t kStripLimits = 11;
// "multiply-adds", "channels", "w'", "lanes", "loads", "latency", "tile ends", "cache", "gather",
// "memory", "threads"
PLAIT_API std::string_view name_of(StripLimit limit);

// Counted in the loops of the tiles as they are written: a compiler that runs out of registers may
// load more. Measured cycles tell.
struct PLAIT_API StripStudy {
  // The register tile.
  int rows = 0;   // output channels
  int delta = 0;  // pixels side by side
  int lanes = 1;  // of the target's vectors
  bool lanes_are_channels = false;
  int accumulators = 0;
  int accumulators_for_latency = 0;  // as many hide the latency of multiply-adds
  int registers_used = 0;            // accumulators, the operand that is held, one of the other
  int registers_if_wider = 0;        // of as many rows and one more vector of pixels (lanes are
                                     // channels: one more pixel)
  int registers = 0;                 // of the target

  // Elements of x per output and row of k_w taps of one channel.
  double inputs_without_strips = 0;  // k_w
  double inputs_touched = 0;  // different ones: (k_w + delta - 1) / delta at stride and dilation 1
  double inputs_loaded = 0;   // by the kernel from L1: k_w / rows, as each tap loads them anew
  double weights_loaded = 0;  // elements of K likewise: k_w / delta
  int input_loads = 0;        // instructions of one term, that is of one tap of one channel
  int weight_loads = 0;
  int multiply_adds = 0;

  // Where the operands of a block lie.
  std::int64_t strip_bytes = 0;  // inputs of one thread; 0 where they are read in place
  CacheLevel strip_level = CacheLevel::l1;
  std::int64_t panel_bytes = 0;  // weights of one row of tiles, as deep as a block
  CacheLevel panel_level = CacheLevel::l1;

  // Predicted. Cycles of one term of a tile, if nothing else were in the way.
  double multiply_add_cycles = 0;
  double load_cycles = 0;
  double latency_cycles = 0;
  std::int64_t terms = 0;                         // of all tiles: tiles x depth
  double useful_share = 1;                        // of the products that are executed
  std::array<double, kStripLimits> seconds = {};  // by StripLimit

  double seconds_of(StripLimit limit) const { return seconds[static_cast<std::size_t>(limit)]; }
  double predicted_seconds() const;  // Cost::predicted_seconds, unless latency adds to it
  // The most of the losses; multiply_adds if none takes a twentieth of the predicted time.
  StripLimit limit() const;
};

// Of a plan for `machine`. Nothing if the plan's algorithm has no tiles of channels x pixels that
// take sums of products (depthwise, winograd, reference).
PLAIT_API std::optional<StripStudy> strip_study(const Plan& plan,
                                                const Machine& machine = host_machine());

// The deltas of the register tiles that such an algorithm has on a target, in their order; none if
// it has no such tiles.
PLAIT_API std::vector<int> strip_deltas(std::string_view algorithm, Target target);

// Different inputs that `delta` outputs side by side read of one row, through `taps` taps. Throws
// Error for a number below 1.
PLAIT_API std::int64_t inputs_touched(std::int64_t taps, std::int64_t delta,
                                      std::int64_t stride = 1, std::int64_t dilation = 1);

}  // namespace plait
