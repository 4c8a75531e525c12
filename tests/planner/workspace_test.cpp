// The workspace that the library lends to runs without one of the caller's.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <utility>

#include <plait/conv2d.hpp>
#include <plait/plan.hpp>

#include "planner/workspace.hpp"
#include "support/algorithms.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

TEST(WorkspaceLease, GivesAlignedMemoryOrNone) {
  EXPECT_EQ(WorkspaceLease(0).data(), nullptr);
  const WorkspaceLease lease(100);
  ASSERT_NE(lease.data(), nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(lease.data()) % 64, 0U);
}

TEST(WorkspaceLease, IsOfNobodyElseWhileItLasts) {
  constexpr std::ptrdiff_t kBytes = 1000;
  const WorkspaceLease first(kBytes);
  const WorkspaceLease second(kBytes);
  const std::ptrdiff_t apart = second.data() - first.data();
  EXPECT_TRUE(apart >= kBytes || -apart >= kBytes) << apart;
}

TEST(WorkspaceLease, IsTheSameMemoryFromRunToRun) {
  const std::byte* first = WorkspaceLease(5000).data();
  EXPECT_EQ(WorkspaceLease(5000).data(), first);
  EXPECT_EQ(WorkspaceLease(100).data(), first);
}

// Calls `interruption` before it runs tasks.
class InterruptedExecutor final : public Executor {
 public:
  explicit InterruptedExecutor(std::function<void()> interruption)
      : interruption_(std::move(interruption)) {}
  void run(int count, TaskRef task) override {
    interruption_();
    for (int index = 0; index < count; ++index) task(index);
  }

 private:
  std::function<void()> interruption_;
};

// Weights packed into the workspace lie there from one round of tasks to the next.
TEST(WorkspaceLease, IsLeftAloneByRunsInsideARun) {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    Limits limits = only(algorithm.name);
    limits.prepacked = false;
    const Plan made = plan(problem_for(algorithm.name), limits);
    EXPECT_EQ(made.workspace_bytes() > 0, traits_of(algorithm.name).is_vectorised)
        << algorithm.name;
    const auto run = [&](const Operands<float>& operands, Executor& executor) {
      RunOptions<float> options;
      options.executor = &executor;
      Tensor<float> y(made.problem().y_shape());
      made.run<float>(operands.x, operands.kernel, {}, y, options);
      return y;
    };
    const Operands<float> outer(made.problem(), 1);
    const Operands<float> inner(made.problem(), 2);
    const Tensor<float> expected = run(outer, default_executor());
    InterruptedExecutor executor([&] {
      run(inner, default_executor());
      clear_cache();
    });
    EXPECT_TRUE(same_bytes(run(outer, executor), expected)) << algorithm.name;
  }
}

}  // namespace
}  // namespace plait::test
