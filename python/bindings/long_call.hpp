// Work without the GIL, and Ctrl-C while it runs.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <functional>

namespace plait::python {

namespace nb = nanobind;

// Calls that are predicted to take longer than this run on a thread of their own, so that Python's
// signal handlers can run on the main thread meanwhile. Starting a thread takes some 30 us, a
// thousandth of this time.
inline constexpr double kLongCallSeconds = 0.03;

// The least time that analysing a kernel takes, by the number of its values.
inline constexpr double kSecondsPerValue = 1e-6;

// Work that polls a flag to stop early, and that may set the flag itself.
using CancellableWork = std::function<void(std::atomic<bool>* cancel)>;

// Runs the work on another thread while this thread runs Python's signal handlers. If one of them
// raises (KeyboardInterrupt), the work is cancelled, and the exception is raised when it has
// stopped.
void run_interruptibly(const CancellableWork& work);

// Whether this is Python's main thread, the only one that runs signal handlers.
bool on_main_thread();

// Runs the work without the GIL. It must not touch Python.
template <class Work>
void run_released(double predicted_seconds, Work&& work) {
  if (predicted_seconds >= kLongCallSeconds && on_main_thread()) {
    run_interruptibly(work);
    return;
  }
  const nb::gil_scoped_release released;
  work(nullptr);
}

}  // namespace plait::python
