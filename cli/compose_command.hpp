// `plait compose`: two layers with nothing between them as one, as a file.
#pragma once

#include "command.hpp"

namespace plait::faces {

Command add_compose_command(CLI::App& app);

}  // namespace plait::faces
