// A program of commands: words to a command, errors to one line on stderr and an exit code.
//   0 ok, 1 the check failed, 2 wrong use, 130 interrupted
// Each face chooses its commands, as some need libraries that others do without.
#pragma once

#include <string>
#include <vector>

#include "app/command.hpp"

namespace plait::cli {

struct ProgramFace {
  std::string name;                  // what users type before a command: "plait"
  std::vector<AddCommand> commands;  // as --help lists them
  std::string examples;              // lines of --help, each indented by two and with its '\n'
};

// Runs the command that the words after argv[0] ask for and returns the exit code; throws nothing
// and never exits, except that a second SIGINT or SIGTERM ends the process. One may run at a time.
int run_program(const ProgramFace& face, int argc, const char* const* argv);

}  // namespace plait::cli
