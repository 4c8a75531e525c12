// The Inception module is the composition that its drawing shows.
#include "run/inception.hpp"

#include <cmath>
#include <limits>

#include <plait/conv2d.hpp>

#include "support.hpp"

namespace plait::cli {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Tensor<float> by_reference(const Tensor<float>& x, const Tensor<float>& kernel,
                           std::int64_t padding) {
  return conv2d(
      x, kernel,
      {.padding = padding, .activation = {.kind = ActivationKind::relu}, .algorithm = "reference"});
}

// With one-call convolutions, as a user of the library would write a layer.
Tensor<float> by_plan(const std::string&, const Problem& problem, const Tensor<float>& x,
                      const Tensor<float>& kernel) {
  Tensor<float> y(problem.y_shape());
  const Plan chosen = plan(problem);
  chosen.run(x, chosen.pack(kernel), y);
  return y;
}

TEST(Inception, EqualsItsPartsComposedByHand) {
  // Two pictures of 11 x 13 pixels, no two channels alike.
  Tensor<float> x({2, 3, 11, 13});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    x.data()[i] = static_cast<float>(0.5 + 0.5 * std::sin(0.37 * static_cast<double>(i * i)));
  }
  const InceptionWeights weights = inception_weights();
  const Tensor<float> a = by_reference(x, weights.only_1x1, 0);
  const Tensor<float> b = by_reference(by_reference(x, weights.reduce_3x3, 0), weights.conv_3x3, 1);
  const Tensor<float> c = by_reference(by_reference(x, weights.reduce_5x5, 0), weights.conv_5x5, 2);
  const Tensor<float> d = by_reference(max_pool_3x3(x), weights.after_pool, 0);

  const Tensor<float> y = inception(x, weights, by_plan);
  ASSERT_EQ(y.shape(), (Dims{2, 16, 11, 13}));
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t channel = 0; channel < 16; ++channel) {
      const Tensor<float>& part = channel < 4 ? a : channel < 8 ? b : channel < 12 ? c : d;
      for (std::int64_t i = 0; i < 11; ++i) {
        for (std::int64_t j = 0; j < 13; ++j) {
          ASSERT_NEAR(y(n, channel, i, j), part(n, channel % 4, i, j), 2e-6)
              << "n " << n << " channel " << channel << " pixel " << i << ", " << j;
        }
      }
    }
  }
}

TEST(Inception, NamesEveryOutputChannel) {
  const InceptionWeights weights = inception_weights();
  EXPECT_EQ(static_cast<std::int64_t>(weights.channel_names.size()),
            weights.only_1x1.size(0) + weights.conv_3x3.size(0) + weights.conv_5x5.size(0) +
                weights.after_pool.size(0));
}

TEST(Inception, RefusesOtherThanThreeChannels) {
  EXPECT_CONTAINS(error_of([] {
                    inception(Tensor<float>({1, 4, 8, 8}), inception_weights(), by_plan);
                  }),
                  "expects a picture of 3 channels but x is 1x4x8x8");
}

TEST(MaxPool, TakesTheLargestNeighbourAndNothingFromOutside) {
  const Tensor<float> x({1, 1, 3, 4}, {-9, -8, -7, -6, -5, -4, -3, -2, -1, -10, -11, -12});
  const Tensor<float> y = max_pool_3x3(x);
  const Tensor<float> expected({1, 1, 3, 4}, {-4, -3, -2, -2, -1, -1, -2, -2, -1, -1, -2, -2});
  for (std::int64_t i = 0; i < 12; ++i) EXPECT_EQ(y.data()[i], expected.data()[i]) << i;
}

TEST(MaxPool, KeepsChannelsApartAndLetsNanWin) {
  const Tensor<float> x({1, 2, 1, 4}, {0, 0, 0, kNan, 5, 0, 0, 0});
  const Tensor<float> y = max_pool_3x3(x);
  EXPECT_EQ(y(0, 0, 0, 0), 0);
  EXPECT_EQ(y(0, 0, 0, 1), 0);
  EXPECT_TRUE(std::isnan(y(0, 0, 0, 2)));
  EXPECT_TRUE(std::isnan(y(0, 0, 0, 3)));
  EXPECT_EQ(y(0, 1, 0, 1), 5);
  EXPECT_EQ(y(0, 1, 0, 2), 0);
}

TEST(Concatenate, StacksChannelsPerImage) {
  const Tensor<float> a({2, 1, 1, 2}, {1, 2, 3, 4});
  const Tensor<float> b({2, 2, 1, 2}, {10, 11, 12, 13, 20, 21, 22, 23});
  const Tensor<float> y = concatenate_channels({&a, &b});
  const Tensor<float> expected({2, 3, 1, 2}, {1, 2, 10, 11, 12, 13, 3, 4, 20, 21, 22, 23});
  ASSERT_EQ(y.shape(), expected.shape());
  for (std::int64_t i = 0; i < 12; ++i) EXPECT_EQ(y.data()[i], expected.data()[i]) << i;
}

}  // namespace
}  // namespace plait::cli
