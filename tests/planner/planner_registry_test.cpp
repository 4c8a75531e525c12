// Planning with the algorithms that there are: picks, refusals, targets.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <sstream>
#include <vector>

#include <plait/plan.hpp>

#include "algorithms/registry.hpp"
#include "planner/planner.hpp"
#include "support/algorithms.hpp"
#include "support/calls.hpp"

namespace plait {
namespace {

using test::error_of;
using test::ScopedVariable;

constexpr std::array kLines = {"1x64x56x56,64x64x3x3,p1,bias", "1x256x14x14,64x256x1x1,act=relu",
                               "2x3x32x32,8x3x5x5,s2,p2",      "1x12x20x20,12x1x3x3,p1,g12",
                               "1x512x7x7,512x512x3x3,p1",     "1x4x9x9,4x4x3x3,reflect,p1",
                               "1x8x9x9,8x8x3x3,f64"};

std::string text_of(const Explanation& explanation) {
  std::ostringstream text;
  text << explanation;
  return text.str();
}

TEST(Registry, NamesAreUniqueAndListedInOrder) {
  const std::vector<AlgorithmInfo> list = algorithms();
  ASSERT_EQ(list.size(), registry().size());
  std::set<std::string> names;
  for (const AlgorithmInfo& info : list) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.summary.empty()) << info.name;
    EXPECT_EQ(info.name, *names.rbegin()) << "by name";
  }
}

TEST(Registry, ItsOrderDoesNotMatter) {
  std::vector<Algorithm> shuffled(registry().begin(), registry().end());
  Random random(7);
  for (const char* line : kLines) {
    const Problem problem = parse_problem(line);
    Limits limits;
    limits.threads = 2;
    const std::string expected =
        text_of(rank(problem, limits, host_machine(), registry()).explanation);
    for (int order = 0; order < 24; ++order) {
      for (std::size_t i = shuffled.size(); i > 1; --i) {
        const auto j = random.between(0, static_cast<std::int64_t>(i) - 1);
        std::swap(shuffled[i - 1], shuffled[static_cast<std::size_t>(j)]);
      }
      ASSERT_EQ(text_of(rank(problem, limits, host_machine(), shuffled).explanation), expected);
    }
  }
}

TEST(Registry, EveryAlgorithmStandsInEveryExplanation) {
  for (const char* line : kLines) {
    const Explanation explanation = plan(line).explain();
    std::set<std::string> names;
    for (const Candidate& candidate : explanation.candidates) {
      names.insert(candidate.algorithm);
      EXPECT_FALSE(candidate.reason.empty()) << candidate.algorithm << " for " << line;
    }
    EXPECT_EQ(names.size(), algorithms().size()) << line;
    EXPECT_EQ(explanation.problem_line, to_string(parse_problem(line)));
  }
}

// What is legal in a problem line, but beyond every algorithm, is refused by each with its reason.
TEST(Refusal, OfDtypesNamesTheDtypeForEveryAlgorithm) {
  for (const std::string dtype : {"bf16", "i8", "u8"}) {
    const std::string line = "1x4x8x8,4x4x1x1," + dtype;
    ASSERT_NO_THROW(parse_problem(line));
    const std::string text = error_of(Status::unsupported, [&] { plan(line); });
    EXPECT_NE(text.find("\"" + line + "\""), std::string::npos) << text;
    for (const AlgorithmInfo& info : algorithms()) {
      EXPECT_NE(text.find(info.name + ": "), std::string::npos) << text;
    }
    EXPECT_NE(text.find("reference: only f32 and f64, not " + dtype), std::string::npos) << text;
    EXPECT_NE(text.find("im2col: only f32, not " + dtype), std::string::npos) << text;
  }
}

TEST(Refusal, OfDirectionsNamesTheDirection) {
  for (const std::string direction : {"backward_data", "backward_weights", "backward_bias"}) {
    const Plan made = plan("1x4x8x8,4x4x3x3," + direction);
    EXPECT_EQ(made.algorithm(), "reference");
    for (const Candidate& candidate : made.explain().candidates) {
      EXPECT_EQ(candidate.standing == Candidate::Standing::refused,
                candidate.algorithm != "reference");
      if (candidate.algorithm == "im2col" || candidate.algorithm == "winograd/f2x3") {
        EXPECT_EQ(candidate.reason, "only the forward direction, not " + direction);
      }
    }
  }
}

std::string reason_of(const std::string& algorithm, const std::string& line) {
  const Explanation explanation = plan(line).explain();
  for (const Candidate& candidate : explanation.candidates) {
    if (candidate.algorithm != algorithm) continue;
    EXPECT_EQ(candidate.standing, Candidate::Standing::refused) << line;
    return candidate.reason;
  }
  return "absent";
}

TEST(Refusal, NamesWhatFailedWhereAnotherAlgorithmHelps) {
  EXPECT_EQ(reason_of("im2col", "1x4x8x8,4x4x3x3,f64"), "only f32, not f64");
  EXPECT_EQ(reason_of("im2col", "1x4x8x8,4x4x3x3,act=leaky:1e60"),
            "the slope of leaky does not fit f32");
  EXPECT_EQ(reason_of("pointwise", "1x4x8x8,4x4x3x2"), "only 1x1 kernels, not 3x2");
  EXPECT_EQ(reason_of("pointwise", "1x4x8x8,4x4x1x1,p1_2_3_4"), "no padding, not 1_2_3_4");
}

