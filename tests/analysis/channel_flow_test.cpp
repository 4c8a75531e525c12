// Shuffled channels against the definition; what reaches what against layers that really convolve.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "core/random.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

// 0, 1, 2, ...
template <class T>
Tensor<T> counting(const Dims& shape) {
  Tensor<T> x(shape);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<T>(i);
  return x;
}

// Reshaped to groups x c / groups, transposed: value by value, for a view of four axes.
template <class T>
void expect_shuffled(TensorView<const T> x, std::int64_t groups, const Tensor<T>& y) {
  const std::int64_t block = x.size(1) / groups;
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    for (std::int64_t i = 0; i < groups; ++i) {
      for (std::int64_t j = 0; j < block; ++j) {
        for (std::int64_t h = 0; h < x.size(2); ++h) {
          for (std::int64_t w = 0; w < x.size(3); ++w) {
            ASSERT_EQ(y(n, j * groups + i, h, w), x(n, i * block + j, h, w));
          }
        }
      }
    }
  }
}

template <class T>
class ChannelShuffle : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(ChannelShuffle, Types);

TYPED_TEST(ChannelShuffle, IsAReshapeAndATransposition) {
  const Tensor<TypeParam> x = counting<TypeParam>({2, 12, 3, 5});
  for (const std::int64_t groups : {1, 2, 3, 4, 6, 12}) {
    const Tensor<TypeParam> y = channel_shuffle(x, groups);
    ASSERT_EQ(y.shape(), x.shape());
    expect_shuffled<TypeParam>(x.view(), groups, y);
    EXPECT_TRUE(same_bytes(channel_shuffle(y, 12 / groups), x)) << "the other number undoes it";
  }
}

TYPED_TEST(ChannelShuffle, ReadsAnyStrides) {
  // Every other column, of memory with the channels side by side, rows from the last to the first.
  const Tensor<TypeParam> memory = counting<TypeParam>({2, 3, 8, 6});  // n x h x w x c
  const TensorView<const TypeParam> x(&memory(0, 2, 0, 0), {2, 6, 3, 4}, {144, 1, -48, 12});
  expect_shuffled(x, 3, channel_shuffle<TypeParam>(x, 3));
}

TYPED_TEST(ChannelShuffle, TakesOneImageAndEmptyOnes) {
  const Tensor<TypeParam> x({6, 1, 1}, {0, 1, 2, 3, 4, 5});
  const Tensor<TypeParam> y = channel_shuffle(x, 2);
  EXPECT_TRUE(same_bytes(y, Tensor<TypeParam>({6, 1, 1}, {0, 3, 1, 4, 2, 5})));
  EXPECT_EQ(channel_shuffle(Tensor<TypeParam>({0, 6, 2, 2}), 3).shape(), (Dims{0, 6, 2, 2}));
}

TEST(ChannelShuffle, RefusesWhatHasNoMeaning) {
  const Tensor<float> x({2, 6, 3, 3});
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { channel_shuffle(x, 4); }),
            "groups must divide the channels but 4 does not divide 6 (x is 2x6x3x3)");
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { channel_shuffle(x, 7); }),
            "groups must divide the channels but 7 does not divide 6 (x is 2x6x3x3)");
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { channel_shuffle(x, 0); }),
            "groups must be at least 1 but is 0");
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { channel_shuffle(x, -2); }),
            "groups must be at least 1 but is -2");
  EXPECT_EQ(error_of(Status::invalid_argument,
                     [] {
                       channel_shuffle(Tensor<float>({6, 3}), 2);
                     }),
            "x must be c x h x w or n x c x h x w but is 6x3");
  EXPECT_EQ(error_of(Status::invalid_argument, [] { channel_shuffle(Tensor<float>(), 2); }),
            "x must be c x h x w or n x c x h x w but is missing");
}

// channels x channels/groups x 1 x 1, between 1 and 2.
Tensor<double> positive_weights(Random& random, std::int64_t channels, std::int64_t groups) {
  Tensor<double> kernel({channels, channels / groups, 1, 1});
  for (double& weight : kernel) weight = 1 + random.uniform();
  return kernel;
}

// The stack's own layers, convolved: image n has a one in channel n and zeros elsewhere, and what
// it reaches is positive.
Tensor<double> convolved(const GroupedStack& stack) {
  Random random(7);
  Tensor<double> x({stack.channels, stack.channels, 1, 1});
  for (std::int64_t channel = 0; channel < stack.channels; ++channel) x(channel, channel, 0, 0) = 1;
  for (std::int64_t layer = 0; layer < stack.layers; ++layer) {
    if (layer > 0 && stack.between == Between::shuffle) x = channel_shuffle(x, stack.groups);
    if (layer > 0 && stack.between == Between::pointwise) {
      x = conv2d(x, positive_weights(random, stack.channels, 1), {.algorithm = "reference"});
    }
    x = conv2d(x, positive_weights(random, stack.channels, stack.groups),
               {.groups = stack.groups, .algorithm = "reference"});
  }
  return x;
}

constexpr Between kAllBetween[] = {Between::none, Between::shuffle, Between::pointwise};

