#include "openmp_executor.hpp"

#include "long_call.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace plait::python {
namespace {

// The interface that GNU's runtime offers to compiled code. LLVM's and Intel's offer it too.
struct OpenMp {
  void (*parallel)(void (*region)(void*), void* data, unsigned threads, unsigned flags) = nullptr;
  int (*in_parallel)() = nullptr;
  int (*max_threads)() = nullptr;

  bool complete() const {
    return parallel != nullptr && in_parallel != nullptr && max_threads != nullptr;
  }
};

template <class Function>
void look_up(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
}

// The runtime that a loaded library uses. A search in the library's handle goes through the
// libraries that it was linked to and nothing else, so it finds the right one of several runtimes
// in a process.
OpenMp runtime_of(const char* library) {
  OpenMp openmp;
  void* handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return openmp;
  look_up(handle, "GOMP_parallel", openmp.parallel);
  look_up(handle, "omp_in_parallel", openmp.in_parallel);
  look_up(handle, "omp_get_max_threads", openmp.max_threads);
  dlclose(handle);  // torch stays loaded, as others hold it
  return openmp;
}

using Clock = std::chrono::steady_clock;

// A parallel region ends when all of its threads have arrived, even those for which no task is
// left. On a busy machine a thread that the scheduler delays so costs milliseconds. The library's
// own pool does not wait for threads that have not begun.
constexpr std::chrono::microseconds kLate{100};
constexpr std::chrono::milliseconds kFirstPause{10};
constexpr std::chrono::milliseconds kLongestPause{640};

// How long the region's threads are not used after one of them was late. The time doubles whenever
// the next try is late again.
class Pause {
 public:
  bool lasts(Clock::time_point now) const {
    return now.time_since_epoch().count() < until_.load(std::memory_order_relaxed);
  }
  void report(bool late, Clock::time_point now) {
    if (!late) {
      if (length_.load(std::memory_order_relaxed) != 0) length_.store(0, std::memory_order_relaxed);
      return;
    }
    const Clock::duration last(length_.load(std::memory_order_relaxed));
    const Clock::duration next = std::clamp<Clock::duration>(2 * last, kFirstPause, kLongestPause);
    length_.store(next.count(), std::memory_order_relaxed);
    until_.store((now + next).time_since_epoch().count(), std::memory_order_relaxed);
  }

 private:
  std::atomic<Clock::rep> until_{0};
  std::atomic<Clock::rep> length_{0};  // 0: no thread was late at the last try
};

// A runtime starts a team of threads for each thread that begins a region, and the team ends with
// that thread. A thread that answers a single request of a server would wait for its team longer
// than it helps: for 1x128x56x56,128x128x3x3,s2,p1 the first region of a new thread takes 2.28 ms,
// as long as one thread alone, and the library's pool takes 1.25 ms [Zen 4 VM, 2026-12-01].
constexpr int kCallsOfANewThread = 16;

bool thread_is_new() {
  static thread_local int calls = 0;
  if (calls == kCallsOfANewThread) return false;
  if (calls == 0 && on_main_thread()) {
    calls = kCallsOfANewThread;
    return false;
  }
  ++calls;
  return true;
}

class OpenMpExecutor final : public Executor {
 public:
  explicit OpenMpExecutor(const OpenMp& openmp) : openmp_(openmp) {}

  void run(int count, TaskRef task) override {
    if (count == 1 || openmp_.in_parallel() != 0) {
      for (int index = 0; index < count; ++index) task(index);
      return;
    }
    if (thread_is_new() || pause_.lasts(Clock::now())) {
      default_executor().run(count, task);
      return;
    }
    Region region{count, task};
    const int threads = std::min(count, openmp_.max_threads());
    openmp_.parallel(&work, &region, static_cast<unsigned>(threads), 0);
    const Clock::time_point now = Clock::now();
    pause_.report(now - Clock::time_point(Clock::duration(region.end)) > kLate, now);
  }

 private:
  // The team may be smaller than asked for, so its threads claim tasks one by one.
  struct Region {
    int count;
    TaskRef task;
    std::atomic<int> next{0};
    std::atomic<Clock::rep> end{0};  // when the last task ended
  };
  static void work(void* data) {
    auto& region = *static_cast<Region*>(data);
    bool worked = false;
    for (int index; (index = region.next.fetch_add(1, std::memory_order_relaxed)) < region.count;) {
      region.task(index);
      worked = true;
    }
    if (!worked) return;
    const Clock::rep now = Clock::now().time_since_epoch().count();
    Clock::rep last = region.end.load(std::memory_order_relaxed);
    while (last < now && !region.end.compare_exchange_weak(last, now)) {
    }
  }

  OpenMp openmp_;
  Pause pause_;
};

// Set in a forked child, where a runtime would wait for threads of the parent, even for those that
// torch started before any call of plait. The handler is registered when the extension is loaded.
constinit std::atomic<bool> forked{false};
[[maybe_unused]] const int registered =
    pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });

Executor* make_torch_executor() {
  const OpenMp openmp = runtime_of("libtorch_cpu.so");
  if (!openmp.complete()) return nullptr;
  return new OpenMpExecutor(openmp);  // never destroyed, as calls may come until the process ends
}

}  // namespace

Executor* torch_executor() {
  if (forked.load(std::memory_order_relaxed)) return nullptr;
  static Executor* const executor = make_torch_executor();
  return executor;
}

}  // namespace plait::python
