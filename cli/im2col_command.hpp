// `plait im2col`: the patches matrix of an array, as a file.
#pragma once

#include "command.hpp"

namespace plait::faces {

Command add_im2col_command(CLI::App& app);

}  // namespace plait::faces
