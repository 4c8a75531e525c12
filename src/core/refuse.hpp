// Refusing an argument.
#pragma once

#include <string>

#include <plait/error.hpp>

namespace plait {

[[noreturn]] inline void refuse(const std::string& message) {
  throw Error(Status::invalid_argument, message);
}

}  // namespace plait
