// The plans that conv2d keeps: bounded, keyed by all that matters, least recently used out first.
#include "planner/plan_cache.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include <plait/conv2d.hpp>

#include "support/calls.hpp"
#include "support/child.hpp"

namespace plait {
namespace {

using test::ScopedVariable;

Problem of_height(std::int64_t h) {
  Problem problem = parse_problem("1x2x1x4,3x2x1x1");
  problem.h = h;
  return problem;
}

// Copies of a plan share its explanation: equal addresses mean the same plan.
const Explanation* identity(const Plan& made) { return &made.explain(); }

TEST(PlanCache, IsBoundedOverManySizes) {
  clear_cache();
  ASSERT_EQ(cached_plan_count(), 0U);
  const Tensor<float> kernel({3, 2, 1, 1});
  for (std::int64_t size = 1; size <= 600; ++size) {
    conv2d(Tensor<float>({1, 2, size, 1}), kernel);
    ASSERT_LE(cached_plan_count(), kPlanCacheCapacity);
    if (size <= 200) {
      ASSERT_EQ(cached_plan_count(), static_cast<std::size_t>(size));
    }
  }
  EXPECT_EQ(cached_plan_count(), kPlanCacheCapacity);
  clear_cache();
  EXPECT_EQ(cached_plan_count(), 0U);
}

TEST(PlanCache, EqualCallsShareOnePlan) {
  clear_cache();
  const Tensor<float> x({1, 2, 9, 9});
  const Tensor<float> kernel({3, 2, 3, 3});
  conv2d(x, kernel);
  conv2d(x, kernel);
  EXPECT_EQ(cached_plan_count(), 1U);
  conv2d(x, kernel, {.executor = &default_executor()});
  EXPECT_EQ(cached_plan_count(), 1U) << "plans do not depend on what runs them";
  conv2d(x, kernel, {.padding = 1});
  EXPECT_EQ(cached_plan_count(), 2U);
  const Plan first = cached_plan(of_height(5), {});
  EXPECT_EQ(identity(cached_plan(of_height(5), {})), identity(first));
}

TEST(PlanCache, DropsTheLeastRecentlyUsed) {
  clear_cache();
  const auto capacity = static_cast<std::int64_t>(kPlanCacheCapacity);
  const Plan first = cached_plan(of_height(1), {});
  const Plan second = cached_plan(of_height(2), {});
  for (std::int64_t h = 3; h <= capacity; ++h) cached_plan(of_height(h), {});
  EXPECT_EQ(identity(cached_plan(of_height(1), {})), identity(first)) << "used again";
  cached_plan(of_height(capacity + 1), {});
  EXPECT_EQ(identity(cached_plan(of_height(1), {})), identity(first)) << "so it stays";
  EXPECT_NE(identity(cached_plan(of_height(2), {})), identity(second)) << "and the next one goes";
  clear_cache();
}

TEST(PlanCache, EveryLimitIsPartOfTheKey) {
  clear_cache();
  std::vector<Limits> all(8);
  all[1].accuracy = Accuracy::strict;
  all[2].max_workspace_bytes = 12345;
  all[3].threads = 7;
  all[4].prepacked = false;
  all[5].packed_format = cached_plan(of_height(5), {}).packed_format();
  all[6].algorithm = "reference";
  all[7].reproducible = true;
  for (const Limits& limits : all) {
    Limits planned = cached_plan(of_height(5), limits).explain().limits;
    if (limits.threads == 0) planned.threads = 0;  // filled in from the machine
    EXPECT_EQ(planned, limits);
  }
  EXPECT_EQ(cached_plan_count(), all.size());
  clear_cache();
}

TEST(PlanCache, ObeysTheEnvironmentOfTheCall) {
  clear_cache();
  const ScopedVariable unset("PLAIT_FORCE_ALGORITHM", nullptr);
  const std::string chosen = cached_plan(of_height(5), {}).algorithm();
  for (const char* name : {"reference", "im2col"}) {
    const ScopedVariable set("PLAIT_FORCE_ALGORITHM", name);
    EXPECT_EQ(cached_plan(of_height(5), {}).algorithm(), name);
  }
  EXPECT_EQ(cached_plan(of_height(5), {}).algorithm(), chosen);
}

TEST(PlanCache, FailedPlansLeaveNothing) {
  clear_cache();
  Limits limits;
  limits.algorithm = "bogo";
  EXPECT_THROW(cached_plan(of_height(5), limits), Error);
  EXPECT_EQ(cached_plan_count(), 0U);
}

TEST(PlanCache, ServesManyThreads) {
  clear_cache();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (std::int64_t h = 1; h <= 300; ++h) {
        ASSERT_EQ(cached_plan(of_height(h), {}).problem(), of_height(h));
        if (h % 100 == 0) clear_cache();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cached_plan_count(), kPlanCacheCapacity);
}

TEST(PlanCache, ServesOnePlanToManyCallsAtOnce) {
  for (const char* line : {"1x40x14x13,25x40x3x3,p1,bias", "2x12x11x9,21x4x3x5,s2x1,p2_1_0_3,g3",
                           "1x300x12x13,25x300x1x1,bias"}) {
    const Problem p = parse_problem(line);
    const Operands<float> operands(p);
    const auto call = [&] {
      return conv2d(operands.x, operands.kernel,
                    {.stride = p.stride,
                     .padding = p.padding,
                     .groups = p.groups,
                     .bias = operands.bias_view(),
                     .threads = 2});
    };
    const Tensor<float> expected = call();
    clear_cache();  // the first calls also meet where no plan is cached yet
    EXPECT_EQ(test::wrong_side_by_side(expected, call), 0) << line;
    EXPECT_EQ(cached_plan_count(), 1U) << line;
  }
}

#if !defined(__SANITIZE_THREAD__)
// Neither the cache's lock nor anything made on first use may stay locked in the child. Not under
// the thread sanitizer: GCC 12's does not release its own allocator's locks in a child, which then
// waits in operator new forever, about once in 500 forks.
TEST(PlanCache, WorksInAChildForkedDuringACallOfAnotherThread) {
  std::atomic<bool> stop{false};
  const auto convolve = [](std::int64_t size) {
    return conv2d(Tensor<float>({1, 2, size, 40}), Tensor<float>({3, 2, 3, 3})).size();
  };
  std::thread caller([&] {
    for (std::int64_t size = 3; !stop; size = size % 500 + 3) convolve(size);
  });
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(test::exit_status_of_child([&] { return convolve(30) == 28 * 38 * 3 ? 0 : 1; }), 0);
  }
  stop = true;
  caller.join();
}
#endif

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep freed memory

std::int64_t resident_bytes() {
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(Memory, StaysFlatOverChangingSizes) {
  Random random(9);
  const auto call = [&] {
    const std::int64_t channels = random.between(1, 64);
    const Tensor<float> x({1, channels, random.between(3, 60), random.between(3, 60)});
    conv2d(x, Tensor<float>({random.between(1, 64), channels, 3, 3}), {.padding = 1});
  };
  for (int warm_up = 0; warm_up < 30; ++warm_up) call();
  const std::int64_t before = resident_bytes();
  ASSERT_GT(before, 1 << 20);
  for (int round = 0; round < 300; ++round) call();
  EXPECT_LT(resident_bytes() - before, 64 << 20);
}

#endif

}  // namespace
}  // namespace plait
