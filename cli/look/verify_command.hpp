// `plait verify`: does every algorithm compute what it should, on this machine?
#pragma once

#include "app/command.hpp"

namespace plait::cli {

// Its exit code is 1 if a case failed.
Command add_verify_command(CLI::App& app);

}  // namespace plait::cli
