// Seeded data and problems, and the targets to try them on.
#pragma once

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

}  // namespace plait::test
