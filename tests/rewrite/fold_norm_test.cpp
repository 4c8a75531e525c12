// Batch norms folded into layers, against layer and norm one after the other.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include <plait/rewrite/fold.hpp>

#include "support/calls.hpp"
#include "support/layers.hpp"

namespace plait::test {
namespace {

template <class T>
BatchNorm<T> random_norm(std::int64_t channels, Random& random) {
  BatchNorm<T> norm{.mean = normal_tensor<T>({channels}, random),
                    .variance = normal_tensor<T>({channels}, random),
                    .epsilon = random.pick(std::initializer_list<double>{1e-5, 1e-3, 0.5})};
  for (T& value : norm.variance) value = value * value + static_cast<T>(0.1);
  if (random.chance(0.7)) norm.gamma = normal_tensor<T>({channels}, random);
  if (random.chance(0.7)) norm.beta = normal_tensor<T>({channels}, random);
  return norm;
}

// Without mean and beta, nothing is shifted.
template <class T>
BatchNorm<T> random_scaling(std::int64_t channels, Random& random) {
  BatchNorm<T> norm = random_norm<T>(channels, random);
  norm.beta = {};
  norm.mean = Tensor<T>({channels});
  return norm;
}

// The definition, in f64.
template <class T>
Tensor<T> normed(const Tensor<T>& x, const BatchNorm<T>& norm) {
  Tensor<T> y(x.shape());
  const std::int64_t plane = x.size(2) * x.size(3);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t c = i / plane % x.size(1);
    const double centred = double{x.data()[i]} - double{norm.mean(c)};
    const double deviation = std::sqrt(double{norm.variance(c)} + norm.epsilon);
    const double gamma = norm.gamma.size() == 0 ? 1.0 : double{norm.gamma(c)};
    const double beta = norm.beta.size() == 0 ? 0.0 : double{norm.beta(c)};
    y.data()[i] = static_cast<T>(centred / deviation * gamma + beta);
  }
  return y;
}

template <class T>
class FoldBatchNorm : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(FoldBatchNorm, Types);

TYPED_TEST(FoldBatchNorm, BehindALayerIsExactEverywhere) {
  using T = TypeParam;
  Random random(20261201);
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels = random_channels(random);
    const auto layer = random_conv_layer<T>(channels, random_window(random), random);
    const auto norm = random_norm<T>(channels.c_o, random);
    const auto x = random_x(layer, channels.c_i, random);
    const ConvLayer<T> folded = fold_batch_norm(layer, norm);
    ASSERT_LT(largest_difference(run_layer(folded, x), normed(run_layer(layer, x), norm)),
              kRoundingError<T>)
        << "case " << i << ": " << to_string(layer);
  }
}

TYPED_TEST(FoldBatchNorm, InFrontOfALayerIsExactWithoutPaddingOrShift) {
  using T = TypeParam;
  Random random(20261202);
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels = random_channels(random);
    auto layer = random_conv_layer<T>(channels, random_window(random), random);
    const bool shifts = random.chance(0.5);
    if (shifts) layer.padding = 0;
    const auto norm =
        shifts ? random_norm<T>(channels.c_i, random) : random_scaling<T>(channels.c_i, random);
    const auto x = random_x(layer, channels.c_i, random);
    const ConvLayer<T> folded = fold_batch_norm_before(norm, layer);
    ASSERT_LT(largest_difference(run_layer(folded, x), run_layer(layer, normed(x, norm))),
              kRoundingError<T>)
        << "case " << i << ": " << to_string(layer);
  }
}

// The refusals are not too cautious: what is refused does differ, and only at the borders.
TEST(FoldBatchNorm, InFrontOfPaddingWouldDifferAtTheBorders) {
  Random random(20261203);
  int refused = 0;
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels = random_channels(random);
    auto layer = random_conv_layer<double>(channels, random.between(2, 4), random);
    const auto norm = random_norm<double>(channels.c_i, random);
    const Padding padding = layer.padding;
    layer.padding = 0;
    auto folded = fold_batch_norm_before(norm, layer);
    folded.padding = layer.padding = padding;
    if (padding == Padding(0)) continue;
    ++refused;
    const std::string message =
        error_of(Status::invalid_argument, [&] { fold_batch_norm_before(norm, layer); });
    ASSERT_NE(message.find("it shifts channel 0 by "), std::string::npos) << message;
    layer.stride = folded.stride = 1;  // so that no side of the padding is passed over
    const auto x = random_x(layer, channels.c_i, random);
    const Tensor<double> exact = run_layer(layer, normed(x, norm));
    ASSERT_GT(largest_difference(run_layer(folded, x), exact), 1e-6)
        << "case " << i << ": " << to_string(layer);
  }
  EXPECT_GT(refused, kRandomLayers / 2);
}

