// Two layers as one: the numbers by hand, where it can differ, and what is refused. Random layers
// are in compose_random_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <vector>

#include <plait/plait.hpp>
#include <plait/rewrite.hpp>

#include "core/random.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 40;

template <class T>
std::vector<T> values_of(const Tensor<T>& tensor) {
  return {tensor.begin(), tensor.end()};
}

template <class T>
Tensor<T> normal(const Dims& shape, Random& random) {
  Tensor<T> tensor(shape);
  for (T& value : tensor) value = static_cast<T>(random.normal());
  return tensor;
}

template <class T>
Tensor<T> filled(const Dims& shape, T value) {
  Tensor<T> tensor(shape);
  std::fill(tensor.begin(), tensor.end(), value);
  return tensor;
}

// The mask as text, a line for each row of outputs.
std::string picture(const DifferingOutputs& differing) {
  std::string text;
  for (std::int64_t i = 0; i < differing.h(); ++i) {
    for (std::int64_t j = 0; j < differing.w(); ++j) text += differing(i, j) ? '#' : '.';
    text += '\n';
  }
  return text;
}

// === by hand ===

TEST(Compose, IsTheFullConvolutionOfTheTwoKernels) {
  // Not their cross-correlation, which would be 5 13 6, and of 2 + 2 - 1 taps.
  const Tensor<double> k1({1, 1, 1, 2}, {1, 2});
  const Tensor<double> k2({1, 1, 1, 2}, {3, 5});
  const Composition<double> one = compose(k1, k2);
  EXPECT_EQ(one.kernel.shape(), (Dims{1, 1, 1, 3}));
  EXPECT_EQ(values_of(one.kernel), (std::vector<double>{3, 11, 10}));
  EXPECT_EQ(one.bias.size(), 0);
  EXPECT_TRUE(one.exact);
  EXPECT_FALSE(one.differing);
  EXPECT_FALSE(one.per_image);
}

TEST(Compose, SumsOverTheMiddleChannels) {
  const Tensor<float> k1({2, 1, 1, 2}, {1, 2, 3, 4});
  const Tensor<float> k2({1, 2, 1, 2}, {5, 6, 7, 8});
  // (1 2) * (5 6) = 5 16 12, (3 4) * (7 8) = 21 52 32
  EXPECT_EQ(values_of(compose(k1, k2).kernel), (std::vector<float>{26, 68, 44}));
}

TEST(Compose, OfPointwiseLayersIsTheProductOfTheirMatrices) {
  const Tensor<float> k1({2, 2, 1, 1}, {1, 2, 3, 4});
  const Tensor<float> k2({2, 2, 1, 1}, {5, 6, 7, 8});
  EXPECT_EQ(values_of(compose(k1, k2).kernel), (std::vector<float>{23, 34, 31, 46}));
}

TEST(Compose, SpreadsTapsByStrideAndDilation) {
  const Tensor<double> k1({1, 1, 1, 2}, {1, 10});
  const Tensor<double> k2({1, 1, 1, 2}, {1, 3});
  const Composition<double> one = compose(k1, k2,
                                          {.stride1 = {1, 3},
                                           .stride2 = {1, 2},
                                           .dilation1 = {1, 2},
                                           .dilation2 = {1, 2},
                                           .padding1 = {0, 0, 1, 2},
                                           .padding2 = {0, 0, 3, 4}});
  // 1 + 2 (2 - 1) + 3 2 (2 - 1) taps
  EXPECT_EQ(values_of(one.kernel), (std::vector<double>{1, 0, 10, 0, 0, 0, 3, 0, 30}));
  EXPECT_EQ(one.stride, (Pair(1, 6)));
  EXPECT_EQ(one.padding, (Padding(0, 0, 10, 14)));
}

