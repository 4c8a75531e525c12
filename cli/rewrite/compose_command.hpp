// `plait compose`: two layers with nothing between them as one, as a file.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

Command add_compose_command(CLI::App& app);

}  // namespace plait::cli
