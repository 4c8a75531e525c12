// 1x1 layers folded into others, written as k x k ones, and back.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include <plait/rewrite/fold.hpp>

#include "support/calls.hpp"
#include "support/layers.hpp"

namespace plait::test {
namespace {

template <class T>
class FoldPointwise : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(FoldPointwise, Types);

// Layers in a row whose middle channels agree; the second in groups of its own.
template <class T>
ConvLayer<T> layer_behind(const ConvLayer<T>& first, const Pair& window, Random& random) {
  const std::int64_t c_m = first.kernel.size(0);
  const std::int64_t groups = random.chance(0.5) ? 1 : c_m;
  return random_conv_layer<T>({c_m, groups * random.between(1, 3), groups}, window, random);
}

TYPED_TEST(FoldPointwise, BehindALayerIsExactEverywhere) {
  using T = TypeParam;
  Random random(20261221);
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels = random_channels(random);
    const auto first = random_conv_layer<T>(channels, random_window(random), random);
    auto second = layer_behind(first, 1, random);
    second.padding = 0;
    const auto x = random_x(first, channels.c_i, random);
    const ConvLayer<T> folded = fold_pointwise(first, second);
    ASSERT_EQ(folded.kernel.size(2), first.kernel.size(2));
    ASSERT_EQ(folded.kernel.size(3), first.kernel.size(3));
    ASSERT_LT(largest_difference(run_layer(folded, x), run_layers<T>({first, second}, x.view())),
              kRoundingError<T>)
        << "case " << i << ": " << to_string(first) << ", " << to_string(second);
  }
}

// Strided and padded 1x1 layers too: no padded middle position reads x.
TYPED_TEST(FoldPointwise, InFrontOfALayerIsExactWithoutBiasOrPadding) {
  using T = TypeParam;
  Random random(20261222);
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels = random_channels(random);
    auto first = random_conv_layer<T>(channels, 1, random);
    auto second = layer_behind(first, random_window(random), random);
    if (random.chance(0.5)) {
      second.padding = 0;
    } else {
      first.bias = random.chance(0.5) ? Tensor<T>() : Tensor<T>({channels.c_o});
    }
    // The middle map must take the second window without its padding.
    const auto x = normal_tensor<T>(
        {1, channels.c_i, first.stride.h * second.dilation.h * second.kernel.size(2) + 2,
         first.stride.w * second.dilation.w * second.kernel.size(3) + 3},
        random);
    const ConvLayer<T> folded = fold_pointwise(first, second);
    ASSERT_EQ(folded.kernel.size(2), second.kernel.size(2));
    ASSERT_EQ(folded.kernel.size(3), second.kernel.size(3));
    ASSERT_LT(largest_difference(run_layer(folded, x), run_layers<T>({first, second}, x.view())),
              kRoundingError<T>)
        << "case " << i << ": " << to_string(first) << ", " << to_string(second);
  }
}

TYPED_TEST(FoldPointwise, KeepsTheChannelsThatArePickedAndPlaced) {
  using T = TypeParam;
  Random random(3);
  auto first = random_conv_layer<T>({3, 4, 1}, 3, random);
  auto second = random_conv_layer<T>({4, 2, 2}, 1, random);
  first.reads = {4, 0, 2};
  second.writes = {2, 0};
  second.y_channels = 3;
  second.padding = 0;
  const auto x = random_x(first, 5, random);
  EXPECT_LT(largest_difference(run_layer(fold_pointwise(first, second), x),
                               run_layers<T>({first, second}, x.view())),
            kRoundingError<T>);
}

TYPED_TEST(FoldPointwise, EmbeddedPointwiseLayersAreTheSameAndComeBack) {
  using T = TypeParam;
  Random random(4);
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels = random_channels(random);
    const auto layer = random_conv_layer<T>(channels, 1, random);
    const auto x = random_x(layer, channels.c_i, random);
    const ConvLayer<T> embedded = embed_pointwise(layer, random_window(random));
    ASSERT_LT(largest_difference(run_layer(embedded, x), run_layer(layer, x)), kRoundingError<T>)
        << "case " << i << ": " << to_string(layer) << " as " << to_string(embedded);
    const ConvLayer<T> back = extract_pointwise(embedded);
    ASSERT_TRUE(same_bytes(back.kernel, layer.kernel));
    ASSERT_EQ(largest_difference(back.bias, layer.bias), 0);
    ASSERT_EQ(back.padding, layer.padding);
    ASSERT_EQ(back.stride, layer.stride);
    ASSERT_EQ(back.groups, layer.groups);
  }
}

