// The library's thread pool. Why it is our own, and what it was measured against:
// docs/decisions/0001-threads.md.
#include <plait/executor.hpp>
#include <plait/machine.hpp>

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>

#include "core/integers.hpp"
#include "core/machine/system_machine.hpp"

namespace plait {
namespace {

// Long enough to bridge the gap between two layers of a network, short enough that an idle process
// costs nothing. Waking a sleeping thread takes as long, so that spinning at worst doubles a wait.
constexpr std::chrono::microseconds kSpin{50};
constexpr int kMostWorkers = 1023;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Polls `ready` for at most `duration`; true as soon as it holds.
template <class Ready>
bool spin_until(std::chrono::nanoseconds duration, Ready ready) {
  if (ready()) return true;
  if (duration.count() == 0) return false;
  const auto end = std::chrono::steady_clock::now() + duration;
  do {
    for (int i = 0; i < 16; ++i) {  // reading the clock is dearer than polling
      pause();
      if (ready()) return true;
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// True on workers, and on a caller during its run: a call from inside a task must not wait for the
// pool that runs the task.
thread_local bool inside_run = false;

// One call at a time owns the pool: the one that set `busy_`. It writes the job, then opens it by
// storing the number of indexes left to claim. A claim is a decrement that finds it above zero, and
// whoever made one keeps the job open until it has reported the task done; so the plain fields of a
// job are read only while they cannot change, and a worker that arrives late touches nothing. The
// caller never waits for a worker that has claimed nothing: if all sleep on, it works alone.
//
// The object has static storage, a trivial destructor and no memory elsewhere, so that calls before
// main, after exit has begun and in a forked child find it usable.
class Pool final {
 public:
  // False, and nothing done, if another call owns the pool. noexcept: a task that throws must not
  // unwind past workers which still use the caller's frame.
  bool try_run(int count, TaskRef task, const Machine& machine) noexcept;

  // Ends the workers, unless a call is under way. Later calls find the pool owned.
  void shut_down();

  // Forgets the parent's workers, which do not exist in a child.
  void reset_after_fork();

 private:
  void start_workers(int wanted, const Machine& machine);
  void open_job(int count, TaskRef task);
  void wake(int wanted);
  int drain();
  void wait_until_done(int others);
  void work();
  void park();
  auto spin_time() const { return spins_.load(std::memory_order_relaxed) ? kSpin : kSpin * 0; }

  // The job, in the one line that workers poll: they get all they need in a single transfer.
  alignas(kCacheLineBytes) std::atomic<int> unclaimed_{0};
  int count_ = 0;
  std::optional<TaskRef> task_;

  alignas(kCacheLineBytes) std::atomic<int> done_{0};  // tasks returned on workers

  alignas(kCacheLineBytes) std::atomic<int> sleepers_{0};
  std::atomic<int> wake_ups_{0};  // what sleepers wait on
  std::atomic<bool> stopping_{false};
  std::atomic<bool> spins_{true};

  alignas(kCacheLineBytes) std::atomic<bool> busy_{false};
  int workers_ = 0;
  int most_workers_ = kMostWorkers;
  std::array<pthread_t, kMostWorkers> threads_{};
};

bool Pool::try_run(int count, TaskRef task, const Machine& machine) noexcept {
  if (busy_.exchange(true, std::memory_order_acquire)) return false;
  inside_run = true;
  // More tasks than cores take turns: they do not wait for each other.
  start_workers(std::min(count, machine.cores) - 1, machine);
  open_job(count, task);
  task(0);
  const int mine = 1 + drain();
  wait_until_done(count - mine);
  inside_run = false;
  busy_.store(false, std::memory_order_release);
  return true;
}

void Pool::start_workers(int wanted, const Machine& machine) {
  if (workers_ >= std::min(wanted, most_workers_)) return;
  const auto main = [](void* pool) -> void* {
    static_cast<Pool*>(pool)->work();
    return nullptr;
  };
  while (workers_ < std::min(wanted, most_workers_)) {
    if (pthread_create(&threads_[static_cast<std::size_t>(workers_)], nullptr, main, this) != 0) {
      most_workers_ = workers_;  // the system's limit: go on with these
    } else {
      ++workers_;
    }
  }
  // With more threads than CPUs, one that spins keeps another from its task.
  spins_.store(workers_ < machine.default_threads(), std::memory_order_relaxed);
}

// The caller keeps index 0 for itself; the others go from 1 up to whoever comes first.
void Pool::open_job(int count, TaskRef task) {
  count_ = count;
  task_ = task;
  done_.store(0, std::memory_order_relaxed);
  unclaimed_.store(count - 1);
  wake(std::min(count - 1, workers_));
}

// A worker counts itself among the sleepers before it looks for a job a last time, and the job is
// open before the sleepers are counted here: one of the two sees the other (hence seq_cst).
void Pool::wake(int wanted) {
  const int sleepers = sleepers_.load();
  const int missing = wanted - (workers_ - sleepers);
  if (missing <= 0) return;
  wake_ups_.fetch_add(1);
  if (missing >= sleepers) {
    wake_ups_.notify_all();
  } else {
    for (int i = 0; i < missing; ++i) wake_ups_.notify_one();
  }
}

// Runs what is left to claim; returns how many that were.
int Pool::drain() {
  int ran = 0;
  while (unclaimed_.load(std::memory_order_relaxed) > 0) {
    const int left = unclaimed_.fetch_sub(1, std::memory_order_acq_rel);
    if (left <= 0) break;
    (*task_)(count_ - left);
    ++ran;
  }
  return ran;
}

void Pool::wait_until_done(int others) {
  if (spin_until(spin_time(), [&] { return done_.load(std::memory_order_acquire) == others; })) {
    return;
  }
  for (int done; (done = done_.load(std::memory_order_acquire)) != others;) done_.wait(done);
}

void Pool::work() {
  inside_run = true;
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (const int ran = drain(); ran > 0) {
      done_.fetch_add(ran);
      done_.notify_one();
    }
    if (!spin_until(spin_time(), [&] { return unclaimed_.load(std::memory_order_relaxed) > 0; })) {
      park();
    }
  }
}

void Pool::park() {
  sleepers_.fetch_add(1);
  const int seen = wake_ups_.load();
  if (unclaimed_.load() <= 0 && !stopping_.load()) wake_ups_.wait(seen);
  sleepers_.fetch_sub(1);
}

void Pool::shut_down() {
  if (busy_.exchange(true, std::memory_order_acquire)) return;
  stopping_.store(true);
  wake_ups_.fetch_add(1);
  wake_ups_.notify_all();
  for (int i = 0; i < workers_; ++i) pthread_join(threads_[static_cast<std::size_t>(i)], nullptr);
  workers_ = 0;
}

void Pool::reset_after_fork() {
  unclaimed_.store(0);
  sleepers_.store(0);
  workers_ = 0;
  most_workers_ = kMostWorkers;
  busy_.store(false);
}

constinit Pool pool;

// Exists from the loading of the library to its unloading, or the process's exit.
const struct ProcessHooks {
  ProcessHooks() {
    pthread_atfork(nullptr, nullptr, [] { pool.reset_after_fork(); });
  }
  ~ProcessHooks() { pool.shut_down(); }
} process_hooks;

class DefaultExecutor final : public Executor {
 public:
  void run(int count, TaskRef task) override {
    if (count > 1 && !inside_run && pool.try_run(count, task, system_machine())) return;
    for (int index = 0; index < count; ++index) task(index);
  }
};

// Made before main and never destroyed: static objects of the program may run plans at both ends.
union Permanent {
  constexpr Permanent() : object() {}
  ~Permanent() {}
  DefaultExecutor object;
};
constinit Permanent the_executor;

}  // namespace

Executor& default_executor() { return the_executor.object; }

}  // namespace plait
