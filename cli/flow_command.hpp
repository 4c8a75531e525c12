// `plait flow`: which input channels reach which output channels through grouped layers, and what
// that costs.
#pragma once

#include "command.hpp"

namespace plait::faces {

Command add_flow_command(CLI::App& app);

}  // namespace plait::faces
