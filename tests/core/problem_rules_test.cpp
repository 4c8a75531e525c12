#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include <plait/problem.hpp>

#include "core/integers.hpp"
#include "core/problem/shape_check.hpp"
#include "support/example_problem.hpp"

namespace plait {
namespace {

using test::example;
using test::refusal_of;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kTwoTo62 = std::int64_t{1} << 62;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Broken {
  const char* why;
  void (*change)(Problem&);
  std::string message;
};

TEST(Validate, NamesTheShapesAndTheRule) {
  const Broken cases[] = {
      {"h", [](Problem& p) { p.h = 0; },
       "every size must be at least 1 but h is 0 (x is 2x6x0x7, weight is 4x6x3x3)"},
      {"n", [](Problem& p) { p.n = -1; },
       "every size must be at least 1 but n is -1 (x is -1x6x9x7, weight is 4x6x3x3)"},
      {"c_i", [](Problem& p) { p.c_i = 0; },
       "every size must be at least 1 but c_i is 0 (x is 2x0x9x7, weight is 4x0x3x3)"},
      {"w", [](Problem& p) { p.w = 0; },
       "every size must be at least 1 but w is 0 (x is 2x6x9x0, weight is 4x6x3x3)"},
      {"c_o", [](Problem& p) { p.c_o = 0; },
       "every size must be at least 1 but c_o is 0 (x is 2x6x9x7, weight is 0x6x3x3)"},
      {"k_h", [](Problem& p) { p.k_h = 0; },
       "every size must be at least 1 but k_h is 0 (x is 2x6x9x7, weight is 4x6x0x3)"},
      {"k_w", [](Problem& p) { p.k_w = -2; },
       "every size must be at least 1 but k_w is -2 (x is 2x6x9x7, weight is 4x6x3x-2)"},
      {"stride",
       [](Problem& p) {
         p.stride = {1, 0};
       },
       "stride must be at least 1 but is 1x0"},
      {"dilation",
       [](Problem& p) {
         p.dilation = {-1, 1};
       },
       "dilation must be at least 1 but is -1x1"},
      {"groups", [](Problem& p) { p.groups = 0; }, "groups must be at least 1 but is 0"},
      {"groups, c_i", [](Problem& p) { p.groups = 4; },
       "groups must divide the channels but 4 does not divide c_i = 6 (x is 2x6x9x7, weight is "
       "4x1x3x3)"},
      {"groups, c_o", [](Problem& p) { p.groups = 3; },
       "groups must divide the channels but 3 does not divide c_o = 4 (x is 2x6x9x7, weight is "
       "4x2x3x3)"},
      {"padding", [](Problem& p) { p.padding.right = -1; },
       "padding must not be negative but is 1_1_1_-1 (top_bottom_left_right)"},
      {"kernel height",
       [](Problem& p) {
         p.k_h = 12;
         p.dilation.w = 2;
       },
       "the 12x3 kernel dilated by 1x2 to 12x5 is larger than the padded input 11x9 (x is "
       "2x6x9x7, weight is 4x6x12x3, padding 1_1_1_1 (top_bottom_left_right))"},
      {"kernel width",
       [](Problem& p) {
         p.k_w = 8;
         p.padding = 0;
       },
       "the 3x8 kernel is larger than the padded input 9x7 (x is 2x6x9x7, weight is 4x6x3x8, "
       "padding 0_0_0_0 (top_bottom_left_right))"},
      {"reflect",
       [](Problem& p) {
         p.padding = {8, 8, 6, 7};
         p.padding_mode = PaddingMode::reflect;
       },
       "reflect padding must be smaller than the axis but is 8_8_6_7 (top_bottom_left_right) "
       "around 9x7 (x is 2x6x9x7)"},
      {"circular",
       [](Problem& p) {
         p.padding = {10, 9, 7, 7};
         p.padding_mode = PaddingMode::circular;
       },
       "circular padding must be at most the axis but is 10_9_7_7 (top_bottom_left_right) around "
       "9x7 (x is 2x6x9x7)"},
      {"symmetric",
       [](Problem& p) {
         p.padding = {9, 9, 8, 7};
         p.padding_mode = PaddingMode::symmetric;
       },
       "symmetric padding must be at most the axis but is 9_9_8_7 (top_bottom_left_right) around "
       "9x7 (x is 2x6x9x7)"},
      {"padding value",
       [](Problem& p) {
         p.padding_mode = PaddingMode::constant;
         p.padding_value = kNan;
       },
       "padding_value must be finite"},
      {"stray padding value", [](Problem& p) { p.padding_value = 1; },
       "padding_value is given but the padding mode is zeros, not constant"},
      {"slope",
       [](Problem& p) {
         p.activation = {ActivationKind::leaky, kInfinity};
       },
       "the slope of leaky must be finite"},
      {"stray slope",
       [](Problem& p) {
         p.activation = {ActivationKind::relu, 0.1};
       },
       "a slope is given but the activation is relu, not leaky"},
      {"strides' rank",
       [](Problem& p) {
         p.x_strides = Dims{1, 2, 3};
       },
       "x needs 4 strides (n_c_h_w) but has 3"},
      {"y overlaps itself",
       [](Problem& p) {
         p.y_strides = Dims{252, 63, 6, 1};
       },
       "y strides 252_63_6_1 over 2x4x9x7 let two elements of the output share one address"},
      {"dx overlaps itself",
       [](Problem& p) {
         p.direction = Direction::backward_data;
         p.x_strides = Dims{0, 63, 7, 1};
       },
       "x strides 0_63_7_1 over 2x6x9x7 let two elements of the output share one address"},
      {"residual",
       [](Problem& p) {
         p.residual_strides = Dims{0, 63, 7, 1};
       },
       "residual strides are given but the problem has no residual"},
      {"offsets",
       [](Problem& p) {
         p.x_strides = Dims{kTwoTo62 / 4, 63, 7, 1};
       },
       "overflow: x strides 1152921504606846976_63_7_1 over 2x6x9x7 reach past 2^62 bytes"},
      {"negative offsets",
       [](Problem& p) {
         p.y_strides = Dims{std::numeric_limits<std::int64_t>::min(), 63, 7, 1};
       },
       "overflow: y strides -9223372036854775808_63_7_1 over 2x4x9x7 reach past 2^62 bytes"},
  };
  ASSERT_NO_THROW(validate(example()));
  for (const Broken& broken : cases) {
    Problem p = example();
    broken.change(p);
    EXPECT_EQ(refusal_of([&] { validate(p); }), broken.message) << broken.why;
  }
}

TEST(Validate, AllowsTheEdgesOfItsRules) {
  const auto change = [](void (*set)(Problem&)) {
    Problem p = example();
    set(p);
    EXPECT_NO_THROW(validate(p)) << to_string(p);
  };
  change([](Problem& p) {
    p.padding = {8, 8, 6, 6};
    p.padding_mode = PaddingMode::reflect;
  });
  change([](Problem& p) {
    p.padding = {9, 9, 7, 7};
    p.padding_mode = PaddingMode::circular;
  });
  change([](Problem& p) {
    p.padding = {9, 9, 7, 7};
    p.padding_mode = PaddingMode::symmetric;
  });
  change([](Problem& p) { p.k_h = 11; });
  change([](Problem& p) { p.x_strides = Dims{0, 0, 0, 0}; });  // one number, broadcast
  change([](Problem& p) { p.y_strides = Dims{-252, 1, -28, 4}; });
  change([](Problem& p) {
    p.residual = true;
    p.residual_strides = Dims{0, 1, 0, 0};
  });
  change([](Problem& p) {  // the gradient of a sum is one number, broadcast
    p.direction = Direction::backward_data;
    p.y_strides = Dims{0, 0, 0, 0};
  });
}

TEST(Validate, ChecksEveryProduct) {
  const auto error = [](void (*set)(Problem&)) {
    Problem p;
    set(p);
    return refusal_of([&] { validate(p); });
  };
  EXPECT_EQ(error([](Problem& p) { p.c_i = p.h = p.w = 3000000000; }),
            "overflow: x, 1x3000000000x3000000000x3000000000 of 4 bytes, passes 2^62 bytes (x is "
            "1x3000000000x3000000000x3000000000, weight is 1x3000000000x1x1)");
  EXPECT_EQ(error([](Problem& p) {
              p.c_i = p.c_o = std::int64_t{1} << 30;
              p.dtype = Dtype::f64;
            }),
            "overflow: weight, 1073741824x1073741824x1x1 of 8 bytes, passes 2^62 bytes (x is "
            "1x1073741824x1x1, weight is 1073741824x1073741824x1x1)");
  EXPECT_EQ(error([](Problem& p) { p.padding = kMost; }),
            "overflow: padding 9223372036854775807_9223372036854775807_9223372036854775807_"
            "9223372036854775807 (top_bottom_left_right) around 1x1 gives an axis above 2^62");
  EXPECT_EQ(error([](Problem& p) {
              p.padding = 1000000000;
              p.stride = 1000000000;
            }),
            "overflow: the padded x, 1x1x2000000001x2000000001 of 4 bytes, passes 2^62 bytes (x is "
            "1x1x1x1, weight is 1x1x1x1)");
  EXPECT_EQ(error([](Problem& p) {
              p.c_o = 1 << 20;
              p.h = std::int64_t{1} << 50;
            }),
            "overflow: y, 1x1048576x1125899906842624x1 of 4 bytes, passes 2^62 bytes (x is "
            "1x1x1125899906842624x1, weight is 1048576x1x1x1)");
  EXPECT_EQ(error([](Problem& p) {
              p.c_i = p.c_o = p.h = p.w = 1 << 16;
              p.padding = 1;
              p.k_h = p.k_w = 3;
            }),
            "overflow: the multiplications n c_o h' w' (c_i/groups) k_h k_w = 1x65536x65536x65536x"
            "65536x3x3 pass 2^62 (x is 1x65536x65536x65536, weight is 65536x65536x3x3)");
  EXPECT_NE(error([](Problem& p) {
              p.k_h = 3;
              p.dilation = kMost;
            }).find("dilated by 9223372036854775807x9223372036854775807 to 18446744073709551615x1"),
            std::string::npos);
}

TEST(Validate, StopsExactlyAtTheLimit) {
  Problem p;
  p.dtype = Dtype::i8;
  p.h = kTwoTo62 - 1;
  EXPECT_NO_THROW(validate(p));
  EXPECT_EQ(p.multiplications(), kTwoTo62 - 1);
  p.h = kTwoTo62;
  EXPECT_THROW(validate(p), Error);
  p.h = kTwoTo62 / 8;
  p.k_w = p.w = 4;
  p.c_o = 2;
  EXPECT_THROW(validate(p), Error);  // 2^62 products, though each tensor is smaller
  p.h -= 1;
  EXPECT_NO_THROW(validate(p));
}

TEST(CheckChannels, GuessesTheCause) {
  const auto error = [](const Dims& x, const Dims& kernel, std::int64_t groups,
                        Layout layout = Layout::nchw) {
    return refusal_of([&] { check_channels(x, kernel, groups, layout); });
  };
  EXPECT_NO_THROW(check_channels({1, 64, 56, 56}, {128, 64, 3, 3}, 1));
  EXPECT_NO_THROW(check_channels({1, 64, 56, 56}, {128, 2, 3, 3}, 32));
  EXPECT_EQ(error({1, 56, 56, 64}, {64, 64, 3, 3}, 1),
            "weight expects 64 input channels but x has 56 (x is 1x56x56x64: is it NHWC? pass "
            "layout=\"nhwc\")");
  EXPECT_EQ(error({1, 56, 64, 56}, {64, 64, 3, 3}, 1, Layout::nhwc),
            "weight expects 64 input channels but x has 56 (x is 1x64x56x56: is it NCHW? pass "
            "layout=\"nchw\")");
  EXPECT_EQ(error({1, 3, 224, 224}, {64, 4, 7, 7}, 1),
            "weight expects 4 input channels but x has 3 (x is 1x3x224x224, weight is 64x4x7x7)");
  EXPECT_EQ(error({1, 3, 224, 225}, {64, 4, 7, 7}, 1, Layout::nhwc),
            "weight expects 4 input channels but x has 3 (x is 1x224x225x3, weight is 64x4x7x7)");
  EXPECT_EQ(error({1, 48, 9, 9}, {64, 8, 3, 3}, 4),
            "weight expects 32 input channels (4 groups of 8) but x has 48 (x is 1x48x9x9, weight "
            "is 64x8x3x3)");
  EXPECT_EQ(error({1, 32, 112, 112}, {32, 1, 3, 3}, 1),
            "weight expects 1 input channel but x has 32 (x is 1x32x112x112, weight is 32x1x3x3: "
            "are 32 groups meant?)");
  EXPECT_EQ(error({1, 32, 9, 9}, {32, std::int64_t{1} << 40, 3, 3}, std::int64_t{1} << 40),
            "overflow: weight expects 1099511627776 groups x 1099511627776 input channels, more "
            "than 2^62");
}

TEST(Int128, Prints) {
  EXPECT_EQ(to_string(Int128{0}), "0");
  EXPECT_EQ(to_string(Int128{-1205}), "-1205");
  EXPECT_EQ(to_string(Int128{kMost} * 10), "92233720368547758070");
}

}  // namespace
}  // namespace plait
