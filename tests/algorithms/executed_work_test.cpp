// What each algorithm executes, counted by the loops that ran, against what its cost said before.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include <plait/plait.hpp>

#include "analysis/test_data.hpp"
#include "analysis/verify/random_case.hpp"
#include "core/random.hpp"
#include "kernels/winograd/winograd.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

RunReport report_of(const Plan& plan) {
  Operands<float> operands(plan.problem());
  // All of one size, so that no tile of a transform needs direct sums, which no cost foresees.
  std::fill(operands.x.begin(), operands.x.end(), 1.0F);
  Tensor<float> y(plan.problem().y_shape());
  RunReport report;
  RunOptions<float> options;
  options.residual = operands.residual_view();
  options.report = &report;
  if (plan.explain().limits.prepacked) {
    const Packed packed = plan.pack<float>(operands.kernel.view(), operands.bias_view());
    plan.run<float>(operands.x.view(), packed, y.view(), options);
  } else {
    plan.run<float>(operands.x.view(), operands.kernel.view(), operands.bias_view(), y.view(),
                    options);
  }
  return report;
}

// On 500 problems, each by every algorithm that takes it, with caches so small that all loops run.
TEST(ExecutedWork, IsWhatTheCostSays) {
  Random random(29);
  std::map<std::string, int> runs;
  for (int i = 0; i < 500; ++i) {
    Problem p = random_problem(random, 20'000);
    p.x_strides.reset();
    p.y_strides.reset();
    p.residual_strides.reset();
    p.x_layout = p.y_layout = Layout::nchw;
    p.dtype = Dtype::f32;
    for (const AlgorithmInfo& algorithm : algorithms()) {
      const Case test = random_case(p, algorithm.name, Accuracy::relaxed, host_machine(), random);
      Limits limits = test.limits;
      limits.max_workspace_bytes = kNoWorkspaceCap;
      if (!limits.packed_format.empty()) continue;
      try {
        const Plan made = plan(p, limits, test.machine);
        const RunReport report = report_of(made);
        const std::string what = to_string(p) + " by " + algorithm.name;
        const Cost& cost = made.cost();
        ASSERT_EQ(report.direct_tiles, 0) << what;
        ASSERT_EQ(report.multiplications, cost.multiplications) << what;
        ASSERT_EQ(report.additions, cost.additions) << what;
        ASSERT_EQ(report.transform_operations, cost.transform_operations) << what;
        ASSERT_LE(cost.useful_multiplications, cost.multiplications) << what;
        ASSERT_GE(cost.additions, cost.multiplications) << what;
        if (cost.transform_operations == 0) {
          ASSERT_EQ(cost.useful_multiplications, p.multiplications()) << what;
        }
        ++runs[algorithm.name];
      } catch (const Error& error) {
        ASSERT_EQ(error.status(), Status::unsupported) << error.what();
      }
    }
  }
  for (const AlgorithmInfo& algorithm : algorithms()) {
    EXPECT_GE(runs[algorithm.name], 10) << algorithm.name;
  }
}

Cost cost_by(const std::string& algorithm, const std::string& line) {
  Limits limits;
  limits.algorithm = algorithm;
  limits.accuracy = Accuracy::relaxed;
  limits.threads = 1;
  return plan(line, limits).cost();
}

// Of 28 x 28 outputs in tiles of m x m, each by (m + 2)^2 products for every pair of channels.
TEST(ExecutedWork, WinogradTakesFewerUsefulProducts) {
  const std::string line = "1x64x28x28,64x64x3x3,p1";
  EXPECT_EQ(cost_by("winograd/f2x3", line).useful_multiplications, 64 * 64 * 14 * 14 * 16);
  EXPECT_EQ(cost_by("winograd/f4x3", line).useful_multiplications, 64 * 64 * 7 * 7 * 36);
  EXPECT_EQ(cost_by("im2col", line).useful_multiplications, 64 * 64 * 28 * 28 * 9);
}

// F(2, 3) at the points 0, 1, -1 and infinity. In: d2 - d0, d3 - d1, d2 + d1 and d2 - d1, each a
// multiply-add. Out: m1 + m2 and m1 - m2, and to these m0 and m3.
TEST(ExecutedWork, CountsTheOperationsOfTransforms) {
  for (const Target target : runnable_targets()) {
    const kernels::WinogradKernels& across = kernels::winograd_kernels(target, {}, {2, 3});
    EXPECT_EQ(across.operations_in, 4 * 2);
    EXPECT_EQ(across.operations_out, 4);
    const kernels::WinogradKernels& both = kernels::winograd_kernels(target, {2, 3}, {2, 3});
    EXPECT_EQ(both.operations_in, 4 * 8 + 4 * 8);
    EXPECT_EQ(both.operations_out, 4 * 4 + 2 * 4);
  }
}

// Sums of more than 256 terms are cut into chunks, which are added up.
TEST(ExecutedWork, ChunksCostAnAddition) {
  const Cost shallow = cost_by("pointwise", "1x256x8x8,64x256x1x1");
  EXPECT_EQ(shallow.additions, shallow.multiplications);
  const Cost deep = cost_by("pointwise", "1x513x8x8,64x513x1x1");
  EXPECT_EQ(deep.additions, deep.multiplications + deep.multiplications / 513 * 2);
}

}  // namespace
}  // namespace plait::test
