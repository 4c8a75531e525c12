// How plait runs work in parallel. A caller with threads of its own: docs/executors.md.
#pragma once

#include <memory>
#include <type_traits>

#include <plait/export.hpp>

namespace plait {

// A non-owning reference to a callable void(int): two words, no allocation. The callable must
// outlive the call it is passed to.
class TaskRef {
 public:
  template <class Callable,
            class = std::enable_if_t<!std::is_same_v<std::remove_cvref_t<Callable>, TaskRef>>>
  // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload)
  TaskRef(Callable&& callable)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, int index) {
          (*static_cast<std::remove_reference_t<Callable>*>(object))(index);
        }) {}

  void operator()(int index) const { call_(object_, index); }

 private:
  void* object_;
  void (*call_)(void*, int);
};

// What runs the tasks of a run side by side.
class PLAIT_API Executor {
 public:
  constexpr Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  // Calls task(0) ... task(count - 1), each once, possibly at the same time on different threads,
  // and returns when all have returned. Tasks do not throw and do not wait for each other. May be
  // called by several threads at once, and from inside a task.
  virtual void run(int count, TaskRef task) = 0;
};

// The library's own pool, shared by the process; its workers start when first needed, spin at most
// 50 us after a call and then sleep. Safe after fork: a child starts workers of its own.
PLAIT_API Executor& default_executor();

}  // namespace plait
