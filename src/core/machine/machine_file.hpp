// Descriptions of machines in files.
#pragma once

#include <plait/machine.hpp>

#include <string>

namespace plait {

// Passes the file's text to parse_machine and throws what that throws, and Error with Status::io
// if the file cannot be read.
Machine read_machine_file(const std::string& path);

}  // namespace plait
