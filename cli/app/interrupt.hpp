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

// Its destructor puts back the handlers that it found: within Python these are Python's. There may
// be one at a time.
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

// While it lives, a second interrupt also removes the file. Its destructor removes the file if it
// is still there. There may be one at a time.
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
