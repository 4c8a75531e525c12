// Single cases of every algorithm on every target; the sweep over random ones is
// tests/analysis/verify_test.cpp.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <set>
#include <string>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "analysis/verify/check.hpp"
#include "support/algorithms.hpp"
#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

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
        const Case test = {.problem = parse_problem(line),
                           .limits = only(algorithm.name),
                           .machine = on_target(target)};
        const CheckResult result = check(test);
        EXPECT_EQ(result.failure, "") << to_string(test);
        taken += result.refused ? 0 : 1;
      }
      EXPECT_GE(taken, 1) << line;
    }
  }
}

// A row for every algorithm, and an algorithm for every row.
TEST(AlgorithmTraits, KnowEveryAlgorithm) {
  std::set<std::string> known;
  for (const Traits& traits : all_traits()) EXPECT_TRUE(known.emplace(traits.algorithm).second);
  for (const AlgorithmInfo& algorithm : algorithms()) {
    EXPECT_EQ(known.erase(algorithm.name), 1U)
        << "say in kTraits of tests/support/algorithms.cpp what " << algorithm.name << " promises";
    EXPECT_NO_THROW(problem_for(algorithm.name));
  }
  EXPECT_EQ(known, std::set<std::string>()) << "kTraits knows an algorithm that does not exist";
}

class EveryAlgorithm : public testing::TestWithParam<Subject> {
 protected:
  const std::string& name() const { return GetParam().algorithm; }
  const Traits& traits() const { return traits_of(name()); }
  Machine machine() const { return on_target(GetParam().target); }
  Case case_of(const Problem& problem) const {
    return {.problem = problem, .limits = only(name()), .machine = machine()};
  }
};

// One byte less than what was asked for each time, until that is refused.
TEST_P(EveryAlgorithm, KeepsToACapOrRefusesIt) {
  static constexpr std::array kLines = {"1x16x20x30,24x16x3x3,p1", "1x40x20x30,24x40x1x1",
                                        "1x16x40x1030,16x1x3x3,p1,g16", "1x16x20x30,24x16x5x5,p2",
                                        "1x16x20x30,24x16x1x7,p0x3"};
  Case test = case_of(problem_for(name(), kLines));
  std::size_t smallest_cap = kNoWorkspaceCap;
  for (std::size_t bytes = kNoWorkspaceCap; bytes > 0;) {
    test.limits.max_workspace_bytes = bytes - 1;
    try {
      bytes = plan(test.problem, test.limits, test.machine).workspace_bytes();
      ASSERT_LE(bytes, test.limits.max_workspace_bytes);
      smallest_cap = test.limits.max_workspace_bytes;
    } catch (const Error& error) {
      EXPECT_FALSE(traits().keeps_any_cap) << error.what();
      const std::string cap = std::to_string(bytes - 1) + " bytes of workspace";
      EXPECT_NE(std::string(error.what()).find(cap), std::string::npos) << error.what();
      break;
    }
  }
  test.limits.max_workspace_bytes = smallest_cap;
  const CheckResult result = check(test);
  EXPECT_FALSE(result.refused) << to_string(test);
  EXPECT_EQ(result.failure, "");
}

// Tiles are as wide as the caller asks for, or a refusal names that width.
TEST_P(EveryAlgorithm, TakesTheTileColumnsAskedFor) {
  static constexpr std::array kLines = {"1x5x7x150,30x5x1x1", "1x5x7x150,30x5x3x3",
                                        "1x5x7x150,30x1x3x3,g5", "1x5x7x50,30x5x5x5",
                                        "1x5x7x50,30x5x1x7"};
  Case test = case_of(problem_for(name(), kLines));
  int taken = 0;
  for (int columns = 1; columns <= 128; ++columns) {
    test.limits.tile_columns = columns;
    try {
      const std::string config = plan(test.problem, test.limits, test.machine).explain().config;
      EXPECT_NE(config.find(" x " + std::to_string(columns) + " "), std::string::npos) << config;
      EXPECT_EQ(check(test).failure, "") << to_string(test);
      ++taken;
    } catch (const Error& error) {
      const std::string text = error.what();
      const std::string asked = traits().takes_tile_columns
                                    ? " of " + std::to_string(columns) + " columns"
                                    : " " + std::to_string(columns);
      EXPECT_NE(text.find(asked), std::string::npos) << text;
    }
  }
  if (traits().takes_tile_columns) {
    EXPECT_GE(taken, 3);
  } else {
    EXPECT_EQ(taken, 0);
  }
}

// Padding zeros are multiplied as by the reference, so that 0 * inf meets at the same outputs.
TEST_P(EveryAlgorithm, TreatsNaNAndInfinityAsTheReferenceDoes) {
  for (const std::string& line : lines_for(name())) {
    const Problem problem = parse_problem(line + ",act=relu");
    Operands<float> operands(problem);
    const std::int64_t taps = operands.kernel.size() / problem.c_o;
    operands.kernel.data()[2 * taps + taps / 2] = std::numeric_limits<float>::infinity();
    operands.kernel.data()[4 * taps] = std::numeric_limits<float>::quiet_NaN();
    operands.x(0, 1, 3, 4) = -std::numeric_limits<float>::infinity();
    const Plan plan = plait::plan(problem, only(name()), machine());
    Tensor<float> y(problem.y_shape());
    plan.run(operands.x, plan.pack(operands.kernel), y);
    const ErrorReport error = measure_error<float>(problem, plan.cost().bound(), operands.x,
                                                   operands.kernel, {}, {}, y.view());
    EXPECT_LE(error.worst_bound_share, 1) << line;
  }
}

// Subnormal data may be flushed to zero inside a run, within the bound; the caller's mode returns.
TEST_P(EveryAlgorithm, KeepsSubnormalsWithinTheBoundAndRestoresTheMode) {
  for (const std::string& line : lines_for(name())) {
    const Problem problem = parse_problem(line);
    Operands<float> operands(problem);
    for (std::int64_t c = 0; c < problem.c_i; ++c) operands.x(0, c, 5, 5) = 1e-42F;
    const std::int64_t taps = operands.kernel.size() / problem.c_o;
    for (std::int64_t tap = taps / 2; tap < taps; ++tap) operands.kernel.data()[tap] = 1e-41F;
    const Plan plan = plait::plan(problem, only(name(), 1), machine());
    Tensor<float> y(problem.y_shape());
    plan.run(operands.x, plan.pack(operands.kernel), y);
    const ErrorReport error = measure_error<float>(problem, plan.cost().bound(), operands.x,
                                                   operands.kernel, {}, {}, y.view());
    EXPECT_LE(error.worst_bound_share, 1) << line;
    volatile float tiny = 1e-40F;
    EXPECT_GT(tiny * 0.5F, 0.0F) << "flush-to-zero was left on";
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, EveryAlgorithm, testing::ValuesIn(all_subjects()),
                         name_of_subject);

}  // namespace
}  // namespace plait::test
