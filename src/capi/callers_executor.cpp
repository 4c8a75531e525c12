#include "capi/callers_executor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include <plait/error.hpp>

namespace plait {
namespace {

// The most tasks handed out at once, so that the notes fit on the stack: a run allocates nothing.
constexpr int kMostTasks = 1024;

// The tasks that were handed out, and which of them were called.
struct Handed {
  TaskRef task;
  int first;
  int count;
  std::array<std::atomic<bool>, kMostTasks> called{};
  std::atomic<bool> twice{false};
  std::atomic<bool> out_of_range{false};
};

void call(void* data, std::int32_t index) {
  Handed& handed = *static_cast<Handed*>(data);
  if (index < 0 || index >= handed.count) {
    handed.out_of_range = true;
  } else if (handed.called[static_cast<std::size_t>(index)].exchange(true)) {
    handed.twice = true;
  } else {
    handed.task(handed.first + index);
  }
}

void check_calls(const Handed& handed) {
  const auto* const end = handed.called.begin() + handed.count;
  const auto* const left_out = std::find(handed.called.begin(), end, false);
  if (left_out == end && !handed.twice && !handed.out_of_range) return;
  std::string what =
      " but returned before it had called " + std::to_string(left_out - handed.called.begin());
  if (handed.twice) what = " but called one twice";
  if (handed.out_of_range) what = " but called another one";
  throw Error(Status::invalid_argument, "options.executor must call every index from 0 to " +
                                            std::to_string(handed.count - 1) + " once" + what);
}

}  // namespace

CallersExecutor::CallersExecutor(const plait_executor& executor) : executor_(executor) {
  if (executor.run == nullptr) {
    throw Error(Status::invalid_argument, "options.executor->run is NULL");
  }
}

void CallersExecutor::run(int count, TaskRef task) {
  for (int first = 0; first < count; first += kMostTasks) {
    run_some(first, std::min(count - first, kMostTasks), task);
  }
}

void CallersExecutor::run_some(int first, int count, TaskRef task) const {
  Handed handed{.task = task, .first = first, .count = count};
  executor_.run(executor_.context, count, &call, &handed);
  check_calls(handed);
}

}  // namespace plait
