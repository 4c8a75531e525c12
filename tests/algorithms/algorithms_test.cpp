// Single cases of every room on every target; the sweep over random ones is
// tests/analysis/verify_test.cpp.
#include <gtest/gtest.h>

#include <limits>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "analysis/verify/check.hpp"
#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

Case case_of(const char* line, const std::string& algorithm, const Machine& machine) {
  Case test;
  test.problem = parse_problem(line);
  test.limits.algorithm = algorithm;
  test.limits.threads = 2;
  test.machine = machine;
  return test;
}

// Each line once fell off somebody's fast path (sources: bench/problems/odd.txt), or sits on an
// edge of the blocking.
TEST(Algorithms, ThePublicOddShapesMatchTheReference) {
  for (const char* line :
       {"1x512x4x4,64x512x3x3,p1", "1x144x12x12,144x144x3x3,p1", "1x128x83x11,32x128x5x1,s3x1,p2x0",
        "1x17x31x29,13x17x3x3,p1", "4x8x32x32,8x8x5x5,p2", "2x1x15x700,4x1x5x200",
        "1x3x64x64,64x3x7x7,s2,p2_3_2_3", "1x64x14x14,64x4x3x3,p1,g16", "1x1x1x1,1x1x1x1",
        "1x1x1x1,1x1x3x3,p1", "1x2x3x4,3x2x3x4", "3x2x5x5,4x2x2x2,s4", "1x4x9x9,4x4x3x3,p4,d4"}) {
    for (const Target target : runnable_targets()) {
      int taken = 0;
      for (const AlgorithmInfo& algorithm : algorithms()) {
        if (algorithm.name == "reference") continue;
        const Case test = case_of(line, algorithm.name, on_target(target));
        const CheckResult result = check(test);
        EXPECT_EQ(result.failure, "") << to_string(test);
        taken += result.refused ? 0 : 1;
      }
      EXPECT_GE(taken, 1) << line;
    }
  }
}

// The smallest workspace that strips ask for, and one byte less.
TEST(Algorithms, StripsKeepToACapOrRefuseIt) {
  Case test = case_of("1x16x20x30,24x16x3x3,p1", "direct/pixels", host_machine());
  test.limits.threads = 1;
  std::size_t smallest = plan(test.problem, test.limits).workspace_bytes();
  for (std::size_t cap = smallest; cap > 0; --cap) {
    test.limits.max_workspace_bytes = cap;
    try {
      smallest = plan(test.problem, test.limits).workspace_bytes();
      EXPECT_LE(smallest, cap);
      cap = smallest;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(std::to_string(cap)), std::string::npos)
          << error.what();
      break;
    }
  }
  EXPECT_LT(smallest, 20'000U);
  test.limits.max_workspace_bytes = smallest;
  const CheckResult result = check(test);
  EXPECT_FALSE(result.refused);
  EXPECT_EQ(result.failure, "");
}

// Delta is what the caller asks for, or a refusal that lists what there is.
TEST(Algorithms, TakeTheDeltaAskedFor) {
  for (const Target target : runnable_targets()) {
    for (const std::string algorithm : {"im2col", "pointwise", "direct/pixels", "depthwise"}) {
      const bool depthwise = algorithm == "depthwise";
      Case test = case_of(depthwise ? "1x5x7x150,30x1x3x3,g5" : "1x5x7x150,30x5x1x1", algorithm,
                          on_target(target));
      int taken = 0;
      for (int delta = 1; delta <= 128; ++delta) {
        test.limits.delta = delta;
        try {
          const std::string config = plan(test.problem, test.limits, test.machine).explain().config;
          EXPECT_EQ(config.find("delta " + std::to_string(delta) + ":"), 0U) << config;
          EXPECT_EQ(check(test).failure, "") << to_string(test);
          ++taken;
        } catch (const Error& error) {
          EXPECT_NE(std::string(error.what()).find("of delta " + std::to_string(delta)),
                    std::string::npos)
              << error.what();
        }
      }
      EXPECT_GE(taken, 3) << algorithm << " on " << name_of(target);
    }
  }
}

// Rooms multiply padding zeros like the reference, so that 0 * inf meets at the same outputs.
TEST(Algorithms, TreatNaNAndInfinityAsTheReferenceDoes) {
  for (const Target target : runnable_targets()) {
    for (const std::string algorithm : {"im2col", "pointwise", "direct/pixels"}) {
      const Problem problem = parse_problem(
          algorithm == "pointwise" ? "1x3x7x9,5x3x1x1,act=relu" : "1x3x7x9,5x3x3x3,p1,act=relu");
      Operands<float> operands(problem);
      operands.kernel(2, 1, 0, 0) = std::numeric_limits<float>::infinity();
      operands.kernel(4, 0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
      operands.x(0, 1, 3, 4) = -std::numeric_limits<float>::infinity();
      const Plan plan = plait::plan(problem, {.algorithm = algorithm}, on_target(target));
      Tensor<float> y(problem.y_shape());
      plan.run(operands.x, plan.pack(operands.kernel), y);
      const ErrorReport error = measure_error<float>(problem, plan.cost().bound(), operands.x,
                                                     operands.kernel, {}, {}, y.view());
      EXPECT_LE(error.worst_bound_share, 1) << algorithm << " on " << name_of(target);
    }
  }
}

// Subnormal data may be flushed to zero inside a run, within the bound; the caller's mode returns.
TEST(Algorithms, SubnormalsStayWithinTheBoundAndTheModeIsRestored) {
  const Problem problem = parse_problem("1x8x10x10,8x8x3x3,p1");
  Operands<float> operands(problem);
  for (std::int64_t c = 0; c < 8; ++c) operands.x(0, c, 5, 5) = 1e-42F;
  for (std::int64_t c = 0; c < 8; ++c) operands.kernel(0, c, 1, 1) = 1e-41F;
  for (const std::string algorithm : {"im2col", "direct/pixels"}) {
    const Plan plan = plait::plan(problem, {.threads = 1, .algorithm = algorithm});
    Tensor<float> y(problem.y_shape());
    plan.run(operands.x, plan.pack(operands.kernel), y);
    const ErrorReport error = measure_error<float>(problem, plan.cost().bound(), operands.x,
                                                   operands.kernel, {}, {}, y.view());
    EXPECT_LE(error.worst_bound_share, 1) << algorithm;
    volatile float tiny = 1e-40F;
    EXPECT_GT(tiny * 0.5F, 0.0F) << algorithm << " left flush-to-zero on";
  }
}

}  // namespace
}  // namespace plait::test