TEST(Compose, CarriesTheBiases) {
  const Tensor<float> k1({2, 1, 1, 1}, {1, 1});
  const Tensor<float> k2({2, 2, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor<float> b1({2}, {1, 10});
  const Tensor<float> b2({2}, {100, 200});
  EXPECT_EQ(values_of(compose(k1, k2, {.bias1 = b1, .bias2 = b2}).bias),
            (std::vector<float>{173, 361}));
  EXPECT_EQ(values_of(compose(k1, k2, {.bias1 = b1}).bias), (std::vector<float>{73, 161}));
  EXPECT_EQ(values_of(compose(k1, k2, {.bias2 = b2}).bias), (std::vector<float>{100, 200}));
}

TEST(Compose, HasTheGroupsThatBothLayersHave) {
  const Tensor<float> k1({4, 1, 1, 1}, {1, 2, 3, 4});
  const Tensor<float> k2({2, 2, 1, 1}, {1, 10, 100, 1000});
  const Composition<float> one = compose(k1, k2, {.groups1 = 4, .groups2 = 2});
  EXPECT_EQ(one.groups, 2);
  EXPECT_EQ(one.kernel.shape(), (Dims{2, 2, 1, 1}));
  EXPECT_EQ(values_of(one.kernel), (std::vector<float>{1, 20, 300, 4000}));
  // Groups of 3 and of 2 middle channels have no block in common.
  const Tensor<float> six({6, 1, 1, 1}, {1, 2, 3, 4, 5, 6});
  const Tensor<float> pairs = filled<float>({3, 2, 1, 1}, 1);
  const Composition<float> mixed = compose(six, pairs, {.groups1 = 2, .groups2 = 3});
  EXPECT_EQ(mixed.groups, 1);
  EXPECT_EQ(values_of(mixed.kernel), (std::vector<float>{3, 0, 3, 4, 0, 11}));
}

TEST(Compose, SaysWhichOutputsOfTheBorderDiffer) {
  const auto k = filled<float>({1, 1, 3, 3}, 1);
  const Composition<float> one =
      compose(k, k, {.padding1 = 1, .padding2 = 1, .input_size = Pair(5)});
  EXPECT_EQ(one.kernel.shape(), (Dims{1, 1, 5, 5}));
  EXPECT_EQ(one.padding, Padding(2));
  EXPECT_FALSE(one.exact);
  ASSERT_TRUE(one.differing);
  EXPECT_EQ(picture(*one.differing), "#####\n#...#\n#...#\n#...#\n#####\n");
  EXPECT_EQ(one.differing->count(), 16);
  EXPECT_EQ(one.differing->first(), Pair(0, 0));
  EXPECT_EQ(one.inexact_because,
            "padding2 1_1_1_1 (top_bottom_left_right) puts zeros around the middle map, where one "
            "kernel goes on with the first layer, whose windows there meet x");
  const Composition<float> other =
      compose(k, k, {.padding1 = 2, .padding2 = 0, .input_size = Pair(5)});
  EXPECT_TRUE(other.exact);
  EXPECT_EQ(other.inexact_because, "");
  EXPECT_TRUE(same_bytes(other.kernel, one.kernel));
  EXPECT_EQ(other.padding, one.padding);
}

TEST(Compose, IsExactBehindAPointwiseLayerWithoutBias) {
  const auto k1 = filled<float>({1, 1, 1, 1}, 2);
  const auto k2 = filled<float>({1, 1, 3, 3}, 1);
  EXPECT_TRUE(compose(k1, k2, {.padding2 = 1}).exact);
  const Tensor<float> zero({1});
  EXPECT_TRUE(compose(k1, k2, {.bias1 = zero, .padding2 = 1}).exact);
  const Tensor<float> bias({1}, {3});
  const Composition<float> one =
      compose(k1, k2, {.bias1 = bias, .padding2 = {1, 0, 0, 0}, .input_size = Pair(4, 5)});
  EXPECT_EQ(picture(*one.differing), "###\n...\n...\n");
  EXPECT_NE(one.inexact_because.find("whose bias is not 0"), std::string::npos);
}

TEST(Compose, LooksAtTapsNotAtWindows) {
  // With dilation 7, the window at -1 has taps at -1 and 6: beside x, if that has up to 6 columns.
  const auto k1 = filled<float>({1, 1, 1, 2}, 1);
  const auto k2 = filled<float>({1, 1, 1, 2}, 1);
  ComposeOptions<float> options{.dilation1 = {1, 7}, .padding1 = {0, 0, 0, 7}};
  options.padding2 = {0, 0, 1, 0};
  options.input_size = Pair(1, 6);
  EXPECT_EQ(picture(*compose(k1, k2, options).differing), "......\n");
  options.input_size = Pair(1, 7);
  EXPECT_EQ(picture(*compose(k1, k2, options).differing), "#......\n");
}

TEST(Compose, CountsWhetherItPays) {
  const auto k1 = filled<float>({8, 3, 3, 3}, 1);
  const auto k2 = filled<float>({16, 8, 3, 3}, 1);
  const Composition<float> one =
      compose(k1, k2, {.stride2 = 2, .padding1 = 1, .padding2 = 1, .input_size = Pair(8)});
  EXPECT_EQ(one.per_position.two_layers, 4 * 8 * 3 * 9 + 16 * 8 * 9);
  EXPECT_EQ(one.per_position.one_layer, 16 * 3 * 25);
  ASSERT_TRUE(one.per_image);
  EXPECT_EQ(one.per_image->two_layers, 8 * 3 * 9 * 64 + 16 * 8 * 9 * 16);
  EXPECT_EQ(one.per_image->one_layer, 16 * 3 * 25 * 16);
  EXPECT_LT(one.per_image->factor(), 1);
  const std::vector<LayersCost> costs = compare_layers<float>(
      {two_layers<float>(k1, k2, {.stride2 = 2, .padding1 = 1, .padding2 = 1}), one_layer(one)},
      {1, 3, 8, 8});
  EXPECT_EQ(costs[0].multiplications, one.per_image->two_layers);
  EXPECT_EQ(costs[1].multiplications, one.per_image->one_layer);
}

// === values ===

TEST(Compose, InF32RoundsOnce) {
  Random random(5);
  const auto k1 = normal<float>({6, 4, 3, 2}, random);
  const auto k2 = normal<float>({5, 6, 2, 3}, random);
  const auto wide = [](const Tensor<float>& narrow) {
    Tensor<double> tensor(narrow.shape());
    std::copy(narrow.begin(), narrow.end(), tensor.begin());
    return tensor;
  };
  const Composition<float> one = compose(k1, k2, {.stride1 = 2});
  const Composition<double> exact = compose(wide(k1), wide(k2), {.stride1 = 2});
  ASSERT_EQ(one.kernel.shape(), exact.kernel.shape());
  for (std::int64_t i = 0; i < one.kernel.size(); ++i) {
    ASSERT_EQ(one.kernel.data()[i], static_cast<float>(exact.kernel.data()[i])) << i;
  }
}

TEST(Compose, ReadsAnyStrides) {
  Random random(6);
  const auto memory = normal<float>({9, 9, 9, 9}, random);
  const TensorView<const float> k1(memory.data() + 3000, {4, 3, 3, 2}, {-81, 1, 9, 729});
  const TensorView<const float> k2(memory.data(), {2, 4, 2, 3}, {0, 729, 2, 81});
  EXPECT_TRUE(
      same_bytes(compose<float>(k1, k2).kernel, compose(dense_copy(k1), dense_copy(k2)).kernel));
}

// More columns and rows than one product takes: every part lands in its place.
TEST(Compose, OfManyChannelsIsMadeInParts) {
  const std::int64_t c_i = 150;
  const std::int64_t c_o = 300;
  const Tensor<float> ones = filled<float>({2, c_i, 3, 3}, 1);
  Tensor<float> k2({c_o, 2, 3, 3});
  for (std::int64_t o = 0; o < c_o; ++o) std::fill_n(&k2(o, 0, 0, 0), 18, static_cast<float>(o));
  const Tensor<float> w = compose(ones, k2).kernel;
  ASSERT_EQ(w.shape(), (Dims{c_o, c_i, 5, 5}));
  const std::vector<float> pairs = {1, 2, 3, 2, 1};
  for (std::int64_t i = 0; i < w.size(); ++i) {
    const std::int64_t o = i / (25 * c_i);
    const float taps =
        pairs[static_cast<std::size_t>(i / 5 % 5)] * pairs[static_cast<std::size_t>(i % 5)];
    ASSERT_EQ(w.data()[i], 2 * static_cast<float>(o) * taps) << i;
  }
}

// === errors ===

std::string refusal(const Dims& k1, const Dims& k2, const ComposeOptions<float>& options = {}) {
  const auto a = filled<float>(k1, 1);
  const auto b = filled<float>(k2, 1);
  return error_of(Status::invalid_argument, [&] { compose(a, b, options); });
}

TEST(Compose, NamesTheShapesAndTheRuleThatIsBroken) {
  EXPECT_EQ(refusal({3, 3}, {1, 1, 3, 3}), "K1 must be c_m x c_i/groups1 x k_h x k_w but is 3x3");
  EXPECT_EQ(refusal({1, 1, 3, 3}, {3}), "K2 must be c_o x c_m/groups2 x k_h x k_w but is 3");
  EXPECT_EQ(refusal({6, 3, 3, 3}, {16, 8, 3, 3}),
            "K2 reads 8 middle channels but K1 computes 6 (K1 is 6x3x3x3, K2 is 16x8x3x3)");
  EXPECT_EQ(refusal({6, 3, 3, 3}, {16, 4, 3, 3}, {.groups2 = 2}),
            "K2 reads 8 middle channels, 2 groups of 4, but K1 computes 6 (K1 is 6x3x3x3, K2 is "
            "16x4x3x3)");
  EXPECT_EQ(refusal({16, 8, 3, 3}, {8, 3, 3, 3}),
            "K2 reads 3 middle channels but K1 computes 16 (K1 is 16x8x3x3, K2 is 8x3x3x3: are "
            "they swapped?)");
  EXPECT_EQ(refusal({3, 1, 3, 3}, {1, 3, 3, 3}, {.groups1 = 2}),
            "layer 1: groups must divide the channels but 2 does not divide c_o = 3 (kernel is "
            "3x1x3x3)");
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, {.stride2 = {1, 0}}),
            "layer 2: stride must be at least 1 but is 1x0");
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, {.dilation1 = -1}),
            "layer 1: dilation must be at least 1 but is -1x-1");
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, {.padding2 = {0, -1}}),
            "layer 2: padding must not be negative but is 0_0_-1_-1 (top_bottom_left_right)");
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, {.input_size = Pair(2, 9)}),
            "layer 1: the 3x3 kernel is larger than the padded input 2x9 (x is 1x1x2x9, weight is "
            "1x1x3x3, padding 0_0_0_0 (top_bottom_left_right))");
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, {.input_size = Pair(4, 9)}),
            "layer 2: the 3x3 kernel is larger than the padded input 2x7 (x is 1x1x2x7, weight is "
            "1x1x3x3, padding 0_0_0_0 (top_bottom_left_right))");
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, {.input_size = Pair(0, 9)}),
            "layer 1: every size must be at least 1 but h is 0 (x is 1x1x0x9, weight is 1x1x3x3)");
}

