// `plait decompose`: whether a kernel is two smaller ones, and cheaper layers that come close to
// it.
#pragma once

#include "app/command.hpp"

namespace plait::cli {

Command add_decompose_command(CLI::App& app);

}  // namespace plait::cli
