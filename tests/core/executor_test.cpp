#include <plait/executor.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <plait/conv2d.hpp>

#include "analysis/test_data.hpp"
#include "capi/callers_executor.hpp"
#include "support/algorithms.hpp"
#include "support/calls.hpp"
#include "support/child.hpp"

namespace plait {
namespace {

using namespace std::chrono_literals;

// How often each index was called.
std::vector<int> calls_of(Executor& executor, int count) {
  std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
  executor.run(count, [&](int index) { ++calls[static_cast<std::size_t>(index)]; });
  return {calls.begin(), calls.end()};
}

std::vector<int> once_each(int count) {
  return std::vector<int>(static_cast<std::size_t>(count), 1);
}

using test::exit_status_of_child;

int runs_right() { return calls_of(default_executor(), 100) == once_each(100) ? 0 : 1; }

TEST(Executor, CallsEveryIndexOnce) {
  for (const int count : {0, 1, 2, 3, 100, 10000}) {
    EXPECT_EQ(calls_of(default_executor(), count), once_each(count)) << count;
  }
}

TEST(Executor, CallsEveryIndexOnceInManyCallsInARow) {
  std::atomic<int> calls{0};
  for (int round = 0; round < 20000; ++round) {
    default_executor().run(3, [&](int index) { calls += 1 + index; });
  }
  EXPECT_EQ(calls, 20000 * 6);
}

TEST(Executor, CallsEveryIndexOnceWhenWorkersHaveGoneToSleep) {
  for (int round = 0; round < 50; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
    EXPECT_EQ(calls_of(default_executor(), 4), once_each(4));
  }
}

// What the tasks wrote is there for the caller, without atomics of its own.
TEST(Executor, ShowsTheCallerWhatTasksWrote) {
  std::vector<int> values(1000);
  for (int round = 1; round <= 100; ++round) {
    default_executor().run(1000,
                           [&](int index) { values[static_cast<std::size_t>(index)] += index; });
    EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0), round * (999 * 1000 / 2));
  }
}

TEST(Executor, UsesASecondCore) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core";
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> helped{false};
  while (!helped) {  // for ever, if no worker ever comes: ctest ends that
    default_executor().run(2, [&](int) {
      if (std::this_thread::get_id() != caller) helped = true;
      std::this_thread::sleep_for(20ms);
    });
  }
}

TEST(Executor, RunsNestedCalls) {
  std::atomic<int> calls{0};
  default_executor().run(8, [&](int) {
    default_executor().run(8, [&](int) { default_executor().run(2, [&](int) { ++calls; }); });
  });
  EXPECT_EQ(calls, 8 * 8 * 2);
}

