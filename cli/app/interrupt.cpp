#include "app/interrupt.hpp"

#include <unistd.h>

#include <plait/error.hpp>

namespace plait::cli {
namespace {

std::atomic<bool> flag{false};
std::atomic<const char*> temporary{nullptr};
static_assert(std::atomic<bool>::is_always_lock_free);
static_assert(std::atomic<const char*>::is_always_lock_free);

// Only what POSIX allows in a signal handler: lock-free atomics, unlink, _exit.
extern "C" void on_interrupt(int) {
  if (!flag.exchange(true)) return;
  if (const char* path = temporary.load()) ::unlink(path);
  ::_exit(kExitInterrupted);
}

}  // namespace

const std::atomic<bool>& interrupted() { return flag; }

InterruptsCaught::InterruptsCaught() {
  flag.store(false);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, &old_int_);
  ::sigaction(SIGTERM, &action, &old_term_);
}

InterruptsCaught::~InterruptsCaught() {
  ::sigaction(SIGINT, &old_int_, nullptr);
  ::sigaction(SIGTERM, &old_term_, nullptr);
  flag.store(false);  // what runs later in this process was not interrupted
}

void stop_if_interrupted() {
  if (flag.load()) throw Error(Status::cancelled, "interrupted");
}

RemovedOnExit::RemovedOnExit(const std::string& path) : path_(path) {
  temporary.store(path_.c_str());
}

RemovedOnExit::~RemovedOnExit() {
  temporary.store(nullptr);
  ::unlink(path_.c_str());  // fails, as it should, once the file has been renamed
}

}  // namespace plait::cli
