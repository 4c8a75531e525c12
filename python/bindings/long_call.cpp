#include "long_call.hpp"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#ifdef __linux__
#include <sys/syscall.h>
#endif

namespace plait::python {
namespace {

// The longest time that a signal waits, which is the time that a cancelled run may take to stop.
constexpr std::chrono::milliseconds kSignalWait{20};

// Work that runs on a thread of its own.
class Worker {
 public:
  explicit Worker(const CancellableWork& work)
      : thread_([this, &work] {
          try {
            work(&cancel_);
          } catch (...) {
            error_ = std::current_exception();
          }
          const std::lock_guard lock(mutex_);
          done_ = true;
          changed_.notify_one();
        }) {}
  ~Worker() {
    cancel_ = true;
    const nb::gil_scoped_release released;  // the work may be waiting for the GIL
    thread_.join();
  }

  // Whether the work is done. If not, waits for a while first.
  bool wait() {
    const nb::gil_scoped_release released;
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kSignalWait, [this] { return done_; });
  }

  // Throws what the work threw. Call it when the work is done.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::atomic<bool> cancel_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::exception_ptr error_;
  std::thread thread_;  // the last member, since it uses all others
};

}  // namespace

void run_interruptibly(const CancellableWork& work) {
  Worker worker(work);
  while (!worker.wait()) {
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }
  worker.rethrow();
}

bool on_main_thread() {
#ifdef __linux__
  return ::syscall(SYS_gettid) == ::getpid();
#else
  static const std::thread::id main_thread =
      std::this_thread::get_id();  // the thread of the import
  return std::this_thread::get_id() == main_thread;
#endif
}

}  // namespace plait::python
