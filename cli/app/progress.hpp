// A progress bar for commands that take a while.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace plait::cli {

// "verify [########------------]  812/2000  1 min 10 s left", at most `columns` characters; the
// time left is estimated from the pace so far, and left out as long as nothing is done.
std::string progress_text(const std::string& label, std::int64_t done, std::int64_t total,
                          double elapsed_seconds, int columns);

// Draws on a terminal only; elsewhere every call does nothing. Its destructor clears the line. It
// is for one thread.
class Progress {
 public:
  Progress(std::string label, std::int64_t total, int fd = STDERR_FILENO);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // Cheap: redraws at most ten times a second, and when all is done.
  void update(std::int64_t done);
  // Before anything else is printed on the terminal; the next update draws again.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  std::int64_t total_;
  int fd_;
  bool on_terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_;
};

}  // namespace plait::cli
