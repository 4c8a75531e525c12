// The threads of an OpenMP runtime that another library of the process brought along.
#pragma once

#include <plait/executor.hpp>

namespace plait::python {

// Runs tasks on the threads with which torch runs its own operators. They spin for some
// milliseconds after each, on the cores that other threads would need: a pool beside them halves
// the speed of both. Null where torch is not loaded, was built without OpenMP, or this process was
// forked, since no runtime's threads outlive that. Inside of a parallel region the calling thread
// runs all tasks.
Executor* torch_executor();

}  // namespace plait::python
