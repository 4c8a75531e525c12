// `plait plan`: what would compute a problem, why, and at what cost.
#pragma once

#include "command.hpp"

namespace plait::faces {

Command add_plan_command(CLI::App& app);

}  // namespace plait::faces
