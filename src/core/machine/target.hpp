// Which SIMD targets this CPU runs, and which of them to use.
#pragma once

#include <plait/machine.hpp>

#include <vector>

namespace plait {

// What the CPU can run of the targets that kernels are built for, narrowest first.
std::vector<Target> targets_of_cpu();

// The widest of the available targets, or the one named by `forced`: the value of
// PLAIT_FORCE_TARGET, null or empty if not set. Throws Error if that is unknown or not available.
Target choose_target(const std::vector<Target>& available, const char* forced);

}  // namespace plait
