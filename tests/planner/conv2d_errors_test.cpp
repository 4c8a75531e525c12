// Wrong calls of conv2d: the texts, and that nothing is written.
#include <plait/conv2d.hpp>

#include <gtest/gtest.h>

#include "support/calls.hpp"

namespace plait {
namespace {

using test::poisoned;
using test::untouched;

using Options = Conv2dOptions<float>;

template <class Call>
std::string refusal(Call call) {
  const std::string text = test::error_of(Status::invalid_argument, call);
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  return text;
}

std::string refusal_of(const Dims& x, const Dims& kernel, const Options& options = {}) {
  return refusal([&] { conv2d(Tensor<float>(x), Tensor<float>(kernel), options); });
}

// A view of memory that is never read: its size may be anything.
TensorView<const float> imagined(const Dims& shape) {
  static const float somewhere = 0;
  return {&somewhere, shape};
}

std::string refusal_of_imagined(const Dims& x, const Dims& kernel, const Options& options = {}) {
  return refusal([&] { conv2d<float>(imagined(x), imagined(kernel), options); });
}

TEST(Conv2dErrors, ChannelsThatDiffer) {
  EXPECT_EQ(refusal_of({1, 3, 8, 8}, {4, 5, 3, 3}),
            "weight expects 5 input channels but x has 3 (x is 1x3x8x8, weight is 4x5x3x3)");
  EXPECT_EQ(refusal_of({1, 6, 8, 8}, {4, 2, 3, 3}, {.groups = 2}),
            "weight expects 4 input channels (2 groups of 2) but x has 6 (x is 1x6x8x8, weight is "
            "4x2x3x3)");
}

TEST(Conv2dErrors, GuessTheLayout) {
  EXPECT_EQ(refusal_of({1, 56, 56, 64}, {64, 64, 3, 3}),
            "weight expects 64 input channels but x has 56 (x is 1x56x56x64: is it NHWC? pass "
            "layout=\"nhwc\")");
  EXPECT_EQ(refusal_of({1, 64, 56, 56}, {64, 64, 3, 3}, {.layout = Layout::nhwc}),
            "weight expects 64 input channels but x has 56 (x is 1x64x56x56: is it NCHW? pass "
            "layout=\"nchw\")");
}

TEST(Conv2dErrors, GuessTheGroups) {
  EXPECT_EQ(refusal_of({1, 8, 9, 9}, {8, 1, 3, 3}),
            "weight expects 1 input channel but x has 8 (x is 1x8x9x9, weight is 8x1x3x3: are 8 "
            "groups meant?)");
}

TEST(Conv2dErrors, Ranks) {
  EXPECT_EQ(refusal_of({8, 8}, {4, 1, 3, 3}), "x must be n x c x h x w or c x h x w but is 8x8");
  EXPECT_EQ(refusal_of({8, 8}, {4, 1, 3, 3}, {.layout = Layout::nhwc}),
            "x must be n x h x w x c or h x w x c but is 8x8");
  EXPECT_EQ(refusal_of({1, 1, 8, 8}, {1, 3, 3}),
            "weight must be c_o x c_i/groups x k_h x k_w but is 1x3x3");
  EXPECT_EQ(refusal([] {
              conv2d(Tensor<float>(), Tensor<float>({1, 1, 3, 3}));
            }),
            "x must be n x c x h x w or c x h x w but is missing");
  EXPECT_EQ(refusal([] {
              conv2d(Tensor<float>({1, 1, 3, 3}), Tensor<float>());
            }),
            "weight must be c_o x c_i/groups x k_h x k_w but is missing");
}

TEST(Conv2dErrors, Groups) {
  EXPECT_EQ(refusal_of({1, 6, 8, 8}, {4, 2, 3, 3}, {.groups = 3}),
            "groups must divide the channels but 3 does not divide c_o = 4 (x is 1x6x8x8, weight "
            "is 4x2x3x3)");
  EXPECT_EQ(refusal_of({1, 6, 8, 8}, {4, 6, 3, 3}, {.groups = 0}),
            "groups must be at least 1 but is 0");
}

TEST(Conv2dErrors, StrideDilationPadding) {
  EXPECT_EQ(refusal_of({1, 1, 8, 8}, {1, 1, 3, 3}, {.stride = {2, 0}}),
            "stride must be at least 1 but is 2x0");
  EXPECT_EQ(refusal_of({1, 1, 8, 8}, {1, 1, 3, 3}, {.dilation = 0}),
            "dilation must be at least 1 but is 0x0");
  EXPECT_EQ(refusal_of({1, 1, 8, 8}, {1, 1, 3, 3}, {.padding = {0, -1, 0, 0}}),
            "padding must not be negative but is 0_-1_0_0 (top_bottom_left_right)");
  EXPECT_EQ(
      refusal_of({1, 1, 4, 8}, {1, 1, 3, 3}, {.padding = 4, .padding_mode = PaddingMode::reflect}),
      "reflect padding must be smaller than the axis but is 4_4_4_4 (top_bottom_left_right) "
      "around 4x8 (x is 1x1x4x8)");
  EXPECT_EQ(refusal_of({1, 1, 8, 8}, {1, 1, 3, 3}, {.padding_value = 1}),
            "padding_value is given but the padding mode is zeros, not constant");
}

TEST(Conv2dErrors, KernelLargerThanThePaddedInput) {
  EXPECT_EQ(refusal_of({1, 1, 4, 8}, {1, 1, 7, 3}, {.padding = 1}),
            "the 7x3 kernel is larger than the padded input 6x10 (x is 1x1x4x8, weight is 1x1x7x3, "
            "padding 1_1_1_1 (top_bottom_left_right))");
  EXPECT_EQ(refusal_of({1, 1, 4, 8}, {1, 1, 3, 3}, {.dilation = 2}),
            "the 3x3 kernel dilated by 2x2 to 5x5 is larger than the padded input 4x8 (x is "
            "1x1x4x8, weight is 1x1x3x3, padding 0_0_0_0 (top_bottom_left_right))");
}

TEST(Conv2dErrors, EmptyAxes) {
  EXPECT_EQ(refusal_of_imagined({1, 1, 0, 8}, {1, 1, 1, 1}),
            "every size must be at least 1 but h is 0 (x is 1x1x0x8, weight is 1x1x1x1)");
  EXPECT_EQ(refusal_of({1, 1, 8, 8}, {0, 1, 1, 1}),
            "every size must be at least 1 but c_o is 0 (x is 1x1x8x8, weight is 0x1x1x1)");
}

TEST(Conv2dErrors, SizesThatOverflow) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 30;
  EXPECT_EQ(refusal_of_imagined({1, 1, kLarge, kLarge * 2}, {1, 1, 1, 1}),
            "overflow: x, 1x1x1073741824x2147483648 of 4 bytes, passes 2^62 bytes (x is "
            "1x1x1073741824x2147483648, weight is 1x1x1x1)");
  EXPECT_EQ(
      refusal_of_imagined({1, kLarge, 1, 4000}, {4000, kLarge, 1, 4000}, {.padding = {0, 2000}}),
      "overflow: the multiplications n c_o h' w' (c_i/groups) k_h k_w = "
      "1x4000x1x4001x1073741824x1x4000 pass 2^62 (x is 1x1073741824x1x4000, weight is "
      "4000x1073741824x1x4000)");
  EXPECT_EQ(refusal_of_imagined({1, 1, 8, 8}, {1, 1, 3, 3}, {.padding = kLarge * kLarge * 2}),
            "overflow: padding 2305843009213693952_2305843009213693952_2305843009213693952_"
            "2305843009213693952 (top_bottom_left_right) around 8x8 gives an axis above 2^62");
}

TEST(Conv2dErrors, Bias) {
  const Tensor<float> three({3});
  const Tensor<float> column({4, 1});
  EXPECT_EQ(refusal_of({1, 2, 8, 8}, {4, 2, 3, 3}, {.bias = three}),
            "bias must have one value per output channel (4) but is 3");
  EXPECT_EQ(refusal_of({1, 2, 8, 8}, {4, 2, 3, 3}, {.bias = column}),
            "bias must have one value per output channel (4) but is 4x1");
}

TEST(Conv2dErrors, Residual) {
  const Tensor<float> like_x({1, 2, 8, 8});
  EXPECT_EQ(refusal_of({1, 2, 8, 8}, {4, 2, 3, 3}, {.residual = like_x}),
            "residual must be 1x4x6x6 like the output but is 1x2x8x8");
  EXPECT_EQ(refusal_of({1, 8, 8, 2}, {4, 2, 3, 3}, {.residual = like_x, .layout = Layout::nhwc}),
            "residual must be 1x6x6x4 like the output but is 1x2x8x8");
  const Tensor<float> flat({6, 6});
  EXPECT_EQ(refusal_of({1, 2, 8, 8}, {4, 2, 3, 3}, {.residual = flat}),
            "residual must be n x c x h x w or c x h x w but is 6x6");
}

TEST(Conv2dErrors, Algorithm) {
  EXPECT_EQ(refusal_of({1, 2, 8, 8}, {4, 2, 3, 3}, {.algorithm = "magic"})
                .find("unknown algorithm \"magic\" (known: "),
            0U);
  EXPECT_EQ(test::error_of(Status::unsupported,
                           [] {
                             conv2d(Tensor<double>({1, 2, 8, 8}), Tensor<double>({4, 2, 3, 3}),
                                    {.algorithm = "im2col"});
                           }),
            "no algorithm computes \"1x2x8x8,4x2x3x3,f64\": im2col: only f32, not f64");
  EXPECT_EQ(refusal_of({1, 2, 8, 8}, {4, 2, 3, 3}, {.threads = -1}),
            "threads must be at least 0 but is -1");
}

// === conv2d_into ===

TEST(Conv2dIntoErrors, ShapeOfY) {
  const Tensor<float> x({2, 3, 8, 9});
  const Tensor<float> kernel({4, 3, 3, 3});
  Tensor<float> y = poisoned<float>({2, 4, 7, 7});
  EXPECT_EQ(refusal([&] { conv2d_into<float>(y, x, kernel); }),
            "y must be 2x4x6x7 but is 2x4x7x7 (x is 2x3x8x9, weight is 4x3x3x3)");
  EXPECT_EQ(refusal([&] { conv2d_into<float>({}, x, kernel); }),
            "y must be n x c x h x w or c x h x w but is missing");
  EXPECT_TRUE(untouched(y));
  const Tensor<float> x_nhwc({2, 8, 9, 3});
  EXPECT_EQ(refusal([&] { conv2d_into<float>(y, x_nhwc, kernel, {.layout = Layout::nhwc}); }),
            "y must be 2x6x7x4 but is 2x4x7x7 (x is 2x8x9x3, weight is 4x3x3x3)");
}

TEST(Conv2dIntoErrors, WrongOptionsLeaveYAlone) {
  const Tensor<float> x({1, 2, 8, 8});
  const Tensor<float> kernel({4, 2, 3, 3});
  const Tensor<float> three({3});
  Tensor<float> y = poisoned<float>({1, 4, 6, 6});
  for (const Options& wrong :
       {Options{.stride = 0}, Options{.groups = 2}, Options{.bias = three}, Options{.residual = x},
        Options{.threads = -1}, Options{.algorithm = "magic"}}) {
    refusal([&] { conv2d_into<float>(y, x, kernel, wrong); });
  }
  EXPECT_TRUE(untouched(y));
}

TEST(Conv2dIntoErrors, OutputThatSharesMemory) {
  Tensor<float> memory = poisoned<float>({2000});
  const auto x = [&](int at) { return TensorView<const float>(memory.data() + at, {1, 2, 8, 8}); };
  const TensorView<const float> kernel(memory.data() + 400, {4, 2, 3, 3});
  const TensorView<float> y(memory.data() + 600, {1, 4, 6, 6});
  const auto into = [&](TensorView<const float> from, TensorView<const float> weights,
                        const Options& options = {}) {
    return refusal([&] { conv2d_into<float>(y, from, weights, options); });
  };
  EXPECT_EQ(into(x(473), kernel), "the output (1x4x6x6) overlaps x (1x2x8x8) in memory");
  const TensorView<const float> dense(memory.data() + 743, {4, 2, 3, 3});
  EXPECT_EQ(into(x(0), dense), "the output (1x4x6x6) overlaps weight (4x2x3x3) in memory");
  // Weights and biases that are not dense are copied first; sharing memory is wrong all the same.
  const TensorView<const float> turned(memory.data() + 743, {4, 2, 3, 3}, {18, 9, 1, 3});
  EXPECT_EQ(into(x(0), turned), "the output (1x4x6x6) overlaps weight (4x2x3x3) in memory");
  const TensorView<const float> every_other(memory.data() + 740, {4}, {2});
  EXPECT_EQ(into(x(0), kernel, {.bias = every_other}),
            "the output (1x4x6x6) overlaps bias (4) in memory");
  EXPECT_TRUE(untouched(memory));
  const TensorView<float> folded(memory.data() + 600, {1, 4, 6, 6}, {144, 36, 5, 1});
  EXPECT_EQ(refusal([&] { conv2d_into<float>(folded, x(0), kernel); }),
            "y strides 144_36_5_1 over 1x4x6x6 let two elements of the output share one address");
  EXPECT_TRUE(untouched(memory));
}

}  // namespace
}  // namespace plait
