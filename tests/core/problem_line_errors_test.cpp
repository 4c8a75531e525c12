#include <gtest/gtest.h>

#include <string>

#include <plait/problem.hpp>

#include "support/calls.hpp"

namespace plait {
namespace {

// The text with which `call` is refused.
template <class Call>
std::string error_of(Call call) {
  return test::error_of(Status::invalid_argument, call);
}

struct BadLine {
  std::string line;
  std::string column_and_message;  // what stands before ` in "<line>"`
};

TEST(ProblemLine, PointsAtWhatIsWrong) {
  const std::string x = "1x64x56x56,";
  const std::string good = x + "64x64x3x3,";
  const std::string form = "[name:] n x c_i x h x w , c_o x c_i/groups x k_h x k_w , options";
  const BadLine cases[] = {
      // The line as a whole.
      {"", "column 1: empty problem line (expected " + form + ")"},
      {"  ", "column 1: empty problem line (expected " + form + ")"},
      {"1x64x56x56", "column 11: weight has no shape (c_o x c_i/groups x k_h x k_w)"},
      {"1x64x56x56,", "column 11: weight has no shape (c_o x c_i/groups x k_h x k_w)"},
      {x + " ,s2", "column 13: weight has no shape (c_o x c_i/groups x k_h x k_w)"},
      {",64x64x3x3", "column 1: x has no shape (n x c_i x h x w)"},
      {"conv1:", "column 7: x has no shape (n x c_i x h x w)"},
      {"conv1: ,64x64x3x3", "column 7: x has no shape (n x c_i x h x w)"},
      {good, "column 21: nothing after the last comma"},
      {good + "s2 , ", "column 25: nothing after the last comma"},
      {good + ",s2", "column 22: nothing between two commas"},
      {" :" + good + "s2", "column 2: empty name before \":\""},
      {"my conv:" + good + "s2", "column 1: the name \"my conv\" has a space in it"},
      // Shapes.
      {"1x64x56,64x64x3x3", "column 1: x = n x c_i x h x w needs 4 axes but \"1x64x56\" has 3"},
      {"conv1: 1x2x3x4x5,64x64x3x3",
       "column 8: x = n x c_i x h x w needs 4 axes but \"1x2x3x4x5\" has 5"},
      {x + "s2", "column 12: weight = c_o x c_i/groups x k_h x k_w needs 4 axes but \"s2\" has 1"},
      {"1x64xx56,64x64x3x3", "column 6: h is missing"},
      {"1x64x56x,64x64x3x3", "column 9: w is missing"},
      {"1x-64x56x56,64x64x3x3", "column 3: c_i must be at least 1 but is -64"},
      {"1x64x0x56,64x64x3x3", "column 6: h must be at least 1 but is 0"},
      {x + "64x64x3x-3", "column 20: k_w must be at least 1 but is -3"},
      {x + "64x0x3x3", "column 15: c_i/groups must be at least 1 but is 0"},
      {"1x64x5 6x56,64x64x3x3", "column 6: h \"5 6\" is not a whole number"},
      {"1x64x56.5x56,64x64x3x3", "column 6: h \"56.5\" is not a whole number"},
      {"+1x64x56x56,64x64x3x3", "column 1: n \"+1\" is not a whole number"},
      {"1x64x56x99999999999999999999,64x64x3x3",
       "column 9: w \"99999999999999999999\" does not fit in 64 bits"},
      {"1x3000000000x3000000000x3000000000,1x3000000000x1x1",
       "column 1: overflow: x, 1x3000000000x3000000000x3000000000 of 4 bytes, passes 2^62 bytes (x "
       "is 1x3000000000x3000000000x3000000000, weight is 1x3000000000x1x1)"},
      {"1x64x56x56,64x4611686018427387904x1x1,g4",
       "column 12: overflow: weight expects 4 groups x 4611686018427387904 input channels, more "
       "than 2^62"},
      // Channels.
      {"1x56x56x64,64x64x3x3",
       "column 1: weight expects 64 input channels but x has 56 (x is 1x56x56x64: is it NHWC? a "
       "line gives x as n x c_i x h x w in every layout: write 1x64x56x56 and the option nhwc)"},
      {"1x56x56x64,64x64x3x3,nhwc",
       "column 1: weight expects 64 input channels but x has 56 (x is 1x56x56x64: is it NHWC? a "
       "line gives x as n x c_i x h x w in every layout: write 1x64x56x56 and the option nhwc)"},
      {"1x63x56x56,64x64x3x3,nhwc",
       "column 12: weight expects 64 input channels but x has 63 (x is 1x63x56x56, weight is "
       "64x64x3x3)"},
      {good + "g2",
       "column 12: weight expects 128 input channels (2 groups of 64) but x has 64 (x is "
       "1x64x56x56, weight is 64x64x3x3)"},
      // Single options.
      {good + "s", "column 22: stride \"\" lacks a number"},
      {good + "s2x", "column 22: stride \"2x\" lacks a number"},
      {good + "s2x1x1", "column 22: stride \"2x1x1\" is not a number or a pair such as 2x1"},
      {good + "p1, s0", "column 26: stride must be at least 1 but is 0x0"},
      {good + "s0,psame_upper", "column 22: stride must be at least 1 but is 0x0"},
      {good + "d1x-1", "column 22: dilation must be at least 1 but is 1x-1"},
      {good + "g0", "column 22: groups must be at least 1 but is 0"},
      {good + "g2x2", "column 22: groups \"2x2\" is not a whole number"},
      {good + "p-1",
       "column 22: padding must not be negative but is -1_-1_-1_-1 (top_bottom_left_right)"},
      {good + "p1_2_3",
       "column 22: padding \"1_2_3\" is not a padding such as 1, 1x2, 2_3_2_3 "
       "(top_bottom_left_right), same_upper, same_lower, full or valid"},
      {good + "psame",
       "column 22: padding \"same\" is not a padding such as 1, 1x2, 2_3_2_3 "
       "(top_bottom_left_right), same_upper, same_lower, full or valid"},
      {good + "p1_2_3_", "column 22: padding \"1_2_3_\" lacks a number"},
      {good + "pconst=", "column 22: padding value \"\" is not a number"},
      {good + "pconst=1,5", "column 31: unknown option \"5\""},
      {good + "pconst=inf", "column 22: padding_value must be finite"},
      {good + "pconst=1e999", "column 22: padding value \"1e999\" does not fit in a double"},
      {good + "act=relu7",
       "column 22: activation \"relu7\" is not an activation (known: relu, relu6, leaky:0.1, "
       "hswish, silu, sigmoid, tanh)"},
      {good + "act=leaky", "column 22: activation \"leaky\" needs its slope, as in leaky:0.1"},
      {good + "act=leaky:x", "column 22: activation \"x\" is not a number"},
      {good + "act=leaky:nan", "column 22: the slope of leaky must be finite"},
      {good + "act=relu:1", "column 22: activation \"relu:1\" has a slope, which only leaky takes"},
      {good + "xstrides=1_2_3", "column 22: x strides \"1_2_3\" needs 4 strides n_c_h_w but has 3"},
      {good + "xstrides=", "column 22: x strides \"\" lacks a number"},
      {good + "ystrides=1_1_1_1",
       "column 22: y strides 1_1_1_1 over 1x64x54x54 let two elements of the output share one "
       "address"},
      {good + "rstrides=1_1_1_1",
       "column 22: residual strides are given but the problem has no residual"},
      {good + "q1", "column 22: unknown option \"q1\""},
      {good + "stride2", "column 22: unknown option \"stride2\""},
      {good + "S2", "column 22: unknown option \"S2\""},
      {good + "nhwc>nhwc", "column 22: unknown option \"nhwc>nhwc\""},
      {good + "bias=1", "column 22: unknown option \"bias=1\""},
      // Options that meet.
      {good + "s2,p1,s2", "column 28: \"s2\" sets again what \"s2\" has set"},
      {good + "reflect,pconst=1", "column 30: \"pconst=1\" sets again what \"reflect\" has set"},
      {good + "psame_upper,p1", "column 34: \"p1\" sets again what \"psame_upper\" has set"},
      {good + "f32,i8", "column 26: \"i8\" sets again what \"f32\" has set"},
      {good + "nchw,nhwc", "column 27: \"nhwc\" sets again what \"nchw\" has set"},
      {good + "bias,bias", "column 27: \"bias\" sets again what \"bias\" has set"},
      {good + "backward_data,backward_bias",
       "column 36: \"backward_bias\" sets again what \"backward_data\" has set"},
      {"1x3x5x5,2x3x3x3,p5,reflect",
       "column 20: reflect padding must be smaller than the axis but is 5_5_5_5 "
       "(top_bottom_left_right) around 5x5 (x is 1x3x5x5)"},
      {"1x3x5x5,2x3x4x4,d2,p0x1",
       "column 9: the 4x4 kernel dilated by 2x2 to 7x7 is larger than the padded input 5x7 (x is "
       "1x3x5x5, weight is 2x3x4x4, padding 0_0_1_1 (top_bottom_left_right))"},
      {"1x4x5x5,3x2x1x1,g2",
       "column 17: groups must divide the channels but 2 does not divide c_o = 3 (x is 1x4x5x5, "
       "weight is 3x2x1x1)"},
  };
  for (const BadLine& bad : cases) {
    std::string expected = bad.column_and_message;
    if (expected.find("unknown option") != std::string::npos) {
      expected +=
          " (known: s2, p1, d2, g32, pconst=0.5, act=relu, xstrides=A_B_C_D, ystrides=A_B_C_D, "
          "rstrides=A_B_C_D, reflect, replicate, circular, symmetric, bias, res, f32, f64, bf16, "
          "i8, u8, "
          "nchw, "
          "nhwc, nchw>nhwc, nhwc>nchw, backward_data, backward_weights, backward_bias)";
    }
    EXPECT_EQ(error_of([&] { parse_problem_line(bad.line); }),
              expected + " in \"" + bad.line + "\"");
  }
}

TEST(ProblemLine, ErrorsStayOnePrintableLine) {
  EXPECT_EQ(error_of([] {
              parse_problem(std::string("1x1x1x1,1x1x1x1,a\n\0\x1b", 20));
            }).find_first_of(std::string("\n\0\x1b", 3)),
            std::string::npos);
  EXPECT_LT(error_of([] { parse_problem(std::string(1000000, 'x')); }).size(), 1000u);
}

}  // namespace
}  // namespace plait
