// What a caller allows a plan.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include <plait/export.hpp>

namespace plait {

// Bounds on the expected rms error / rms output against f64 (ReLU-like random input, He weights).
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
  bool prepacked = true;           // weights are packed once by pack(); otherwise anew in every run
  std::string packed_format = {};  // if set: only algorithms that take weights packed like this
  std::string algorithm = {};      // if set: this one, or an Error with its reason
  bool reproducible = false;       // the pick depends on the problem and the limits alone
  int delta = 0;  // if set: this many outputs side by side in a register tile, the chapter's Delta;
                  // algorithms without such a tile refuse. 0: each algorithm chooses

  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace plait
