// Runs tasks on the threads of a C caller that has its own.
#pragma once

#include <plait/plait.h>
#include <plait/executor.hpp>

namespace plait {

// Hands tasks to a plait_executor and checks its rules. If an executor called an index twice, two
// threads would write to one part of the workspace; if it left one out, outputs would not be
// written, and nobody would notice. Noting the calls costs one atomic operation per task.
class CallersExecutor final : public Executor {
 public:
  explicit CallersExecutor(const plait_executor& executor);  // Throws Error if it cannot be called.

  // Throws Error if not every task was called exactly once. Calls that were made have returned
  // then.
  void run(int count, TaskRef task) override;

 private:
  void run_some(int first, int count, TaskRef task) const;

  plait_executor executor_;
};

}  // namespace plait
