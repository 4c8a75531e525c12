// Work without the GIL, and Ctrl-C while it runs.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <functional>

namespace plait::python {

namespace nb = nanobind;

// Calls from here on get a thread of their own, so that Python's signal handlers can run in the
// main one meanwhile: starting a thread costs some 30 us, a thousandth of this.
inline constexpr double kLongCallSeconds = 0.03;

// What analysing a kernel takes at least, by the number of its values.
inline constexpr double kSecondsPerValue = 1e-6;

// May set the flag itself.
using CancellableWork = std::function<void(std::atomic<bool>* cancel)>;

// Runs the work on another thread while this one runs Python's signal handlers. If one of them
// raises (KeyboardInterrupt), the work is cancelled and the exception raised once it has stopped.
void run_interruptibly(const CancellableWork& work);

// Python runs signal handlers in its main thread only.
bool on_main_thread();

// Runs the work, which must not touch Python, without the GIL.
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
