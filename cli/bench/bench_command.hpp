// `plait bench`: how fast problems run, against the machine's limits and against an older run.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

// Its exit code is 1 if an output was farther from the reference than its bound allows. After an
// interrupt, what was measured so far is printed before Error is thrown.
Command add_bench_command(CLI::App& app);

}  // namespace plait::cli
