// Machines in files.
#pragma once

#include <plait/machine.hpp>

#include <string>

namespace plait {

// parse_machine of the file's text. Throws Error, with Status::io if the file cannot be read.
Machine read_machine_file(const std::string& path);

}  // namespace plait
