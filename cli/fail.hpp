// How the program refuses what it is asked for.
#pragma once

#include <string>
#include <system_error>

#include <plait/error.hpp>

namespace plait::faces {

// Wrong use: the message becomes the one line on stderr, and the exit code 2.
[[noreturn]] inline void fail(const std::string& message) {
  throw Error(Status::invalid_argument, message);
}

// A system call failed: "what: the text of errno".
[[noreturn]] inline void fail_system(const std::string& what, int error) {
  throw Error(Status::io, what + ": " + std::generic_category().message(error));
}

}  // namespace plait::faces
