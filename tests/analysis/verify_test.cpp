// The sweep of random problems on every target, and the machinery behind it.
#include <plait/analysis/verify.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <ostream>

#include <plait/analysis/accuracy.hpp>
#include <plait/plan.hpp>

#include "analysis/verify/check.hpp"
#include "analysis/verify/child.hpp"
#include "analysis/verify/guarded.hpp"
#include "analysis/verify/shrink.hpp"
#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

const auto kAlgorithms = static_cast<std::int64_t>(algorithms().size());

// PLAIT_FULL in the environment asks for the long sweep.
std::int64_t cases_on([[maybe_unused]] Target target) {
#if defined(PLAIT_SANITIZED)  // slow, and looking for other things
  return 120;
#else
  if (std::getenv("PLAIT_FULL") == nullptr) return 1000;
  if (target == Target::emu128) return 2000;
  return target == Target::sse4 ? 5000 : 20000;
#endif
}

class VerifySweep : public testing::TestWithParam<Target> {};

TEST_P(VerifySweep, FindsNoFailure) {
  VerifyOptions options;
  options.cases = cases_on(GetParam());
  options.target = GetParam();
  const VerifyReport report = verify(options);
  for (const VerifyFailure& failure : report.failures) {
    ADD_FAILURE() << failure.algorithm << " " << failure.message
                  << "\n  smallest: " << failure.smallest << "\n  found: " << failure.found;
  }
  std::int64_t cases = 0;
  for (const VerifiedSubject& subject : report.subjects) {
    cases += subject.cases;
    EXPECT_EQ(subject.target, GetParam());
    EXPECT_GT(subject.outputs, subject.cases) << subject.algorithm;
    EXPECT_GT(subject.worst_bound_share, 0) << subject.algorithm;
  }
  EXPECT_EQ(cases, options.cases);
  EXPECT_EQ(report.subjects.size(), algorithms().size());
}
INSTANTIATE_TEST_SUITE_P(Targets, VerifySweep, testing::ValuesIn(runnable_targets()),
                         [](const testing::TestParamInfo<Target>& info) {
                           return std::string(name_of(info.param));
                         });

// All levels of every nest, on the widest target, counted by the loops themselves.
TEST(Verify, CoversEveryLoopLevel) {
  VerifyOptions options;
  options.cases = kAlgorithms * VerifyReport::kCoverageCases;
  options.target = host_machine().targets.back();
  options.seed = 2;
  const VerifyReport report = verify(options);
  EXPECT_TRUE(report.passed());
  std::int64_t levels = 0;
  for (const VerifiedSubject& subject : report.subjects) {
    for (const LoopCount& loop : subject.loops) {
      EXPECT_TRUE(loop.covered) << subject.algorithm << ": " << loop.name;
      ++levels;
    }
  }
  EXPECT_GE(levels, 20);
}

TEST(Verify, TakesGivenProblems) {
  VerifyOptions options;
  options.cases = 4 * kAlgorithms;
  options.problems = {parse_problem("1x3x8x8,4x3x3x3,p1")};
  options.target = Target::emu128;
  const VerifyReport report = verify(options);
  EXPECT_TRUE(report.passed());
  for (const VerifiedSubject& subject : report.subjects) {
    const bool refuses = subject.algorithm == "pointwise" || subject.algorithm == "depthwise" ||
                         subject.algorithm.ends_with("x5") || subject.algorithm.ends_with("x7");
    EXPECT_EQ(subject.cases, refuses ? 0 : 4) << subject.algorithm;
    EXPECT_EQ(subject.refused, refuses ? 4 : 0) << subject.algorithm;
  }
}

#if !defined(PLAIT_SANITIZED)  // minutes of work there
TEST(Verify, SamplesLargeProblems) {
  VerifyOptions options;
  options.cases = 1;
  options.algorithm = "direct/pixels";
  options.target = host_machine().target;
  options.problems = {parse_problem("1x128x56x56,160x128x3x3,p1")};
  ASSERT_GT(options.problems[0].multiplications(), kSampledAboveMultiplications);
  const VerifyReport report = verify(options);
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(report.subjects.at(0).outputs, 4096);
}
#endif

TEST(Verify, RefusesWhatItCannotDo) {
  EXPECT_NE(error_of(Status::invalid_argument, [] { verify({.algorithm = "fourier"}); })
                .find("unknown algorithm \"fourier\" (known: depthwise, direct/channels, "),
            std::string::npos);
  EXPECT_NE(error_of(Status::invalid_argument, [] { verify({.cases = 0}); }).find("cases"),
            std::string::npos);
  const std::atomic<bool> cancelled = true;
  VerifyOptions options;
  options.cancel = &cancelled;
  EXPECT_NE(error_of(Status::cancelled, [&] { verify(options); }), "");
}

TEST(Verify, ReportsProgressUpToTheEnd) {
  VerifyOptions options;
  options.cases = 8;
  options.target = Target::emu128;
  std::int64_t last = -1;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_GE(done, last);
    EXPECT_EQ(total, 8);
    last = done;
  };
  verify(options);
  EXPECT_EQ(last, 8);
}

