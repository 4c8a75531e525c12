// The predicted errors against measured ones: the rms of every room on every target stays within
// 1.5 times its expectation, at every depth, and within its class.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "core/error_model.hpp"
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
  Tensor<float> kernel(problem.kernel_shape());
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
  Accuracy accuracy = Accuracy::strict;  // the class it belongs to
};
void PrintTo(const DepthCase& test, std::ostream* out) {
  *out << test.algorithm << " " << test.line;
}

class ErrorClass : public testing::TestWithParam<DepthCase> {};

TEST_P(ErrorClass, MeasuredRmsIsAtMostOneAndAHalfTimesTheExpected) {
  const Problem problem = parse_problem(GetParam().line);
  for (const Target target : runnable_targets()) {
    Random random(9);
    const Plan plan =
        plait::plan(problem, {.accuracy = GetParam().accuracy, .algorithm = GetParam().algorithm},
                    on_target(target));
    const double rms = measured_rms(problem, plan, random);
    const double expected = plan.cost().error_rms;
    RecordProperty(std::string(name_of(target)), std::to_string(rms / expected));
    EXPECT_LE(rms, 1.5 * expected) << name_of(target) << " " << GetParam().line;
    EXPECT_GE(rms, expected / 2) << name_of(target) << " " << GetParam().line
                                 << ": the expectation says nothing";
    EXPECT_LE(rms, error_limit(GetParam().accuracy)) << name_of(target) << " " << GetParam().line;
  }
}

std::string depth_name(const testing::TestParamInfo<DepthCase>& info) {
  std::string name = info.param.algorithm;
  std::replace(name.begin(), name.end(), '/', '_');
  return name + "_" + std::to_string(parse_problem(info.param.line).depth());
}
INSTANTIATE_TEST_SUITE_P(
    Depths, ErrorClass,
    testing::Values(DepthCase{"im2col", "4x1x40x40,16x1x3x3"},
                    DepthCase{"im2col", "1x8x60x60,32x8x3x3,p1"},
                    DepthCase{"im2col", "1x64x20x20,64x64x3x3,p1"},
                    DepthCase{"im2col", "1x512x8x8,64x512x3x3,p1"},
                    DepthCase{"direct/pixels", "1x8x60x60,32x8x3x3,p1"},
                    DepthCase{"direct/pixels", "1x256x10x10,64x256x3x3,p1"},
                    DepthCase{"direct/channels", "1x8x60x60,32x8x3x3,p1"},
                    DepthCase{"direct/channels", "1x512x8x8,64x512x3x3,p1"},
                    DepthCase{"depthwise", "1x16x40x40,16x1x3x3,p1,g16"},
                    DepthCase{"depthwise", "1x16x40x40,16x1x7x7,p3,g16"},
                    DepthCase{"depthwise", "1x8x50x50,16x1x31x31,p15,g8"},
                    DepthCase{"winograd/f2x3", "1x8x60x60,32x8x3x3,p1"},
                    DepthCase{"winograd/f2x3", "1x512x16x16,32x512x3x3,p1"},
                    DepthCase{"winograd/f4x3", "1x8x60x60,32x8x3x3,p1", Accuracy::fp32},
                    DepthCase{"winograd/f4x3", "1x512x16x16,32x512x3x3,p1", Accuracy::fp32},
                    DepthCase{"winograd/f6x3", "1x8x60x60,32x8x3x3,p1", Accuracy::fp32},
                    DepthCase{"winograd/f6x3", "1x512x18x18,32x512x3x3,p1", Accuracy::relaxed},
                    DepthCase{"winograd/f2x5", "1x8x60x60,32x8x5x5,p2", Accuracy::fp32},
                    DepthCase{"winograd/f2x5", "1x512x16x16,16x512x5x5,p2", Accuracy::fp32},
                    DepthCase{"winograd/f3x5", "1x8x60x60,32x8x5x5,p2", Accuracy::fp32},
                    DepthCase{"winograd/f3x5", "1x512x15x15,16x512x5x5,p2", Accuracy::fp32},
                    DepthCase{"winograd/f4x5", "1x8x60x60,32x8x5x5,p2", Accuracy::fp32},
                    DepthCase{"winograd/f4x5", "1x512x16x16,16x512x5x5,p2", Accuracy::relaxed},
                    DepthCase{"pointwise", "1x3x60x60,32x3x1x1"},
                    DepthCase{"pointwise", "1x64x30x30,64x64x1x1"},
                    DepthCase{"pointwise", "1x2048x7x7,128x2048x1x1"},
                    DepthCase{"reference", "1x16x40x40,16x16x3x3"}),
    depth_name);

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
