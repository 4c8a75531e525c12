// The identity, average pooling and channel shuffle as kernels.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include <plait/analysis/channels.hpp>
#include <plait/rewrite/fold.hpp>

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

}  // namespace
}  // namespace plait::test