TEST(Executor, ServesCallersAtOnce) {
  std::array<std::thread, 8> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 8; ++caller) {
    callers[static_cast<std::size_t>(caller)] = std::thread([&wrong, caller] {
      for (int round = 0; round < 500; ++round) {
        const int count = 1 + (caller + round) % 7;
        if (calls_of(default_executor(), count) != once_each(count)) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

// A caller whose task takes long must not hold up another caller.
TEST(Executor, LetsASecondCallerProgressDuringALongCall) {
  std::atomic<bool> started{false};
  std::atomic<bool> release{false};
  std::thread first([&] {
    default_executor().run(2, [&](int) {
      started = true;
      while (!release) std::this_thread::sleep_for(1ms);
    });
  });
  while (!started) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(calls_of(default_executor(), 10), once_each(10));
  release = true;
  first.join();
}

TEST(Executor, WorksInAForkedChild) {
  runs_right();
  EXPECT_EQ(exit_status_of_child(runs_right), 0);
  EXPECT_EQ(runs_right(), 0) << "the parent, after the fork";
}

TEST(Executor, WorksInAGrandchild) {
  runs_right();
  EXPECT_EQ(exit_status_of_child([] { return runs_right() + exit_status_of_child(runs_right); }),
            0);
}

TEST(Executor, WorksInAChildForkedDuringACallOfAnotherThread) {
  std::atomic<bool> stop{false};
  std::thread caller([&] {
    while (!stop) default_executor().run(4, [](int) { std::this_thread::sleep_for(10us); });
  });
  for (int round = 0; round < 20; ++round) EXPECT_EQ(exit_status_of_child(runs_right), 0);
  stop = true;
  caller.join();
}

// The child gets workers of its own, not only a caller that does everything.
TEST(Executor, UsesASecondCoreInAForkedChild) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core";
  runs_right();
  EXPECT_EQ(exit_status_of_child([] {
              const auto caller = std::this_thread::get_id();
              std::atomic<bool> helped{false};
              while (!helped) {  // the alarm ends it
                default_executor().run(2, [&](int) {
                  if (std::this_thread::get_id() != caller) helped = true;
                  std::this_thread::sleep_for(20ms);  // time for a worker to wake on a busy machine
                });
              }
              return 0;
            }),
            0);
}

// In a process of its own: the others fork, which sanitizers do not expect before an exit.
class ExecutorExit : public testing::Test {
 protected:
  ExecutorExit() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// The static object is destroyed after the pool has ended, and calls it.
TEST_F(ExecutorExit, MayBeFollowedByCalls) {
  static struct CallsAtExit {
    bool armed = false;
    ~CallsAtExit() {
      if (armed && runs_right() != 0) _exit(1);
    }
  } calls_at_exit;
  const auto exit_after_a_call = [] {
    alarm(test::kHangSeconds);
    calls_at_exit.armed = true;
    std::exit(runs_right());
  };
  EXPECT_EXIT(exit_after_a_call(), testing::ExitedWithCode(0), "");
}

TEST_F(ExecutorExit, MayHappenInsideATask) {
  const auto exit_in_task = [] {
    alarm(test::kHangSeconds);
    default_executor().run(2, [](int index) {
      if (index == 0) std::exit(0);
    });
  };
  EXPECT_EXIT(exit_in_task(), testing::ExitedWithCode(0), "");
}

TEST_F(ExecutorExit, MayHappenDuringACallOfAnotherThread) {
  const auto exit_during_a_call = [] {
    alarm(test::kHangSeconds);
    std::thread([] {
      for (;;) default_executor().run(4, [](int) { std::this_thread::sleep_for(10us); });
    }).detach();
    std::this_thread::sleep_for(5ms);
    std::exit(0);
  };
  EXPECT_EXIT(exit_during_a_call(), testing::ExitedWithCode(0), "");
}

// What Linux tells of a thread of this process.
struct ThreadState {
  bool asleep;
  std::string switches;  // how often it gave up or lost its CPU, as lines of text

  friend bool operator==(const ThreadState&, const ThreadState&) = default;
};

std::set<std::string> thread_ids() {
  std::set<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    ids.insert(entry.path().filename());
  }
  return ids;
}

std::vector<ThreadState> states_of(const std::set<std::string>& ids) {
  std::vector<ThreadState> states;
  for (const std::string& id : ids) {
    ThreadState state{};
    std::ifstream status("/proc/self/task/" + id + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("State:")) state.asleep = line.find('S', 6) != std::string::npos;
      if (line.find("ctxt_switches") != std::string::npos) state.switches += line + "\n";
    }
    states.push_back(state);
  }
  return states;
}

// Waits until all workers are asleep and none has woken up for a while. A worker that spins is
// never asleep, one that polls wakes up: that is a hang. Only in a child are the threads that a
// call adds just the workers.
int workers_fall_asleep() {
  const std::set<std::string> before = thread_ids();
  if (runs_right() != 0) return 1;
  std::set<std::string> workers = thread_ids();
  for (const std::string& id : before) workers.erase(id);
  if (workers.empty()) return 2;
  const auto awake = [](const ThreadState& state) { return !state.asleep; };
  std::vector<ThreadState> states = states_of(workers);
  for (;;) {
    std::this_thread::sleep_for(100ms);
    std::vector<ThreadState> now = states_of(workers);
    if (now == states && std::none_of(now.begin(), now.end(), awake)) return 0;
    states = std::move(now);
  }
}

TEST(Executor, TakesNoCpuTimeWhenIdle) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core: no workers";
  EXPECT_EQ(exit_status_of_child(workers_fall_asleep), 0);
}

class BackwardsExecutor final : public Executor {
 public:
  void run(int count, TaskRef task) override {
    most_tasks = std::max(most_tasks, count);
    for (int index = count - 1; index >= 0; --index) task(index);
  }
  int most_tasks = 0;
};

TEST(Executor, CanBeTheUsersOwn) {
  BackwardsExecutor executor;
  std::vector<int> order;
  executor.run(3, [&](int index) { order.push_back(index); });
  EXPECT_EQ(order, (std::vector<int>{2, 1, 0}));
}

// In turns of 1024, of which the C caller sees each as one from 0.
TEST(Executor, OfACCallerRunsEveryTaskOnce) {
  int most = 0;
  const plait_executor in_order = {
      [](void* context, std::int32_t count, void (*task)(void*, std::int32_t), void* data) {
        int& seen = *static_cast<int*>(context);
        seen = std::max(seen, count);
        for (std::int32_t index = 0; index < count; ++index) task(data, index);
      },
      &most};
  CallersExecutor executor(in_order);
  for (const int count : {0, 1, 1024, 1025, 2500}) {
    EXPECT_EQ(calls_of(executor, count), once_each(count)) << count;
  }
  EXPECT_EQ(most, 1024);
}

// Algorithms hand out as many tasks as the plan has threads, each in its own way.
TEST(Executor, OfAConv2dCallRunsItsTasks) {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const Problem p = test::problem_for(algorithm.name);
    const Operands<float> operands(p);
    Conv2dOptions<float> options = {.stride = p.stride,
                                    .padding = p.padding,
                                    .groups = p.groups,
                                    .accuracy = Accuracy::relaxed,
                                    .threads = 3,
                                    .algorithm = algorithm.name};
    const Tensor<float> expected = conv2d(operands.x, operands.kernel, options);
    const int threads = conv2d_plan(operands.x.view(), operands.kernel.view(), options).threads();
    const int tasks = test::traits_of(algorithm.name).is_vectorised ? threads : 0;
    BackwardsExecutor executor;
    options.executor = &executor;
    EXPECT_TRUE(test::same_bytes(conv2d(operands.x, operands.kernel, options), expected))
        << algorithm.name;
    EXPECT_EQ(executor.most_tasks, tasks) << algorithm.name;
    BackwardsExecutor of_the_other;
    options.executor = &of_the_other;
    Tensor<float> y(expected.shape());
    conv2d_into<float>(y.view(), operands.x.view(), operands.kernel.view(), options);
    EXPECT_TRUE(test::same_bytes(y, expected)) << algorithm.name;
    EXPECT_EQ(of_the_other.most_tasks, tasks) << algorithm.name;
  }
}

}  // namespace
}  // namespace plait
