// A command of the program: its part of the parser, and what runs once that has read the arguments.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace plait::cli {

struct Command {
  CLI::App* app;             // its subcommand, which the app that it was added to owns
  std::function<int()> run;  // returns the exit code; throws Error
};

using AddCommand = std::function<Command(CLI::App& app)>;

}  // namespace plait::cli
