// `plait im2col`: writes the matrix of patches of an array to a file.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

Command add_im2col_command(CLI::App& app);

}  // namespace plait::cli