TEST(Compose, NamesBiasesThatDoNotFit) {
  const Tensor<float> five({5});
  EXPECT_EQ(refusal({6, 3, 3, 3}, {16, 6, 3, 3}, {.bias1 = five}),
            "bias1 must have one value for each kernel of K1 (6) but is 5");
  EXPECT_EQ(refusal({6, 3, 3, 3}, {16, 6, 3, 3}, {.bias2 = five}),
            "bias2 must have one value for each kernel of K2 (16) but is 5");
  const Tensor<float> empty(Dims{0});
  EXPECT_EQ(
      refusal({6, 3, 3, 3}, {16, 6, 3, 3}, {.bias2 = TensorView<const float>(five.data(), {0})}),
      "bias2 must have one value for each kernel of K2 (16) but is 0");
}

TEST(Compose, NamesTheFirstValueThatIsNotFinite) {
  Tensor<float> k1 = filled<float>({2, 3, 3, 3}, 1);
  const auto k2 = filled<float>({1, 2, 3, 3}, 1);
  k1(1, 0, 2, 1) = std::numeric_limits<float>::quiet_NaN();
  k1(1, 2, 2, 2) = std::numeric_limits<float>::infinity();
  const auto message = [&](const Tensor<float>& a, const ComposeOptions<float>& options) {
    return error_of(Status::invalid_argument, [&] { compose(a, k2, options); });
  };
  EXPECT_EQ(message(k1, {}).find("layer 1: kernel[1,0,2,1] is nan but "), 0U) << message(k1, {});
  const Tensor<float> b2({1}, {-std::numeric_limits<float>::infinity()});
  EXPECT_EQ(message(filled<float>({2, 3, 3, 3}, 1), {.bias2 = b2}).find("layer 2: bias[0] is -inf"),
            0U);
}