TEST(TestData, AlternatesSignsAlongTheLastAxes) {
  Random random(5);
  for (const int first_axis : {1, 2, 3}) {
    Tensor<float> tensor({2, 3, 4, 3});
    fill_alternating(tensor, first_axis, random);
    for (std::int64_t i = 0; i < tensor.size(); ++i) {
      const std::int64_t indices[] = {i / 36, i / 12 % 3, i / 3 % 4, i % 3};
      std::int64_t sum = 0;
      for (int axis = first_axis; axis < 4; ++axis) sum += indices[axis];
      EXPECT_EQ(tensor.data()[i] < 0, sum % 2 == 1) << first_axis << ", at " << i;
    }
  }
}

// What cancels in every tile and channel block is the worst that transforms meet.
TEST(Verify, ChecksTransformsOnAlternatingSigns) {
  int forms = 0;
  for (const auto& [name, summary] : algorithms()) {
    if (!name.starts_with("winograd/")) continue;
    ++forms;
    for (const std::int64_t c_i : {1, 8, 130}) {
      Case test;
      test.problem.c_i = c_i;
      test.problem.c_o = 9;
      test.problem.h = 17;
      test.problem.w = 23;
      test.problem.k_h = test.problem.k_w = name.back() - '0';
      if (test.problem.k_h == 7) test.problem.k_h = 1;
      test.problem.padding = 1;
      test.limits.algorithm = name;
      test.limits.accuracy = Accuracy::relaxed;
      test.limits.threads = 1;
      test.machine = host_machine();
      test.data = DataKind::alternating;
      const CheckResult result = check(test);
      EXPECT_FALSE(result.refused) << to_string(test);
      EXPECT_EQ(result.failure, "") << to_string(test);
      EXPECT_GT(result.worst_bound_share, 0) << to_string(test);
    }
  }
  EXPECT_EQ(forms, 7);
}

Case large_case() {
  Case test;
  test.problem = parse_problem("3x24x17x19,36x8x3x5,s2x3,p1_2_3_4,d2x1,g3,bias,act=relu,nhwc");
  test.limits.algorithm = "direct/pixels";
  test.limits.threads = 3;
  test.limits.prepacked = false;
  test.machine = host_machine();
  test.machine.caches.l2_bytes = 1024;
  return test;
}

TEST(Shrink, FindsTheSmallestCaseThatFails) {
  const Case smallest = shrink(
      large_case(),
      [](const Case& test) {
        return test.problem.c_i / test.problem.groups >= 3 && test.problem.k_w >= 2;
      },
      10'000);
  EXPECT_EQ(to_string(smallest.problem), "1x3x1x2,1x3x1x2");
  EXPECT_EQ(smallest.limits.threads, 1);
  EXPECT_TRUE(smallest.limits.prepacked);
  EXPECT_EQ(smallest.machine.caches, host_machine().caches);
}

TEST(Shrink, KeepsWhatTheFailureNeeds) {
  const Case smallest = shrink(
      large_case(),
      [](const Case& test) {
        return test.problem.groups > 1 && test.problem.stride.w == 3 &&
               test.machine.caches.l2_bytes == 1024;
      },
      10'000);
  EXPECT_EQ(smallest.problem.groups, 3);
  EXPECT_EQ(smallest.problem.stride, Pair(1, 3));
  EXPECT_EQ(smallest.machine.caches.l2_bytes, 1024);
  EXPECT_EQ(smallest.problem.multiplications(), 3);
}

TEST(Shrink, StopsAfterTheTrialsItMayMake) {
  int trials = 0;
  shrink(
      large_case(),
      [&](const Case&) {
        ++trials;
        return true;
      },
      7);
  EXPECT_EQ(trials, 7);
}

// Without this the guards would guard nothing.
TEST(Guards, EndAChildThatReadsBehindOrBefore) {
  for (const auto side : {GuardedBytes::Side::behind, GuardedBytes::Side::before}) {
    GuardedBytes bytes(64, 64, side);
    const std::ptrdiff_t outside = side == GuardedBytes::Side::behind ? 64 : -1;
    const pid_t child = start_child([&] {
      std::signal(SIGSEGV, SIG_DFL);  // the sanitizers' handlers would end it another way
      return static_cast<int>(*static_cast<volatile std::byte*>(bytes.data() + outside));
    });
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  }
}

TEST(Compare, CountsUlps) {
  const Problem problem = parse_problem("1x64x12x12,32x64x1x1");
  const UlpReport same = compare(problem, "pointwise", "pointwise");
  EXPECT_EQ(same.outputs, 32 * 144);
  EXPECT_EQ(same.equal, same.outputs);
  EXPECT_EQ(same.max_ulps, 0U);
  const UlpReport report = compare(problem, "reference", "pointwise");
  EXPECT_LT(report.equal, report.outputs);
  EXPECT_GT(report.mean_ulps, 0);
  EXPECT_LT(report.first_rms, report.second_rms);
  EXPECT_LT(report.max_difference, 1e-5);
  EXPECT_NE(error_of(Status::unsupported,
                     [] { compare(parse_problem("1x1x9x9,1x1x3x3"), "im2col", "pointwise"); })
                .find("only 1x1 kernels"),
            std::string::npos);
}

}  // namespace
}  // namespace plait::test
