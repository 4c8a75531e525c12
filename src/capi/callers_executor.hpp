// What runs the tasks of a C caller who has threads of his own.
#pragma once

#include <plait/plait.h>
#include <plait/executor.hpp>

namespace plait {

// Hands tasks to a plait_executor, and holds it to its rules. One that calls an index twice would
// let two threads write to one part of the workspace, one that leaves an index out would leave
// outputs unwritten, and nobody would know; noting each call costs one atomic operation for a task.
class CallersExecutor final : public Executor {
 public:
  explicit CallersExecutor(const plait_executor& executor);  // Throws Error if it cannot be called.

  // Throws Error if not every task was called once; what was called has returned then.
  void run(int count, TaskRef task) override;

 private:
  void run_some(int first, int count, TaskRef task) const;

  plait_executor executor_;
};

}  // namespace plait