TEST(Refusal, OfAForcedAlgorithmIsAnError) {
  Limits limits;
  limits.algorithm = "pointwise";
  EXPECT_EQ(error_of(Status::unsupported, [&] { plan("1x4x8x8,4x4x3x3", limits); }),
            "no algorithm computes \"1x4x8x8,4x4x3x3\": pointwise: only 1x1 kernels, not 3x3");
  const ScopedVariable forced("PLAIT_FORCE_ALGORITHM", "im2col");
  EXPECT_EQ(plan("1x4x8x8,4x4x1x1").algorithm(), "im2col");
  EXPECT_EQ(error_of(Status::unsupported, [] { plan("1x4x8x8,4x4x1x1,f64"); }),
            "no algorithm computes \"1x4x8x8,4x4x1x1,f64\": im2col: only f32, not f64");
  limits.algorithm = "reference";
  EXPECT_EQ(plan("1x4x8x8,4x4x1x1", limits).algorithm(), "reference");
}

TEST(Refusal, OfInvalidProblemsComesBeforeAnyRanking) {
  Problem problem = parse_problem("1x4x8x8,4x4x3x3");
  problem.stride = 0;
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { plan(problem); }),
            "stride must be at least 1 but is 0x0");
}

// Sizes near the limits: planning takes no time that grows with them, and nothing wraps around.
TEST(Registry, PlansHugeProblems) {
  for (const char* line :
       {"1x1x1000000000x1000000000,1x1x1x1", "1x1x2000000000x1,1x1x1000000000x1,s1000000000x1",
        "1x1x1x4000000000000,1000000x1x1x2,d1x3000000000000",
        "1x1000000000000x1x1,1000000x1000000000000x1x1", "1000000000x1x1x1,1x1x1x1,p500",
        "1x1x1x1,1x1x1x1,s1000000007,p1000"}) {
    const Plan made = plan(line);
    for (const Candidate& candidate : made.explain().candidates) {
      if (candidate.standing == Candidate::Standing::refused) continue;
      EXPECT_GE(candidate.cost.multiplications, 0) << line << " by " << candidate.algorithm;
      EXPECT_GE(candidate.cost.l2_bytes, 0) << line << " by " << candidate.algorithm;
      EXPECT_GT(candidate.cost.predicted_seconds, 0) << line << " by " << candidate.algorithm;
    }
  }
}

TEST(Reproducible, RealPicksAreTheSameOnEveryMachine) {
  Random random(11);
  for (const char* line : kLines) {
    std::set<std::string> picks;
    for (const Target target : test::runnable_targets()) {
      for (const int threads : {1, 2, 16}) {
        Machine machine = with_fake_caches(test::on_target(target), random);
        machine.rates.ghz = 0.5 + 5 * random.uniform();
        machine.rates.vector_fmas_per_cycle = 0.05 + 2 * random.uniform();
        Limits limits;
        limits.threads = threads;
        limits.reproducible = true;
        const Plan made = plan(line, limits, machine);
        picks.insert(made.algorithm());
        EXPECT_GE(made.explain().reproducible_price, 1) << line;
      }
    }
    EXPECT_EQ(picks.size(), 1U) << line;
  }
}

// A cap must not make the pick depend on the machine either: the same pick, or an error that says
// which one it would be.
TEST(Reproducible, CapsDoNotChangeThePickFromMachineToMachine) {
  Random random(12);
  for (const std::size_t cap :
       std::initializer_list<std::size_t>{0, 2000, 10'000, 100'000, 1'000'000}) {
    std::set<std::string> picks;
    for (const int threads : {1, 2, 16}) {
      for (const Target target : test::runnable_targets()) {
        const Machine machine = with_fake_caches(test::on_target(target), random);
        Limits limits;
        limits.threads = threads;
        limits.reproducible = true;
        limits.max_workspace_bytes = cap;
        try {
          picks.insert(plan("1x16x20x30,24x16x3x3,p1", limits, machine).algorithm());
        } catch (const Error& error) {
          EXPECT_EQ(
              std::string(error.what()).find("the reproducible pick direct/pixels is refused"), 0U)
              << error.what();
          picks.insert("direct/pixels");
        }
      }
    }
    EXPECT_EQ(picks.size(), 1U) << "cap " << cap;
  }
}

TEST(Reproducible, PicksTakeThePackedFormatOfTheirOwn) {
  Limits limits;
  limits.reproducible = true;
  const Plan first = plan("1x16x20x30,24x16x3x3,p1", limits);
  limits.packed_format = first.packed_format();
  EXPECT_EQ(plan("1x16x40x50,24x16x3x3,p1", limits).packed_format(), first.packed_format());
}

// The kernels say which target they were compiled for; the plan must reach just those. What is not
// vectorised is compiled once, for the narrowest.
TEST(ForcedTarget, IsTheOneThatRuns) {
  for (const Target target : test::runnable_targets()) {
    const ScopedVariable forced("PLAIT_FORCE_TARGET", std::string(name_of(target)).c_str());
    const Machine machine = detect_machine();
    ASSERT_EQ(machine.target, target);
    for (const AlgorithmInfo& algorithm : algorithms()) {
      SCOPED_TRACE(algorithm.name + " on " + std::string(name_of(target)));
      const Plan made =
          plan(test::problem_for(algorithm.name), test::only(algorithm.name), machine);
      const Target compiled_for =
          test::traits_of(algorithm.name).is_vectorised ? target : machine.targets.front();
      EXPECT_EQ(made.target(), target);
      EXPECT_EQ(made.explain().target, target);
      const Operands<float> operands(made.problem());
      Tensor<float> y(made.problem().y_shape());
      RunReport report;
      RunOptions<float> options;
      options.report = &report;
      made.run(operands.x, made.pack(operands.kernel), y, options);
      EXPECT_EQ(report.target, compiled_for) << name_of(report.target);
      EXPECT_EQ(report.algorithm, algorithm.name);
      EXPECT_EQ(report.threads, made.threads());
    }
  }
}

}  // namespace
}  // namespace plait