TEST(ChannelFlow, IsWhatConvolutionsReach) {
  for (const std::int64_t channels : {1, 2, 6, 8, 12, 16, 27, 30}) {
    for (std::int64_t groups = 1; groups <= channels; ++groups) {
      if (channels % groups != 0) continue;
      for (std::int64_t layers = 1; layers <= 4; ++layers) {
        for (const Between between : kAllBetween) {
          const GroupedStack stack{channels, groups, layers, between};
          SCOPED_TRACE(std::to_string(channels) + " in " + std::to_string(groups) + ", layers " +
                       std::to_string(layers) + ", " + std::string(name_of(between)));
          const Tensor<double> y = convolved(stack);
          const ChannelFlow flow = channel_flow(stack);
          std::int64_t pairs = 0;
          for (std::int64_t input = 0; input < channels; ++input) {
            for (std::int64_t output = 0; output < channels; ++output) {
              ASSERT_EQ(flow.reaches(input, output), y(input, output, 0, 0) > 0)
                  << input << " -> " << output;
              pairs += y(input, output, 0, 0) > 0 ? 1 : 0;
            }
          }
          EXPECT_EQ(flow.reached_pairs, pairs);
          EXPECT_EQ(flow.pairs(), channels * channels);
        }
      }
    }
  }
}

TEST(ChannelFlow, IsNotSymmetric) {
  // 12 channels in 6 blocks of 2: block 1 reads the shuffled channels 2 and 3, which were 4 and 6:
  // blocks 2 and 3. Block 2 reads what were 8 and 10: blocks 4 and 5.
  const ChannelFlow flow = channel_flow({12, 6, 2, Between::shuffle});
  EXPECT_TRUE(flow.reaches(4, 2));
  EXPECT_FALSE(flow.reaches(2, 4));
  EXPECT_TRUE(flow.reaches(2, 0));
}

TEST(ChannelFlow, StaysInItsBlockWithoutMixing) {
  for (const std::int64_t layers : {std::int64_t{1}, std::int64_t{2}, std::int64_t{1} << 62}) {
    const ChannelFlow flow = channel_flow({24, 4, layers, Between::none});
    EXPECT_EQ(flow.reached_pairs, 4 * 6 * 6);
    EXPECT_EQ(flow.share(), 0.25);
  }
}

TEST(ChannelFlow, LayersToReachAllAreTheFewest) {
  for (std::int64_t channels = 1; channels <= 96; ++channels) {
    for (std::int64_t groups = 1; groups <= channels; ++groups) {
      if (channels % groups != 0) continue;
      for (const Between between : kAllBetween) {
        GroupedStack stack{channels, groups, 1, between};
        SCOPED_TRACE(std::to_string(channels) + " in " + std::to_string(groups) + ", " +
                     std::string(name_of(between)));
        std::optional<std::int64_t> fewest;
        for (; stack.layers <= 9 && !fewest; ++stack.layers) {  // 96 in 48 take 7
          if (channel_flow(stack).share() == 1) fewest = stack.layers;
        }
        EXPECT_EQ(layers_to_reach_all(stack), fewest);
      }
    }
  }
}

TEST(ChannelFlow, TwoShuffledLayersAreEnoughWhereBlocksAreAtLeastAsWideAsMany) {
  EXPECT_EQ(layers_to_reach_all({16, 4, 1, Between::shuffle}), 2);
  EXPECT_EQ(layers_to_reach_all({4096, 64, 1, Between::shuffle}), 2);
  EXPECT_EQ(layers_to_reach_all({4096, 128, 1, Between::shuffle}), 3);
  EXPECT_EQ(
      layers_to_reach_all({std::int64_t{1} << 62, std::int64_t{1} << 61, 1, Between::shuffle}), 62);
}

TEST(ChannelFlow, TakesTheMostChannels) {
  const ChannelFlow flow = channel_flow({kMaxFlowChannels, 2048, 12, Between::shuffle});
  EXPECT_EQ(flow.share(), 1);
  EXPECT_EQ(channel_flow({kMaxFlowChannels, 2048, 11, Between::shuffle}).share(), 0.5);
  EXPECT_EQ(channel_flow({kMaxFlowChannels, kMaxFlowChannels, 5, Between::shuffle}).reached_pairs,
            kMaxFlowChannels);
}

TEST(ChannelFlow, RefusesWhatHasNoMeaning) {
  const auto error = [](const GroupedStack& stack, Status status = Status::invalid_argument) {
    return error_of(status, [&] { channel_flow(stack); });
  };
  EXPECT_EQ(error({16, 3}), "groups must divide the channels but 3 does not divide 16");
  EXPECT_EQ(error({16, 0}), "groups must be at least 1 but is 0");
  EXPECT_EQ(error({0, 1}), "channels must be at least 1 but is 0");
  EXPECT_EQ(error({-4, 2}), "channels must be at least 1 but is -4");
  EXPECT_EQ(error({16, 4, 0}), "layers must be at least 1 but is 0");
  EXPECT_EQ(error({8192, 4}, Status::unsupported),
            "channel_flow follows at most 4096 channels but got 8192");
  EXPECT_EQ(error_of(Status::invalid_argument,
                     [] {
                       layers_to_reach_all({16, 3});
                     }),
            "groups must divide the channels but 3 does not divide 16");
}

TEST(ChannelFlow, NamesWhatLiesBetween) {
  for (const Between between : kAllBetween) EXPECT_EQ(parse_between(name_of(between)), between);
  EXPECT_EQ(error_of(Status::invalid_argument, [] { parse_between("mixing"); }),
            "unknown kind of layer between \"mixing\" (known: none, shuffle, pointwise)");
}

}  // namespace
}  // namespace plait::test