TEST(FoldBatchNorm, OfAHandWrittenExample) {
  // scale = 2 / sqrt(3 + 1) = 1, 4 / sqrt(0 + 1) = 4; shift = 5 - 1, 0 - 8.
  const BatchNorm<double> norm{.gamma = {{2}, {2, 4}},
                               .beta = {{2}, {5, 0}},
                               .mean = {{2}, {1, 2}},
                               .variance = {{2}, {3, 0}},
                               .epsilon = 1};
  const ConvLayer<double> layer{.kernel = {{2, 1, 1, 2}, {1, 2, 3, 4}}, .bias = {{2}, {10, 20}}};
  const ConvLayer<double> folded = fold_batch_norm(layer, norm);
  EXPECT_TRUE(same_bytes(folded.kernel, Tensor<double>({2, 1, 1, 2}, {1, 2, 12, 16})));
  EXPECT_TRUE(same_bytes(folded.bias, Tensor<double>({2}, {14, 72})));
  const ConvLayer<double> behind{.kernel = {{1, 2, 1, 2}, {1, 2, 3, 4}}, .bias = {{1}, {10}}};
  const ConvLayer<double> folded_behind = fold_batch_norm_before(norm, behind);
  EXPECT_TRUE(same_bytes(folded_behind.kernel, Tensor<double>({1, 2, 1, 2}, {1, 2, 12, 16})));
  EXPECT_TRUE(same_bytes(folded_behind.bias, Tensor<double>({1}, {10 + 3 * 4 - 7 * 8})));
}

TEST(FoldBatchNorm, TakesLayersThatPickAndPlaceChannels) {
  Random random(4);
  ConvLayer<double> layer = random_conv_layer<double>({2, 3, 1}, 2, random);
  layer.padding = 0;
  layer.reads = {3, 0};
  layer.writes = {4, 0, 1};
  layer.y_channels = 5;
  const auto x = random_x(layer, 4, random);
  auto behind = random_norm<double>(5, random);
  behind.beta = Tensor<double>({5}, {1, 2, 0, 0, 3});
  behind.mean = Tensor<double>({5}, {1, 2, 0, 0, 3});
  EXPECT_LT(largest_difference(run_layer(fold_batch_norm(layer, behind), x),
                               normed(run_layer(layer, x), behind)),
            1e-12);
  const auto front = random_norm<double>(4, random);
  EXPECT_LT(largest_difference(run_layer(fold_batch_norm_before(front, layer), x),
                               run_layer(layer, normed(x, front))),
            1e-12);
  behind.beta(2) = 0.5;
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { fold_batch_norm(layer, behind); }),
            "the batch norm shifts channel 2 by 0.5, but the layer does not write it");
}

// === errors ===

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

ConvLayer<double> example_layer() { return {.kernel = Tensor<double>({2, 3, 3, 3}), .padding = 1}; }
BatchNorm<double> example_norm(std::int64_t channels) {
  return {.mean = Tensor<double>({channels}), .variance = Tensor<double>({channels})};
}

std::string refusal(const ConvLayer<double>& layer, const BatchNorm<double>& norm) {
  return error_of(Status::invalid_argument, [&] { fold_batch_norm(layer, norm); });
}

