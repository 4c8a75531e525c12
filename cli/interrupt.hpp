// Ctrl-C: the first one asks the computation to stop, a second one ends the program at once.
// Neither leaves a temporary file behind.
#pragma once

#include <atomic>
#include <string>

namespace plait::faces {

inline constexpr int kExitInterrupted = 130;  // the shell's 128 + SIGINT

// Set by the first SIGINT or SIGTERM once catch_interrupts() has been called.
const std::atomic<bool>& interrupted();

void catch_interrupts();

// Throws Error (Status::cancelled) if interrupted.
void stop_if_interrupted();

// While it lives, a second interrupt removes the file too; its end removes the file if it is still
// there. One at a time.
class RemovedOnExit {
 public:
  explicit RemovedOnExit(const std::string& path);
  RemovedOnExit(const RemovedOnExit&) = delete;
  RemovedOnExit& operator=(const RemovedOnExit&) = delete;
  ~RemovedOnExit();

 private:
  std::string path_;
};

}  // namespace plait::faces
