// How the program refuses what it is asked for.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include <plait/error.hpp>

namespace plait::cli {

// For wrong use: the message becomes the one line on stderr, and the exit code is 2.
[[noreturn]] inline void fail(const std::string& message) {
  throw Error(Status::invalid_argument, message);
}

// For a system call that failed: "what path: the text of errno". The arguments are views because
// making a string may change errno before it is passed on.
[[noreturn]] inline void fail_system(std::string_view what, std::string_view path, int error) {
  throw Error(Status::io, std::string(what) + " " + std::string(path) + ": " +
                              std::generic_category().message(error));
}

}  // namespace plait::cli
