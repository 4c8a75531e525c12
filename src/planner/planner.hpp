// Ranks the algorithms that compute a problem within the limits, and says why.
#pragma once

#include <memory>
#include <span>

#include "algorithms/algorithm.hpp"

namespace plait {

// The limits with every default filled in: threads from the machine, the algorithm from
// PLAIT_FORCE_ALGORITHM. Throws Error for limits that no plan can have.
Limits complete_limits(const Limits& limits, const Machine& machine,
                       std::span<const Algorithm> algorithms);

struct Ranking {
  const Algorithm* chosen = nullptr;
  std::unique_ptr<Execution> execution;
  Pair output_step = 1;
  Explanation explanation;
};

// Asks every algorithm once; the order of the list does not matter. `limits` must be complete.
// Throws Error with all reasons if every algorithm refuses.
Ranking rank(const Problem& problem, const Limits& limits, const Machine& machine,
             std::span<const Algorithm> algorithms);

}  // namespace plait
