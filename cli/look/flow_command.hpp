// `plait flow`: which input channels reach which output channels through grouped layers, and what
// that costs.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

Command add_flow_command(CLI::App& app);

}  // namespace plait::cli
