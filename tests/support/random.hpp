// Seeded data and problems, and the targets to try them on.
#pragma once

#include <algorithm>
#include <vector>

#include <plait/machine.hpp>

#include "analysis/test_data.hpp"
#include "analysis/verify/random_case.hpp"

namespace plait::test {

// The targets this machine can run.
inline std::vector<Target> runnable_targets() { return host_machine().targets; }

inline Machine on_target(Target target) {
  Machine machine = host_machine();
  machine.use(target);
  return machine;
}

// The canonical machine; with the widest target that is built and runs here where its own, AVX2, is
// none of these, as in sanitized builds.
inline Machine built_canonical_machine() {
  Machine machine = canonical_machine();
  const std::vector<Target> targets = runnable_targets();
  if (std::find(targets.begin(), targets.end(), machine.target) == targets.end()) {
    machine.targets = targets;
    machine.use(targets.back());
  }
  return machine;
}

}  // namespace plait::test
