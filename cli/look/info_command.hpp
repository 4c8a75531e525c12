// `plait info`: the machine as plait sees it, and what is built in.
#pragma once

#include <string>
#include <vector>

#include <plait/machine.hpp>

#include "app/command.hpp"
#include "io/json.hpp"

namespace plait::cli {

// A library for pictures that a face is built with.
struct PictureLibrary {
  std::string key;      // in the JSON: "png_library"
  std::string version;  // with its name: "libpng 1.6.39"
};

Command add_info_command(CLI::App& app, std::vector<PictureLibrary> libraries = {});

// What `plait info --json` prints. `calibrated` tells whether the machine's rates were measured or
// are assumed.
Json info_json(const Machine& machine, bool calibrated,
               const std::vector<PictureLibrary>& libraries = {});

}  // namespace plait::cli
