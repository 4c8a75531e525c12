// `plait info`: the machine as plait sees it, and what is built in.
#pragma once

#include <CLI/CLI.hpp>

namespace plait::faces {

struct InfoArguments {
  bool calibrate = false;
  bool json = false;
};

CLI::App* add_info_command(CLI::App& app, InfoArguments& arguments);
int info_command(const InfoArguments& arguments);

}  // namespace plait::faces
