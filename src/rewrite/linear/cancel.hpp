// Lets the decompositions of this folder, which take seconds, end early.
#pragma once

#include <atomic>

namespace plait::rewrite {

// While an object of this class lives, what this folder computes on the thread that made it throws
// Error (Status::cancelled) soon after *cancel is set: between the parts of a decomposition, which
// take some milliseconds. A null pointer cancels nothing.
class Cancellable {
 public:
  explicit Cancellable(const std::atomic<bool>* cancel);
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;
  ~Cancellable();

 private:
  const std::atomic<bool>* before_;
};

}  // namespace plait::rewrite