TEST(FoldBatchNormErrors, NameTheValuesOfTheNorm) {
  EXPECT_EQ(refusal(example_layer(), example_norm(3)),
            "the batch norm must have a value for each of the 2 channels of y but its mean is 3");
  EXPECT_EQ(error_of(Status::invalid_argument,
                     [&] { fold_batch_norm_before(example_norm(2), example_layer()); }),
            "the batch norm must have a value for each of the 3 channels of x but its mean is 2");
  BatchNorm<double> norm = example_norm(2);
  norm.variance = Tensor<double>({3});
  EXPECT_EQ(refusal(example_layer(), norm),
            "a batch norm's values must have one length but mean is 2 and variance is 3");
  norm = example_norm(2);
  norm.gamma = Tensor<double>({1});
  EXPECT_EQ(refusal(example_layer(), norm),
            "a batch norm's values must have one length but mean is 2 and gamma is 1");
  norm = example_norm(2);
  norm.variance(1) = -0.25;
  EXPECT_EQ(refusal(example_layer(), norm),
            "a variance must not be negative but variance[1] is -0.25");
  norm.variance(1) = 0;
  norm.epsilon = 0;
  EXPECT_EQ(refusal(example_layer(), norm),
            "variance + epsilon must be above 0 but variance[0] and epsilon are 0");
  norm.epsilon = -1e-5;
  EXPECT_EQ(refusal(example_layer(), norm),
            "epsilon must be finite and not negative but is -1e-05");
  norm.epsilon = kNan;
  EXPECT_EQ(refusal(example_layer(), norm), "epsilon must be finite and not negative but is nan");
  norm = example_norm(2);
  norm.beta = Tensor<double>({2}, {0, -INFINITY});
  EXPECT_EQ(refusal(example_layer(), norm), "beta[1] is -inf but must be finite (beta is 2)");
}

TEST(FoldBatchNormErrors, NameWhatIsWrongWithTheLayer) {
  ConvLayer<double> layer = example_layer();
  layer.kernel(1, 2, 0, 1) = kNan;
  EXPECT_EQ(refusal(layer, example_norm(2)),
            "layer: kernel[1,2,0,1] is nan but must be finite (kernel is 2x3x3x3)");
  layer = example_layer();
  layer.groups = 4;
  EXPECT_EQ(refusal(layer, example_norm(2)),
            "layer: groups must divide the channels but 4 does not divide c_o = 2 (kernel is "
            "2x3x3x3)");
  layer = example_layer();
  layer.bias = Tensor<double>({3});
  EXPECT_EQ(refusal(layer, example_norm(2)),
            "layer: bias must have one value per output channel (2) but is 3");
  layer = example_layer();
  layer.padding = {0, -1};
  EXPECT_EQ(refusal(layer, example_norm(2)),
            "layer: padding must not be negative but is 0_0_-1_-1 (top_bottom_left_right)");
  layer = example_layer();
  layer.dilation = {1, 0};
  EXPECT_EQ(refusal(layer, example_norm(2)), "layer: dilation must be at least 1 but is 1x0");
  layer = example_layer();
  layer.writes = {1, 1};
  layer.y_channels = 2;
  EXPECT_EQ(refusal(layer, example_norm(2)), "layer: writes has channel 1 twice");
  layer.writes = {1, 2};
  EXPECT_EQ(refusal(layer, example_norm(2)), "layer: writes has channel 2 but y has 2");
  layer.reads = {0, 1};
  EXPECT_EQ(refusal(layer, example_norm(2)),
            "layer: reads must list the layer's 3 channels but has 2");
  EXPECT_EQ(refusal({}, example_norm(2)),
            "layer: a layer's kernel must be c_o x c_i/groups x k_h x k_w but is scalar");
}

TEST(FoldBatchNormErrors, NameTheChannelThatIsShiftedInFrontOfPadding) {
  BatchNorm<double> norm = example_norm(3);
  norm.beta = Tensor<double>({3}, {0, 0, 0.25});
  EXPECT_EQ(
      error_of(Status::invalid_argument, [&] { fold_batch_norm_before(norm, example_layer()); }),
      "a batch norm in front of a layer with padding 1_1_1_1 (top_bottom_left_right) cannot "
      "be folded: it shifts channel 2 by 0.25, but not the zeros of the padding, so that "
      "outputs at the borders differ");
}

TEST(FoldBatchNormErrors, RefuseResultsThatPassTheRange) {
  const ConvLayer<float> layer{.kernel = {{1, 1, 1, 1}, {1e38F}}};
  const BatchNorm<float> norm{
      .gamma = {{1}, {100}}, .mean = {{1}, {0}}, .variance = {{1}, {1}}, .epsilon = 0};
  const std::string message =
      error_of(Status::invalid_argument, [&] { fold_batch_norm(layer, norm); });
  EXPECT_EQ(message.find("overflow: kernel[0,0,0,0] of the result, "), 0U) << message;
}

}  // namespace
}  // namespace plait::test
