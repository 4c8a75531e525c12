// Which SIMD targets this CPU runs, and which of them to use.
#pragma once

#include <plait/machine.hpp>

#include <vector>

namespace plait {

// The targets that kernels are built for and that this CPU runs, narrowest first.
std::vector<Target> targets_of_cpu();

// The target named by `forced`, which is the value of PLAIT_FORCE_TARGET; the widest available one
// if `forced` is null or empty. Throws Error if the name is unknown or the target not available.
Target choose_target(const std::vector<Target>& available, const char* forced);

}  // namespace plait
