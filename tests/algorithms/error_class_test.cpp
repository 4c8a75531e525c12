// The predicted errors against measured ones: the rms of every algorithm on every target stays
// within 1.5 times its expectation, at every depth, and within its class.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "core/error_model.hpp"
#include "support/algorithms.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

// Whether a wider target of this machine rounds alike: it gives the same bits (docs/testing.md).
[[maybe_unused]] bool has_wider_twin(Target target) {
  const std::vector<Target> targets = runnable_targets();  // the narrowest first
  return std::any_of(std::find(targets.begin(), targets.end(), target) + 1, targets.end(),
                     [&](Target wider) {
                       return has_fused_multiply_add(wider) == has_fused_multiply_add(target);
                     });
}

// PLAIT_FULL in the environment asks for the long tests: of twins, one is measured at length.
std::int64_t pooled_outputs([[maybe_unused]] Target target) {
#if defined(PLAIT_SANITIZED)  // slow, and looking for other things: one run, of 3,600 or more
  return 1;
#else
  return std::getenv("PLAIT_FULL") != nullptr && !has_wider_twin(target) ? 100'000 : 20'000;
#endif
}

// Pools runs on fresh data until enough outputs are in.
double measured_rms(const Problem& problem, const Plan& plan, Random& random) {
  const std::int64_t enough = pooled_outputs(plan.target());
  double squared_error = 0;
  double squared_output = 0;
  std::int64_t outputs = 0;
  Tensor<float> x(problem.x_shape());
  Tensor<float> kernel(problem.weight_shape());
  Tensor<float> y(problem.y_shape());
  while (outputs < enough) {
    fill_relu_like(x, random);
    fill_he(kernel, problem.depth(), random);
    plan.run(x, plan.pack(kernel), y);
    const ErrorReport report = measure_error<float>(problem, plan.cost().bound(), x.view(),
                                                    kernel.view(), {}, {}, y.view());
    EXPECT_LE(report.worst_bound_share, 1) << to_string(problem);
    const auto checked = static_cast<double>(report.checked);
    squared_error += report.rms_error * report.rms_error * checked;
    squared_output += report.rms_output * report.rms_output * checked;
    outputs += report.checked;
  }
  return std::sqrt(squared_error / squared_output);
}

struct DepthCase {
  std::string algorithm;
  std::string line;
};
void PrintTo(const DepthCase& test, std::ostream* out) {
  *out << test.algorithm << " " << test.line;
}

// Of the lines that each algorithm takes the first, one between and, unless it is slow, the last.
std::vector<DepthCase> depth_cases() {
  // From shallow to deep sums, but for the 5x5 kernels: they take longest, and those that take the
  // 3x3 ones, too, do without.
  static constexpr std::array kLines = {
      "1x3x60x60,32x3x1x1",          "4x1x40x40,16x1x3x3",      "1x16x40x40,16x1x7x7,p3,g16",
      "1x8x60x60,32x8x1x7,p0x3",     "1x8x60x60,32x8x3x3,p1",   "1x64x30x30,64x64x1x1",
      "1x8x60x60,32x8x5x5,p2",       "1x64x20x20,64x64x3x3,p1", "1x8x50x50,16x1x31x31,p15,g8",
      "1x256x10x16,16x256x1x7,p0x3", "1x2048x7x7,128x2048x1x1", "1x512x15x15,16x512x5x5,p2",
      "1x512x16x16,32x512x3x3,p1"};
  std::vector<DepthCase> cases;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const std::vector<std::string> taken = lines_for(algorithm.name, kLines);
    if (taken.empty()) continue;  // it has failed
    const bool slow = !traits_of(algorithm.name).is_vectorised;
    const std::size_t last = slow ? taken.size() / 2 : taken.size() - 1;
    for (const std::size_t i : std::set<std::size_t>{0, taken.size() / 2, last}) {
      cases.push_back({algorithm.name, taken[i]});
    }
  }
  return cases;
}

// The strictest class in which the algorithm takes the problem.
Accuracy class_of(const std::string& algorithm, const Problem& problem, const Machine& machine) {
  for (const Accuracy accuracy : {Accuracy::strict, Accuracy::fp32}) {
    if (takes(algorithm, problem, {.accuracy = accuracy}, machine)) return accuracy;
  }
  return Accuracy::relaxed;
}

class ErrorClass : public testing::TestWithParam<DepthCase> {};

TEST_P(ErrorClass, MeasuredRmsIsAtMostOneAndAHalfTimesTheExpected) {
  const auto& [algorithm, line] = GetParam();
  const Problem problem = parse_problem(line);
  for (const Target target : runnable_targets()) {
    Random random(9);
    const Machine machine = on_target(target);
    const Plan plan = plait::plan(problem, only(algorithm), machine);
    const double rms = measured_rms(problem, plan, random);
    const double expected = plan.cost().error_rms;
    RecordProperty(std::string(name_of(target)), std::to_string(rms / expected));
    EXPECT_LE(rms, 1.5 * expected) << name_of(target) << " " << line;
    EXPECT_GE(rms, expected / 2) << name_of(target) << " " << line
                                 << ": the expectation says nothing";
    // The expectation decides the class (limits.hpp), and may be somewhat off.
    EXPECT_LE(rms, 1.2 * error_limit(class_of(algorithm, problem, machine)))
        << name_of(target) << " " << line;
  }
}

std::string depth_name(const testing::TestParamInfo<DepthCase>& info) {
  return identifier_of(info.param.algorithm) + "_" +
         std::to_string(parse_problem(info.param.line).depth());
}
INSTANTIATE_TEST_SUITE_P(Depths, ErrorClass, testing::ValuesIn(depth_cases()), depth_name);

TEST(ErrorModel, IsFlatInDepthThanksToChunks) {
  EXPECT_LT(chunked_sum_rms(4608, 256), 1.05 * chunked_sum_rms(576, 256));
  EXPECT_GT(chunked_sum_rms(4608, 4608), 3 * chunked_sum_rms(4608, 256));
}

TEST(ErrorModel, RefusesDepthsBeyondAClass) {
  // 2^19 terms are 2,048 chunks: more than `strict` allows, well within `fp32`.
  const std::string line = "1x524288x1x1,1x524288x1x1";
  EXPECT_THROW(plan(line, {.accuracy = Accuracy::strict, .algorithm = "pointwise"}), Error);
  EXPECT_EQ(plan(line, {.algorithm = "pointwise"}).algorithm(), "pointwise");
  EXPECT_EQ(plan(line, {.accuracy = Accuracy::strict}).algorithm(), "reference");
}

}  // namespace
}  // namespace plait::test