TEST(Compose, RefusesResultsThatF32CannotHold) {
  const auto k1 = filled<float>({1, 1, 1, 2}, 1e30F);
  const auto k2 = filled<float>({1, 1, 1, 1}, 1e30F);
  const std::string message = error_of(Status::invalid_argument, [&] { compose(k1, k2); });
  EXPECT_EQ(message.find("overflow: kernel[0,0,0,0] of the result, "), 0U) << message;
}

TEST(Compose, RefusesSizesThatCannotBe) {
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, {.stride1 = kHuge, .dilation2 = kHuge}),
            "overflow: the composed kernel, 1x1x2417851639229258349412355x"
            "2417851639229258349412355 of 8 bytes, passes 2^62 bytes (K1 is 1x1x3x3, K2 is "
            "1x1x3x3)");
  EXPECT_EQ(refusal({1, 1, 1, 1}, {1, 1, 1, 1}, {.stride1 = kHuge, .stride2 = kHuge}),
            "overflow: stride 1099511627776 times stride 1099511627776 passes 2^62");
  EXPECT_EQ(refusal({1, 1, 1, 1}, {1, 1, 1, 1}, {.stride1 = kHuge, .padding2 = kHuge})
                .find("overflow: padding 0_0_0_0"),
            0U);
  EXPECT_EQ(refusal({1, 1, 1, 1}, {1, 1, 1, 1}, {.stride2 = std::int64_t{1} << 32}),
            "the products of these layers pass 2^62");
  EXPECT_EQ(refusal({1, 1, 1, 1}, {1, 1, 1, 1}, {.padding2 = kHuge, .input_size = Pair(1)})
                .find("layer 2: overflow: "),
            0U);
  const auto k = filled<float>({1, 1, 1, 1}, 1);
  EXPECT_EQ(error_of(Status::unsupported, [&] { compose(k, k, {.input_size = Pair(1, kHuge)}); }),
            "whether outputs can differ is told of at most 2^28 rows and columns but they are "
            "1x1x1x1099511627776");
}

