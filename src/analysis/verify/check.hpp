// Running one case of `verify` and judging all that can be seen of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/verify/random_case.hpp"

namespace plait {

struct CheckResult {
  bool refused = false;  // the algorithm does not take the case: nothing was run
  std::string failure;   // the first promise that was broken; empty if all were kept
  std::int64_t outputs = 0;
  double worst_bound_share = 0;
  // Rms error over its expectation (ErrorReport::rms_over_terms / Cost::error_rms), where the data
  // is that of the error classes and no activation hides errors.
  std::optional<double> rms_share;
  std::vector<LoopCount> loops = {};
};

// Plans the case, runs it in guarded and poisoned memory, and checks: the algorithm and target that
// ran, threads and workspace within the limits, products executed as predicted, every output within
// the bound, nothing written but the output, the same bits as from a plain run. A read or a write
// outside the operands ends the process with a signal.
CheckResult check(const Case& test);

}  // namespace plait
