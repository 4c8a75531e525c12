// `plait run`: a convolution over a photograph or an array.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

// Prints what was planned, computed and written. Its exit code is 1 if an output was farther from
// the reference than its bound allows (and then it writes nothing).
Command add_run_command(CLI::App& app);

}  // namespace plait::cli