TEST(Compose, RequiresExactness) {
  const ComposeOptions<float> options{.padding1 = 1, .padding2 = 1, .require_exact = true};
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, options),
            "no one kernel is exact here, for some sizes of x outputs can differ: padding2 1_1_1_1 "
            "(top_bottom_left_right) puts zeros around the middle map, where one kernel goes on "
            "with the first layer, whose windows there meet x; exact would be padding1 2_2_2_2 "
            "(top_bottom_left_right) and padding2 0");
  ComposeOptions<float> sized = options;
  sized.input_size = Pair(5, 4);
  EXPECT_EQ(refusal({1, 1, 3, 3}, {1, 1, 3, 3}, sized)
                .find("no one kernel is exact here, 14 of "
                      "5x4 outputs can differ, the first at "
                      "(0, 0): padding2 1_1_1_1"),
            0U);
  const auto k = filled<float>({1, 1, 3, 3}, 1);
  EXPECT_TRUE(compose(k, k, {.padding1 = 2, .require_exact = true}).exact);
}

TEST(Compose, RefusesMissingKernels) {
  const auto k = filled<float>({1, 1, 3, 3}, 1);
  EXPECT_EQ(
      error_of(Status::invalid_argument, [&] { compose<float>(TensorView<const float>(), k); }),
      "K1 must be c_m x c_i/groups1 x k_h x k_w but is missing");
}

TEST(Compose, StopsWhenCancelled) {
  const auto k = filled<float>({1, 1, 3, 3}, 1);
  const std::atomic<bool> cancel = true;
  EXPECT_EQ(error_of(Status::cancelled, [&] { compose(k, k, {.cancel = &cancel}); }),
            "cancelled while the kernels were composed");
  EXPECT_EQ(error_of(Status::cancelled,
                     [&] { compose(k, k, {.input_size = Pair(9), .cancel = &cancel}); }),
            "cancelled while the outputs that can differ were sought");
}

TEST(Compose, TellsTheShapeBeforehand) {
  const auto k1 = filled<float>({6, 2, 3, 1}, 1);
  const auto k2 = filled<float>({4, 3, 2, 5}, 1);
  const ComposeOptions<float> options{.stride1 = 2, .dilation2 = 3, .groups1 = 2, .groups2 = 2};
  const Dims shape = composed_shape<float>(k1, k2, options);
  EXPECT_EQ(shape, (Dims{4, 2, 9, 25}));
  EXPECT_EQ(compose(k1, k2, options).kernel.shape(), shape);
}

}  // namespace
}  // namespace plait::test
