// Why one width of strips is the fastest here, from what was measured and what the model says.
#pragma once

#include <string>
#include <vector>

#include "bench/bench_sweep.hpp"

namespace plait::cli {

// Why the fastest delta is the fastest, and what becomes of wider and narrower ones: some lines.
// Empty unless two were measured whose tiles are known.
std::vector<std::string> delta_explanation(const DeltaSweep& sweep);

}  // namespace plait::cli
