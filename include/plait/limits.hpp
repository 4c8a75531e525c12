// What a caller allows a plan: accuracy, memory, threads, and which algorithms.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include <plait/export.hpp>

namespace plait {

// Largest expected rms error / rms output against f64, for inputs like those behind a ReLU and
// weights as He et al. 2015 initialise them.
enum class Accuracy {
  strict,   // 5e-7
  fp32,     // 2e-6
  relaxed,  // 5e-6
};
PLAIT_API double error_limit(Accuracy accuracy);
PLAIT_API std::string_view name_of(Accuracy accuracy);
PLAIT_API Accuracy parse_accuracy(std::string_view name);  // throws Error listing the known ones

inline constexpr std::size_t kNoWorkspaceCap = std::numeric_limits<std::size_t>::max();

// What the caller allows. Part of a plan's key, like the problem.
struct Limits {
  Accuracy accuracy = Accuracy::fp32;
  std::size_t max_workspace_bytes = kNoWorkspaceCap;  // 0 always works
  int threads = 0;                                    // 0: the machine's default
  bool prepacked = true;           // true: the weight is packed once by pack(); false: in every run
  std::string packed_format = {};  // if set: only algorithms that take a weight packed like this
  std::string algorithm = {};      // if set: this algorithm, or an Error with its reason
  bool reproducible = false;       // true: the choice depends on the problem and the limits alone
  // Outputs side by side in a register tile (the chapter's Delta); algorithms without such a tile
  // refuse. 0: each algorithm chooses.
  int tile_columns = 0;

  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace plait
