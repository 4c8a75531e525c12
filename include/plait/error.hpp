// The one exception type of plait.
#pragma once

#include <stdexcept>
#include <string>

#include <plait/export.hpp>

namespace plait {

enum class Status {
  invalid_argument,  // the call breaks a rule of the mathematics or of the interface
  unsupported,       // the call is legal, but nothing here can do it within the limits
  cancelled,         // the caller's cancel flag was set during run
  io,                // a file could not be read or written
  out_of_memory,     // the call is legal, but its memory is not to be had
};

// what() names the shapes involved and the rule that broke, in one line.
class PLAIT_API Error : public std::runtime_error {
 public:
  Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}

  Status status() const noexcept { return status_; }
  // Whether the call is legal, and would work elsewhere or within other limits.
  bool is_refusal() const noexcept {
    return status_ == Status::unsupported || status_ == Status::out_of_memory;
  }

 private:
  Status status_;
};

}  // namespace plait
