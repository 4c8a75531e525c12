// Runs tasks on the threads of an OpenMP runtime that another library has loaded.
#pragma once

#include <plait/executor.hpp>

namespace plait::python {

// The executor that runs tasks on the threads on which torch runs its own operators. These spin for
// some milliseconds after each operator, on cores that other threads would need, so that a second
// pool halves the speed of both. Null if torch is not loaded or was built without OpenMP, and in a
// forked process, where no runtime has its threads. Inside of a parallel region the calling thread
// runs all tasks.
Executor* torch_executor();

}  // namespace plait::python
