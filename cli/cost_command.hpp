// `plait cost`: what a layer costs by its definition, and what changing it would change.
#pragma once

#include "command.hpp"

namespace plait::faces {

Command add_cost_command(CLI::App& app);

}  // namespace plait::faces