// A tap anywhere, in a dilated kernel, where the padding reaches it from both sides.
TYPED_TEST(FoldPointwise, ASingleTapIsAPointwiseLayer) {
  using T = TypeParam;
  Random random(5);
  int extracted = 0;
  for (int i = 0; i < kRandomLayers; ++i) {
    const LayerChannels channels = random_channels(random);
    auto layer = random_conv_layer<T>(channels, random_window(random), random);
    const Pair tap(random.between(0, layer.kernel.size(2) - 1),
                   random.between(0, layer.kernel.size(3) - 1));
    const bool zeros = random.chance(0.1);
    const std::int64_t taps = layer.kernel.size(2) * layer.kernel.size(3);
    for (std::int64_t k = 0; k < layer.kernel.size(); ++k) {
      const bool there = k % taps == tap.h * layer.kernel.size(3) + tap.w;
      if (!there || zeros) layer.kernel.data()[k] = 0;
    }
    const auto x = random_x(layer, channels.c_i, random);
    ConvLayer<T> pointwise;
    try {
      pointwise = extract_pointwise(layer);
    } catch (const Error& error) {
      ASSERT_NE(std::string(error.what()).find("negative padding"), std::string::npos);
      continue;
    }
    ++extracted;
    ASSERT_LT(largest_difference(run_layer(pointwise, x), run_layer(layer, x)), kRoundingError<T>)
        << "case " << i << ": " << to_string(layer) << " as " << to_string(pointwise);
  }
  EXPECT_GT(extracted, kRandomLayers / 20);
}

// === errors ===

template <class Call>
std::string refusal(Call call) {
  return error_of(Status::invalid_argument, call);
}

TEST(FoldPointwiseErrors, NameWhyOutputsCanDiffer) {
  ConvLayer<double> first{.kernel = Tensor<double>({2, 3, 1, 1}), .bias = {{2}, {0, 1}}};
  const ConvLayer<double> second{.kernel = Tensor<double>({4, 2, 3, 3}), .padding = 1};
  std::string message = refusal([&] { fold_pointwise(first, second); });
  EXPECT_NE(message.find("for some sizes of x outputs can differ"), std::string::npos) << message;
  EXPECT_NE(message.find("whose bias is not 0"), std::string::npos) << message;
  message = refusal([&] { fold_pointwise(first, second, Pair(5, 6)); });
  EXPECT_NE(message.find("18 of 5x6 outputs can differ"), std::string::npos) << message;
  first.bias(1) = 0;
  EXPECT_EQ(fold_pointwise(first, second).padding, Padding(1));
  const ConvLayer<double> padded{.kernel = Tensor<double>({2, 4, 1, 1}), .padding = 1};
  message = refusal([&] { fold_pointwise(second, padded); });
  EXPECT_NE(message.find("whose windows there meet x"), std::string::npos) << message;
}

TEST(FoldPointwiseErrors, NameLayersThatCannotBeFolded) {
  const ConvLayer<double> square{.kernel = Tensor<double>({3, 3, 3, 3})};
  const ConvLayer<double> row{.kernel = Tensor<double>({3, 3, 1, 2})};
  ConvLayer<double> pointwise{.kernel = Tensor<double>({2, 3, 1, 1})};
  EXPECT_EQ(refusal([&] { fold_pointwise(square, row); }),
            "one of both layers must be 1x1 but their kernels are 3x3x3x3 and 3x3x1x2");
  const std::string message = refusal([&] { fold_pointwise(pointwise, square); });
  EXPECT_NE(message.find("K2 reads 3 middle channels but K1 computes 2"), std::string::npos)
      << message;
  pointwise.reads = {2, 1, 0};
  EXPECT_EQ(refusal([&] { fold_pointwise(square, pointwise); }),
            "layer 2 must read all channels of layer 1 in order, without writes and reads");
}

TEST(FoldPointwiseErrors, NameWhatCannotBeEmbeddedOrExtracted) {
  const ConvLayer<float> pointwise{.kernel = Tensor<float>({2, 3, 1, 1})};
  EXPECT_EQ(refusal([&] {
              embed_pointwise(pointwise, {0, 3});
            }),
            "the window must be at least 1 but is 0x3");
  EXPECT_EQ(refusal([&] { embed_pointwise(pointwise, std::int64_t{1} << 62); }),
            "overflow: shape 2x3x4611686018427387904x4611686018427387904 has more than 2^62 "
            "elements");
  ConvLayer<float> square{.kernel = Tensor<float>({2, 3, 3, 3}), .padding = {1, 1, 0, 1}};
  EXPECT_EQ(refusal([&] { embed_pointwise(square, 3); }),
            "a 1x1 layer can be embedded but this one's kernel is 2x3x3x3");
  square.kernel(1, 2, 1, 1) = 1;
  EXPECT_EQ(refusal([&] { extract_pointwise(square); }),
            "as a 1x1 layer, one of kernel 2x3x3x3, dilation 1 and padding 1_1_0_1 "
            "(top_bottom_left_right) whose tap is (1, 1) would need a negative padding, 0_0_-1_0 "
            "(top_bottom_left_right)");
  square.kernel(0, 1, 0, 2) = 1;
  EXPECT_EQ(refusal([&] { extract_pointwise(square); }),
            "a layer is 1x1 only if one tap of its window is not zero, but tap (0, 2) of kernel 0, "
            "channel 1 and tap (1, 1) of kernel 1, channel 2 are not");
}

}  // namespace
}  // namespace plait::test
