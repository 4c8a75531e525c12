#include "openmp_executor.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>

namespace plait::python {
namespace {

// What GNU's runtime offers to compiled code, and LLVM's and Intel's do, too.
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

// The runtime that a library uses, if it is loaded: a search in a handle goes through what the
// library was linked to, and nothing else, so that of several runtimes in a process it finds the
// right one.
OpenMp runtime_of(const char* library) {
  OpenMp openmp;
  void* handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return openmp;
  look_up(handle, "GOMP_parallel", openmp.parallel);
  look_up(handle, "omp_in_parallel", openmp.in_parallel);
  look_up(handle, "omp_get_max_threads", openmp.max_threads);
  dlclose(handle);  // torch stays loaded without this
  return openmp;
}

class OpenMpExecutor final : public Executor {
 public:
  explicit OpenMpExecutor(const OpenMp& openmp) : openmp_(openmp) {}

  void run(int count, TaskRef task) override {
    if (count == 1 || openmp_.in_parallel() != 0) {
      for (int index = 0; index < count; ++index) task(index);
      return;
    }
    Region region{count, task};
    const int threads = std::min(count, openmp_.max_threads());
    openmp_.parallel(&work, &region, static_cast<unsigned>(threads), 0);
  }

 private:
  // The team may be smaller than asked for, so tasks are claimed, not dealt out.
  struct Region {
    int count;
    TaskRef task;
    std::atomic<int> next{0};
  };
  static void work(void* data) {
    auto& region = *static_cast<Region*>(data);
    for (int index; (index = region.next.fetch_add(1, std::memory_order_relaxed)) < region.count;) {
      region.task(index);
    }
  }

  OpenMp openmp_;
};

std::atomic<bool> forked{false};

Executor* make_torch_executor() {
  const OpenMp openmp = runtime_of("libtorch_cpu.so");
  if (!openmp.complete()) return nullptr;
  pthread_atfork(nullptr, nullptr, [] { forked.store(true); });
  return new OpenMpExecutor(openmp);  // never destroyed: calls may come until the process ends
}

}  // namespace

Executor* torch_executor() {
  if (forked.load(std::memory_order_relaxed)) return nullptr;
  static Executor* const executor = make_torch_executor();
  return executor;
}

}  // namespace plait::python
