// Ctrl-C: the first one asks the computation to stop, a second one ends the program at once.
// Neither leaves a temporary file behind.
#pragma once

#include <signal.h>

#include <atomic>
#include <string>

namespace plait::cli {

inline constexpr int kExitInterrupted = 130;  // the shell's 128 + SIGINT

// Set by the first SIGINT or SIGTERM while InterruptsCaught lives.
const std::atomic<bool>& interrupted();

// Its end puts back the handlers it found: within Python, they are Python's. One at a time.
class InterruptsCaught {
 public:
  InterruptsCaught();
  InterruptsCaught(const InterruptsCaught&) = delete;
  InterruptsCaught& operator=(const InterruptsCaught&) = delete;
  ~InterruptsCaught();

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

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

}  // namespace plait::cli
