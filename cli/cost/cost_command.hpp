// `plait cost`: what a layer costs by its definition, and what changing it would change.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

Command add_cost_command(CLI::App& app);

}  // namespace plait::cli
