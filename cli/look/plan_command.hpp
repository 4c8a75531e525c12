// `plait plan`: what would compute a problem, why, and at what cost.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

Command add_plan_command(CLI::App& app);

}  // namespace plait::cli
