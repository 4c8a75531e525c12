// The identity, average pooling and channel shuffle as kernels; 1x1 layers as k x k ones and back.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include <plait/channels.hpp>
#include <plait/fold.hpp>

#include "support/calls.hpp"
#include "support/layers.hpp"

namespace plait::test {
namespace {

template <class T>
class FoldKernels : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(FoldKernels, Types);

TYPED_TEST(FoldKernels, TheIdentityChangesNothing) {
  using T = TypeParam;
  Random random(1);
  const auto x = normal_tensor<T>({2, 6, 5, 4}, random);
  for (const std::int64_t groups : {1, 2, 3, 6}) {
    for (const Pair& window : {Pair(1), Pair(3), Pair(2, 5), Pair(4, 1)}) {
      const ConvLayer<T> layer{
          .kernel = identity_kernel<T>(6, groups, window),
          .padding = {(window.h - 1) / 2, window.h / 2, (window.w - 1) / 2, window.w / 2},
          .groups = groups};
      ASSERT_EQ(layer.kernel.shape(), (Dims{6, 6 / groups, window.h, window.w}));
      EXPECT_TRUE(same_bytes(run_layer(layer, x), x)) << to_string(layer);
    }
  }
}

// The definition, zeros of the padding counted.
template <class T>
Tensor<T> average_pooled(const Tensor<T>& x, const ConvLayer<T>& as) {
  const Problem p = problem_of(as, x.shape());
  Tensor<T> y(p.y_shape());
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const std::int64_t row = i / y.size(3) % y.size(2) * p.stride.h - p.padding.top;
    const std::int64_t column = i % y.size(3) * p.stride.w - p.padding.left;
    const T* plane = x.data() + i / (y.size(2) * y.size(3)) * p.h * p.w;
    double sum = 0;
    for (std::int64_t h = std::max<std::int64_t>(row, 0); h < std::min(row + p.k_h, p.h); ++h) {
      for (std::int64_t w = std::max<std::int64_t>(column, 0); w < std::min(column + p.k_w, p.w);
           ++w) {
        sum += double{plane[h * p.w + w]};
      }
    }
    y.data()[i] = static_cast<T>(sum / static_cast<double>(p.k_h * p.k_w));
  }
  return y;
}

TYPED_TEST(FoldKernels, AveragePoolingIsTheAverageOfEachWindow) {
  using T = TypeParam;
  Random random(2);
  for (int i = 0; i < kRandomLayers / 4; ++i) {
    const std::int64_t channels = random.between(1, 4);
    ConvLayer<T> layer =
        random_conv_layer<T>({channels, channels, channels}, random_window(random), random);
    layer.kernel = average_pool_kernel<T>(channels, {layer.kernel.size(2), layer.kernel.size(3)},
                                          layer.padding);
    layer.bias = {};
    layer.dilation = 1;
    const auto x = random_x(layer, channels, random);
    ASSERT_LT(largest_difference(run_layer(layer, x), average_pooled(x, layer)), kRoundingError<T>)
        << "case " << i << ": " << to_string(layer);
  }
}

TYPED_TEST(FoldKernels, ChannelShuffleIsChannelShuffle) {
  using T = TypeParam;
  Random random(3);
  const auto x = normal_tensor<T>({2, 12, 3, 2}, random);
  for (const std::int64_t groups : {1, 2, 3, 4, 6, 12}) {
    const ConvLayer<T> layer{.kernel = channel_shuffle_kernel<T>(12, groups)};
    EXPECT_TRUE(same_bytes(run_layer(layer, x), channel_shuffle(x, groups))) << groups;
  }
}

TYPED_TEST(FoldKernels, EmbeddedPointwiseLayersAreTheSameAndComeBack) {
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
    ASSERT_TRUE(same_bytes(back.bias, layer.bias));
    ASSERT_EQ(back.padding, layer.padding);
    ASSERT_EQ(back.stride, layer.stride);
    ASSERT_EQ(back.groups, layer.groups);
  }
}

// A tap anywhere, in a dilated kernel, where the padding reaches it from both sides.
TYPED_TEST(FoldKernels, ASingleTapIsAPointwiseLayer) {
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

TEST(FoldKernelsErrors, NameTheNumberThatIsWrong) {
  EXPECT_EQ(refusal([] { identity_kernel<float>(0); }), "channels must be at least 1 but is 0");
  EXPECT_EQ(refusal([] { identity_kernel<float>(6, 4); }),
            "groups must divide the channels but 4 does not divide 6");
  EXPECT_EQ(refusal([] {
              identity_kernel<float>(6, 2, {3, 0});
            }),
            "the window must be at least 1 but is 3x0");
  EXPECT_EQ(refusal([] { identity_kernel<float>(std::int64_t{1} << 40); }),
            "overflow: shape 1099511627776x1099511627776x1x1 has more than 2^62 elements");
  EXPECT_EQ(refusal([] { channel_shuffle_kernel<float>(6, 4); }),
            "groups must divide the channels but 4 does not divide 6");
  EXPECT_EQ(refusal([] { channel_shuffle_kernel<float>(6, 0); }),
            "groups must be at least 1 but is 0");
  EXPECT_EQ(refusal([] {
              average_pool_kernel<float>(6, {0, 2});
            }),
            "the window must be at least 1 but is 0x2");
  EXPECT_EQ(refusal([] { average_pool_kernel<float>(-1, 2); }),
            "channels must be at least 1 but is -1");
  EXPECT_EQ(refusal([] {
              average_pool_kernel<float>(6, 2, {-1, 0});
            }),
            "padding must not be negative but is -1_-1_0_0 (top_bottom_left_right)");
}

TEST(FoldKernelsErrors, AveragesWithOtherDivisorsAtTheBordersAreNoConvolution) {
  EXPECT_EQ(refusal([] {
              average_pool_kernel<float>(6, {3, 2}, 1, false);
            }),
            "average pooling that does not count its padding, 1_1_1_1 (top_bottom_left_right), is "
            "no convolution: at the borders it divides by fewer than 3x2 values");
  EXPECT_TRUE(same_bytes(average_pool_kernel<float>(1, {1, 2}, 0, false),
                         Tensor<float>({1, 1, 1, 2}, {0.5F, 0.5F})));
}

TEST(FoldKernelsErrors, NameWhatCannotBeEmbeddedOrExtracted) {
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
