// Runs one case of `verify` and judges all that can be seen of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/verify/random_case.hpp"

namespace plait {

struct CheckResult {
  bool refused = false;  // the algorithm refuses the case, and nothing was run
  std::string failure;   // the first promise that was broken; empty if all were kept
  std::int64_t outputs = 0;
  double worst_bound_share = 0;
  // Rms error / expected rms error (ErrorReport::rms_over_terms / Cost::error_rms), if the case has
  // the data of the error classes and no activation that would hide errors.
  std::optional<double> rms_share;
  std::vector<LoopCount> loops = {};
};

// Plans the case and runs it in guarded and poisoned memory. Checks which algorithm and target ran,
// that threads and workspace stay within the limits, that as many operations are executed as were
// predicted, that every output is within the bound, that nothing but the output is written, and
// that the bits are those of a plain run. A read or a write outside the operands ends the process
// with a signal.
CheckResult check(const Case& test);

}  // namespace plait
