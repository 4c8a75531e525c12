// Merged and concatenated branches, against the branches one by one.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <plait/rewrite/fold.hpp>

#include "support/calls.hpp"
#include "support/layers.hpp"

namespace plait::test {
namespace {

template <class T>
Tensor<T> sum_of(const Layers<T>& branches, const Tensor<T>& x) {
  Tensor<T> sum = run_layer(branches[0], x);
  for (std::size_t i = 1; i < branches.size(); ++i) {
    const Tensor<T> y = run_layer(branches[i], x);
    EXPECT_EQ(y.shape(), sum.shape());
    std::transform(sum.begin(), sum.end(), y.begin(), sum.begin(), std::plus<T>());
  }
  return sum;
}

// Of images n x c x h x w, over c.
template <class T>
Tensor<T> concatenation_of(const Layers<T>& branches, const Tensor<T>& x) {
  std::vector<Tensor<T>> outputs;
  outputs.reserve(branches.size());
  std::int64_t channels = 0;
  for (const ConvLayer<T>& branch : branches) {
    outputs.push_back(run_layer(branch, x));
    channels += outputs.back().size(1);
  }
  const Dims one = outputs[0].shape();
  Tensor<T> y({one[0], channels, one[2], one[3]});
  T* to = y.data();
  for (std::int64_t n = 0; n < one[0]; ++n) {
    for (const Tensor<T>& output : outputs) {
      const std::int64_t image = output.size() / one[0];
      to = std::copy_n(output.data() + n * image, image, to);
    }
  }
  return y;
}

// Pads so that pads less reach are `spare`, split anyhow.
void pad_axis(std::int64_t reach, std::int64_t spare, Random& random, std::int64_t& before,
              std::int64_t& after) {
  before = random.between(0, reach + spare);
  after = reach + spare - before;
}

std::int64_t reach_h(const auto& layer) { return layer.dilation.h * (layer.kernel.size(2) - 1); }
std::int64_t reach_w(const auto& layer) { return layer.dilation.w * (layer.kernel.size(3) - 1); }

// Branches of any windows, dilations, groups and pads whose outputs have one size.
template <class T>
Layers<T> random_branches(LayerChannels channels, bool same_outputs, Random& random) {
  Layers<T> branches(static_cast<std::size_t>(random.between(1, 4)));
  const Pair spare(random.between(0, 2), random.between(0, 2));
  const Pair stride(random.between(1, 3), random.between(1, 3));
  for (ConvLayer<T>& branch : branches) {
    channels.groups = random.pick(std::initializer_list<std::int64_t>{1, 2, 3, 6});
    if (!same_outputs) channels.c_o = 6 * random.between(1, 2);
    branch = random_conv_layer<T>(channels, random_window(random), random);
    branch.stride = stride;
    Padding& p = branch.padding;
    pad_axis(reach_h(branch), spare.h, random, p.top, p.bottom);
    pad_axis(reach_w(branch), spare.w, random, p.left, p.right);
  }
  return branches;
}

template <class T>
std::string lines_of(const Layers<T>& branches) {
  std::string text;
  for (const ConvLayer<T>& branch : branches) text += "\n  " + to_string(branch);
  return text;
}

template <class T>
class MergeBranches : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(MergeBranches, Types);

TYPED_TEST(MergeBranches, ComputesTheirSumEverywhere) {
  using T = TypeParam;
  Random random(20261211);
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels{6, 6 * random.between(1, 2), 1};
    const Layers<T> branches = random_branches<T>(channels, true, random);
    const auto x = normal_tensor<T>({1, 6, random.between(1, 12), random.between(1, 12)}, random);
    const ConvLayer<T> merged = merge_branches(branches);
    ASSERT_LT(largest_difference(run_layer(merged, x), sum_of(branches, x)), kRoundingError<T>)
        << "case " << i << lines_of(branches);
  }
}

TYPED_TEST(MergeBranches, ConcatenatesThemToo) {
  using T = TypeParam;
  Random random(20261212);
  for (int i = 0; i < kRandomLayers; ++i) {
    const Layers<T> branches = random_branches<T>({6, 6, 1}, false, random);
    const auto x = normal_tensor<T>({2, 6, random.between(1, 9), random.between(1, 9)}, random);
    const ConvLayer<T> merged = concatenate_branches(branches);
    ASSERT_LT(largest_difference(run_layer(merged, x), concatenation_of(branches, x)),
              kRoundingError<T>)
        << "case " << i << lines_of(branches);
  }
}

BatchNorm<double> random_norm(std::int64_t channels, Random& random) {
  BatchNorm<double> norm{.gamma = normal_tensor<double>({channels}, random),
                         .beta = normal_tensor<double>({channels}, random),
                         .mean = normal_tensor<double>({channels}, random),
                         .variance = normal_tensor<double>({channels}, random)};
  for (double& value : norm.variance) value = value * value + 0.1;
  return norm;
}

// Ding et al., "RepVGG", 2021: 3x3, 1x1 and identity, each with a batch norm.
TEST(MergeBranches, OfARepVggBlock) {
  Random random(3);
  for (const std::int64_t groups : {1, 2, 6}) {
    const ConvLayer<double> identity{.kernel = identity_kernel<double>(6, groups),
                                     .groups = groups};
    ConvLayer<double> dense{.kernel = normal_tensor<double>({6, 6 / groups, 3, 3}, random),
                            .padding = 1,
                            .groups = groups};
    ConvLayer<double> pointwise{.kernel = normal_tensor<double>({6, 6 / groups, 1, 1}, random),
                                .groups = groups};
    Layers<double> branches;
    for (const auto& layer : {dense, pointwise, identity}) {
      branches.push_back(fold_batch_norm(layer, random_norm(6, random)));
    }
    const ConvLayer<double> merged = merge_branches(branches);
    EXPECT_EQ(merged.kernel.shape(), (Dims{6, 6 / groups, 3, 3}));
    EXPECT_EQ(merged.padding, Padding(1));
    EXPECT_EQ(merged.groups, groups);
    const auto x = normal_tensor<double>({2, 6, 7, 5}, random);
    EXPECT_LT(largest_difference(run_layer(merged, x), sum_of(branches, x)), 1e-12);
  }
}

// Ding et al., "ACNet", 2019: 3x3, 1x3 and 3x1.
TEST(MergeBranches, OfAsymmetricWindowsAddsTheSkeleton) {
  const ConvLayer<float> square{.kernel = {{1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                .padding = 1};
  const ConvLayer<float> row{.kernel = {{1, 1, 1, 3}, {10, 20, 30}}, .padding = {0, 1}};
  const ConvLayer<float> column{
      .kernel = {{1, 1, 3, 1}, {100, 200, 300}}, .bias = {{1}, {-1}}, .padding = {1, 0}};
  const ConvLayer<float> merged = merge_branches<float>({row, square, column});
  EXPECT_TRUE(same_bytes(merged.kernel, Tensor<float>({1, 1, 3, 3}, {1, 102, 3,    //
                                                                     14, 225, 36,  //
                                                                     7, 308, 9})));
  EXPECT_TRUE(same_bytes(merged.bias, Tensor<float>({1}, {-1})));
  EXPECT_EQ(merged.padding, Padding(1));
}

TEST(MergeBranches, KeepsADilationThatAllShare) {
  Random random(5);
  const ConvLayer<double> dilated{
      .kernel = normal_tensor<double>({2, 2, 3, 3}, random), .padding = 4, .dilation = 4};
  const ConvLayer<double> less{
      .kernel = normal_tensor<double>({2, 2, 3, 3}, random), .padding = 2, .dilation = 2};
  const ConvLayer<double> pointwise{.kernel = normal_tensor<double>({2, 2, 1, 1}, random),
                                    .dilation = 7};
  const ConvLayer<double> dense{.kernel = normal_tensor<double>({2, 2, 3, 3}, random),
                                .padding = 1};
  const auto merged = merge_branches<double>({dilated, pointwise});
  EXPECT_EQ(merged.kernel.shape(), (Dims{2, 2, 3, 3}));
  EXPECT_EQ(merged.dilation, Pair(4));
  const auto of_two = merge_branches<double>({dilated, less, pointwise});
  EXPECT_EQ(of_two.kernel.shape(), (Dims{2, 2, 5, 5}));
  EXPECT_EQ(of_two.dilation, Pair(2));
  const auto with_dense = merge_branches<double>({dilated, dense});
  EXPECT_EQ(with_dense.kernel.shape(), (Dims{2, 2, 9, 9}));
  EXPECT_EQ(with_dense.dilation, Pair(1));
}

TEST(MergeBranches, FindsTheLargestGroupsOfAll) {
  Random random(6);
  Layers<double> branches;
  for (const std::int64_t groups : {12, 4, 6}) {
    branches.push_back(
        {.kernel = normal_tensor<double>({12, 12 / groups, 1, 1}, random), .groups = groups});
  }
  EXPECT_EQ(merge_branches(branches).groups, 2);
  EXPECT_EQ(merge_branches(branches).kernel.shape(), (Dims{12, 6, 1, 1}));
}

TEST(MergeBranches, OfOneIsThatBranch) {
  Random random(7);
  const auto branch = random_conv_layer<double>({4, 6, 2}, {3, 2}, random);
  const auto merged = merge_branches<double>({branch});
  EXPECT_TRUE(same_bytes(merged.kernel, branch.kernel));
  EXPECT_EQ(largest_difference(merged.bias, branch.bias), 0);
  EXPECT_EQ(merged.padding, branch.padding);
  EXPECT_EQ(merged.dilation, branch.dilation);
  EXPECT_EQ(merged.stride, branch.stride);
  EXPECT_EQ(merged.groups, 2);
}

TEST(MergeBranches, KeepsPickedAndPlacedChannels) {
  Random random(8);
  Layers<double> branches = random_branches<double>({6, 6, 1}, true, random);
  for (ConvLayer<double>& branch : branches) {
    branch.reads = {5, 6, 0, 1, 1, 3};
    branch.writes = {0, 7, 1, 2, 5, 4};
    branch.y_channels = 8;
  }
  const auto x = normal_tensor<double>({1, 7, 8, 9}, random);
  EXPECT_LT(largest_difference(run_layer(merge_branches(branches), x), sum_of(branches, x)), 1e-12);
}

// === errors ===

ConvLayer<float> layer_of(const Dims& kernel, const Padding& padding) {
  return {.kernel = Tensor<float>(kernel), .padding = padding};
}

std::string refusal(const Layers<float>& branches) {
  return error_of(Status::invalid_argument, [&] { merge_branches(branches); });
}

TEST(MergeBranchesErrors, NameTheBranchesThatDoNotGoTogether) {
  EXPECT_EQ(refusal({}), "there must be at least one branch");
  EXPECT_EQ(refusal({layer_of({4, 3, 3, 3}, 1), layer_of({4, 3, 1, 1}, 0),
                     layer_of({4, 3, 5, 3}, {2, 1, 1, 1})}),
            "the outputs of branches must have one size for every x, which takes one p_top + "
            "p_bottom - d_h (k_h - 1), but branch 0 has 0 (kernel 4x3x3x3, padding 1_1_1_1 "
            "(top_bottom_left_right), dilation 1) and branch 2 -1 (kernel 4x3x5x3, padding "
            "2_1_1_1 (top_bottom_left_right), dilation 1)");
  EXPECT_EQ(refusal({layer_of({4, 3, 3, 3}, 1), layer_of({5, 3, 1, 1}, 0)}),
            "branches whose outputs are added must have one number of output channels but branch 0 "
            "has 4 and branch 1 5");
  ConvLayer<float> grouped = layer_of({4, 2, 1, 1}, 0);
  grouped.groups = 2;
  EXPECT_EQ(refusal({layer_of({4, 3, 3, 3}, 1), grouped}),
            "branches must read the same number of channels but branch 0 has 3 (kernel 4x3x3x3, "
            "groups 1) and branch 1 4 (kernel 4x2x1x1, groups 2)");
  ConvLayer<float> strided = layer_of({4, 3, 1, 1}, 0);
  strided.stride = {1, 2};
  EXPECT_EQ(refusal({layer_of({4, 3, 3, 3}, 1), strided}),
            "branches must have one stride but branch 0 has 1 and branch 1 1x2");
  ConvLayer<float> nan = layer_of({4, 3, 1, 1}, 0);
  nan.kernel(3, 0, 0, 0) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(refusal({layer_of({4, 3, 3, 3}, 1), nan}),
            "branch 1: kernel[3,0,0,0] is inf but must be finite (kernel is 4x3x1x1)");
  ConvLayer<float> picking = layer_of({4, 3, 1, 1}, 0);
  picking.reads = {0, 2, 1};
  EXPECT_EQ(refusal({layer_of({4, 3, 3, 3}, 1), picking}),
            "branches must read the same channels of x but branch 0 and branch 1 have other reads");
}

TEST(MergeBranchesErrors, RefuseSizesThatCannotBe) {
  const std::int64_t far = std::int64_t{1} << 61;
  ConvLayer<float> one = layer_of({2, 1, 1, 2}, 0);
  one.dilation = {1, far};
  one.padding = {0, 0, far, 0};
  ConvLayer<float> other = layer_of({2, 1, 1, 2}, {0, 0, 0, 1});
  const std::string message = refusal({one, other});
  EXPECT_EQ(message, "overflow: shape 2x1x1x2305843009213693954 has more than 2^62 elements");
  one.dilation = {1, 2 * far};
  EXPECT_EQ(refusal({one}),
            "branch 0: overflow: a kernel of 2x1x1x2 dilated by 1x4611686018427387904 passes 2^62");
  one.dilation = 1;
  one.padding = {0, 0, 2 * far, 0};
  EXPECT_EQ(refusal({one}).find("branch 0: overflow: padding 0_0_4611686018427387904_0"), 0U);
}

}  // namespace
}  // namespace plait::test
