// A command of the program: what the parser fills in, and what runs then.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace plait::cli {

struct Command {
  CLI::App* app;             // its subcommand, owned by the app it was added to
  std::function<int()> run;  // once parsed; returns the exit code, throws Error
};

using AddCommand = std::function<Command(CLI::App& app)>;

}  // namespace plait::cli
