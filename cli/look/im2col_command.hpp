// `plait im2col`: the patches matrix of an array, as a file.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

Command add_im2col_command(CLI::App& app);

}  // namespace plait::cli
