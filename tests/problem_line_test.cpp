#include <plait/problem.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/problem_values.hpp"

namespace plait {
namespace {

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(ProblemLine, ReadsShapesAndName) {
  const NamedProblem named = parse_problem_line("conv1: 1x3x224x220,64x3x7x5,s2,p3");
  EXPECT_EQ(named.name, "conv1");
  const Problem& p = named.problem;
  EXPECT_EQ(p.x_shape(), (Dims{1, 3, 224, 220}));
  EXPECT_EQ(p.kernel_shape(), (Dims{64, 3, 7, 5}));
  EXPECT_EQ(p.stride, Pair(2));
  EXPECT_EQ(p.padding, Padding(3));
  EXPECT_EQ(parse_problem_line("1x3x5x5,1x3x1x1").name, "");
  EXPECT_EQ(parse_problem_line("  a/b-1.c :1x3x5x5,1x3x1x1").name, "a/b-1.c");
}

TEST(ProblemLine, ReadsEveryOption) {
  const auto parse = [](const std::string& options) {
    return parse_problem("2x6x9x8,4x6x3x3," + options);
  };
  EXPECT_EQ(parse("s2").stride, Pair(2, 2));
  EXPECT_EQ(parse("s2x1").stride, Pair(2, 1));
  EXPECT_EQ(parse("d3x2").dilation, Pair(3, 2));
  EXPECT_EQ(parse("p1").padding, Padding(1, 1, 1, 1));
  EXPECT_EQ(parse("p1x2").padding, Padding(1, 1, 2, 2));
  EXPECT_EQ(parse("p4_3_2_1").padding, Padding(4, 3, 2, 1));
  EXPECT_EQ(parse("pvalid").padding, Padding(0));
  EXPECT_EQ(parse("psame_upper,s2x1,d1x2").padding, Padding(1, 1, 2, 2));
  EXPECT_EQ(parse("psame_lower,s3x2").padding, Padding(0, 0, 1, 0));
  EXPECT_EQ(parse("psame_upper,s3x2").padding, Padding(0, 0, 0, 1));
  EXPECT_EQ(parse("reflect").padding_mode, PaddingMode::reflect);
  EXPECT_EQ(parse("replicate").padding_mode, PaddingMode::replicate);
  EXPECT_EQ(parse("circular").padding_mode, PaddingMode::circular);
  EXPECT_EQ(parse("pconst=-2.5e-3").padding_mode, PaddingMode::constant);
  EXPECT_EQ(parse("pconst=-2.5e-3").padding_value, -2.5e-3);
  EXPECT_EQ(parse_problem("2x6x9x8,4x3x3x3,g2").groups, 2);
  EXPECT_TRUE(parse("bias").bias);
  EXPECT_TRUE(parse("res").residual);
  EXPECT_EQ(parse("act=leaky:0.1").activation, (Activation{ActivationKind::leaky, 0.1}));
  const std::map<std::string, ActivationKind> activations = {
      {"relu", ActivationKind::relu},       {"relu6", ActivationKind::relu6},
      {"hswish", ActivationKind::hswish},   {"silu", ActivationKind::silu},
      {"sigmoid", ActivationKind::sigmoid}, {"tanh", ActivationKind::tanh}};
  for (const auto& [name, kind] : activations) {
    EXPECT_EQ(parse("act=" + name).activation, (Activation{kind, 0}));
  }
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::bf16, Dtype::i8, Dtype::u8}) {
    EXPECT_EQ(parse(std::string(name_of(dtype))).dtype, dtype);
  }
  const auto layouts = [&](const std::string& option) {
    const Problem p = parse(option);
    return std::string(name_of(p.x_layout)) + " to " + std::string(name_of(p.y_layout));
  };
  EXPECT_EQ(layouts("nchw"), "nchw to nchw");
  EXPECT_EQ(layouts("nhwc"), "nhwc to nhwc");
  EXPECT_EQ(layouts("nchw>nhwc"), "nchw to nhwc");
  EXPECT_EQ(layouts("nhwc>nchw"), "nhwc to nchw");
  for (const Direction direction :
       {Direction::backward_data, Direction::backward_weights, Direction::backward_bias}) {
    EXPECT_EQ(parse(std::string(name_of(direction))).direction, direction);
  }
  EXPECT_EQ(parse("xstrides=-500_-72_8_1").x_strides, (Dims{-500, -72, 8, 1}));
  EXPECT_EQ(parse("ystrides=168_42_6_1").y_strides, (Dims{168, 42, 6, 1}));
  EXPECT_EQ(parse("rstrides=0_1_0_0,res").residual_strides, (Dims{0, 1, 0, 0}));
}

TEST(ProblemLine, AllowsSpacesAroundCommas) {
  EXPECT_EQ(parse_problem(" 1x6x9x8 ,\t4x6x3x3 , s2 ,p1  "),
            parse_problem("1x6x9x8,4x6x3x3,s2,p1"));
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
       "column 12: weight expects 64 input channels but x has 56 (x is 1x56x56x64: is it NHWC? "
       "pass layout=\"nhwc\")"},
      {"1x56x56x64,64x64x3x3,nhwc",
       "column 1: weight expects 64 input channels but x has 56 (the line gives x as n x c_i x h x "
       "w in every layout)"},
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
       "(top_bottom_left_right), same_upper, same_lower or valid"},
      {good + "psame",
       "column 22: padding \"same\" is not a padding such as 1, 1x2, 2_3_2_3 "
       "(top_bottom_left_right), same_upper, same_lower or valid"},
      {good + "p1_2_3_", "column 22: padding \"1_2_3_\" lacks a number"},
      {good + "pconst=", "column 22: padding value \"\" is not a number"},
      {good + "pconst=1,5", "column 31: unknown option \"5\""},
      {good + "pconst=inf", "column 22: the padding value must be finite"},
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
          "rstrides=A_B_C_D, reflect, replicate, circular, bias, res, f32, f64, bf16, i8, u8, "
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

// A valid problem that uses any of the options, and counts those it uses.
class RandomProblem {
 public:
  explicit RandomProblem(std::uint64_t seed) : random_(seed) {}

  Problem draw() {
    for (;;) {
      Problem p = candidate();
      try {
        validate(p);
        return p;
      } catch (const Error&) {  // draw again
      }
    }
  }

 private:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool sometimes() { return below(3) == 0; }
  template <class Enum>
  Enum any(Enum last) {
    return static_cast<Enum>(below(static_cast<std::int64_t>(last) + 1));
  }

  // Any finite bits: every exponent, subnormals and -0 included.
  double real() {
    for (;;) {
      const double value =
          sometimes() ? static_cast<double>(below(21) - 10) / 8 : std::bit_cast<double>(random_());
      if (std::isfinite(value)) return value;
    }
  }

  Dims strides(const Dims& shape) {
    Dims result = layout_strides(shape, any(Layout::nhwc));
    for (int axis = 0; axis < 4; ++axis) {
      if (sometimes()) result[axis] = -result[axis];
      if (sometimes()) result[axis] *= 3;
    }
    return result;
  }

  Problem candidate() {
    Problem p;
    p.groups = sometimes() ? 1 + below(4) : 1;
    p.n = 1 + below(3);
    p.c_i = p.groups * (1 + below(70));
    p.c_o = p.groups * (1 + below(70));
    p.h = 1 + below(40);
    p.w = 1 + below(40);
    p.k_h = 1 + below(7);
    p.k_w = 1 + below(7);
    if (sometimes()) p.stride = sometimes() ? Pair(1 + below(4)) : Pair(1 + below(4), 1 + below(4));
    if (sometimes()) p.dilation = sometimes() ? Pair(2) : Pair(1 + below(4), 1 + below(4));
    switch (below(4)) {
      case 0:
        p.padding = below(4);
        break;
      case 1:
        p.padding = {below(4), below(4)};
        break;
      case 2:
        p.padding = {below(4), below(4), below(4), below(4)};
        break;
      default:
        p.padding = same_padding(p, sometimes());
    }
    p.padding_mode = any(PaddingMode::constant);
    if (p.padding_mode == PaddingMode::constant) p.padding_value = real();
    p.bias = sometimes();
    p.residual = sometimes();
    p.activation.kind = any(ActivationKind::tanh);
    if (p.activation.kind == ActivationKind::leaky) p.activation.slope = real();
    p.dtype = any(Dtype::u8);
    p.direction = any(Direction::backward_bias);
    p.x_layout = any(Layout::nhwc);
    p.y_layout = any(Layout::nhwc);
    if (sometimes()) p.x_strides = strides(p.x_shape());
    if (sometimes()) p.y_strides = strides(p.y_shape());
    if (p.residual && sometimes()) p.residual_strides = strides(p.y_shape());
    return p;
  }

  std::mt19937_64 random_;
};

// The option without its value: "s", "act=leaky", "xstrides=".
std::string kind_of(const std::string& option) {
  const std::size_t value = option.find_first_of("-0123456789");
  for (const std::string_view word : {"relu6", "f32", "f64", "bf16", "i8", "u8"}) {
    if (option.ends_with(word)) return option;
  }
  return option.substr(0, value);
}

TEST(ProblemLine, RoundTrips) {
  RandomProblem source(6);
  std::mt19937_64 random(7);
  std::map<std::string, int> uses;
  for (int round = 0; round < 5000; ++round) {
    const Problem p = source.draw();
    const std::string line = to_string(p);
    ASSERT_EQ(parse_problem(line), p) << line;
    ASSERT_EQ(to_string(parse_problem(line)), line);

    // The order of the options does not matter, nor does the space around commas.
    std::vector<std::string> fields;
    for (const std::string_view field : split(line, ',')) fields.emplace_back(field);
    std::shuffle(fields.begin() + 2, fields.end(), random);
    std::string shuffled = "name:";
    for (const std::string& field : fields) {
      shuffled += std::string(random() % 2, ' ') + field + std::string(random() % 2, '\t') + ",";
    }
    shuffled.pop_back();
    ASSERT_EQ(parse_problem(shuffled), p) << shuffled;

    for (std::size_t i = 2; i < fields.size(); ++i) ++uses[kind_of(fields[i])];
  }
  for (const char* option : {"s",
                             "p",
                             "d",
                             "g",
                             "bias",
                             "res",
                             "reflect",
                             "replicate",
                             "circular",
                             "pconst=",
                             "act=relu",
                             "act=relu6",
                             "act=leaky:",
                             "act=hswish",
                             "act=silu",
                             "act=sigmoid",
                             "act=tanh",
                             "f64",
                             "bf16",
                             "i8",
                             "u8",
                             "nhwc",
                             "nchw>nhwc",
                             "nhwc>nchw",
                             "xstrides=",
                             "backward_data",
                             "backward_weights",
                             "backward_bias",
                             "ystrides=",
                             "rstrides="}) {
    EXPECT_GT(uses[option], 50) << option;
  }
}

TEST(ProblemLine, PrintsCanonically) {
  const auto canonical = [](const std::string& line) { return to_string(parse_problem(line)); };
  EXPECT_EQ(canonical("named: 1x64x56x56 , 64x64x3x3, f32,nchw,p0,s1x1,d1,g1"),
            "1x64x56x56,64x64x3x3");
  EXPECT_EQ(canonical("1x6x9x8,4x3x3x3,rstrides=0_1_0_0,ystrides=56_14_2_1,xstrides=1_1_1_1,"
                      "backward_bias,nhwc>nchw,u8,act=leaky:.10,res,bias,g2,d2x1,pconst=0.50,"
                      "p2_3_2_3,s2x2"),
            "1x6x9x8,4x3x3x3,s2,p2_3_2_3,pconst=0.5,d2x1,g2,bias,res,act=leaky:0.1,u8,nhwc>nchw,"
            "backward_bias,xstrides=1_1_1_1,ystrides=56_14_2_1,rstrides=0_1_0_0");
  EXPECT_EQ(canonical("1x3x8x8,2x3x3x3,psame_upper"), "1x3x8x8,2x3x3x3,p1");
  EXPECT_EQ(canonical("1x3x8x8,2x3x3x3,p1_1_2_2,d1x2"), "1x3x8x8,2x3x3x3,p1x2,d1x2");
}

TEST(ProblemLine, SurvivesAnyText) {
  RandomProblem source(8);
  std::mt19937_64 random(9);
  const std::string_view pieces = "0123456789x,,:_=-+.spdgeact rfiuhn>w\t\n\0\xff#";
  int refused = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string line = to_string(source.draw());
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % (line.size() + 1);
      switch (random() % 3) {
        case 0:
          line.insert(at, 1, pieces[random() % pieces.size()]);
          break;
        case 1:
          line.erase(at, 1 + random() % 3);
          break;
        default:
          line.insert(at, line.substr(random() % (line.size() + 1), random() % 12));
      }
    }
    try {
      const Problem p = parse_problem(line);
      ASSERT_EQ(parse_problem(to_string(p)), p) << line;
    } catch (const Error& error) {
      const std::string message = error.what();
      ASSERT_TRUE(message.starts_with("column ")) << message;
      ASSERT_EQ(message.find('\n'), std::string::npos);
      const std::size_t column = std::stoul(message.substr(7));
      ASSERT_GE(column, 1u);
      ASSERT_LE(column, line.size() + 1) << message;
      ++refused;
    }
  }
  EXPECT_GT(refused, 10000);
  EXPECT_LT(refused, 50000);
}

TEST(ProblemLines, SkipCommentsAndNumberTheirErrors) {
  const auto lines =
      parse_problem_lines("# set\n\na: 1x1x2x2,1x1x1x1 # one\r\n  \n1x2x2x2,3x2x1x1\r\n");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].name, "a");
  EXPECT_EQ(to_string(lines[0].problem), "1x1x2x2,1x1x1x1");
  EXPECT_EQ(lines[1].name, "");
  EXPECT_EQ(to_string(lines[1].problem), "1x2x2x2,3x2x1x1");
  EXPECT_EQ(error_of([] { parse_problem_lines("# set\n1x1x2x2,1x1x1x1\nb: 1x-1x2x2,1x1x1x1\n"); }),
            "line 3, column 6: c_i must be at least 1 but is -1 in \"b: 1x-1x2x2,1x1x1x1\"");
  EXPECT_TRUE(parse_problem_lines("").empty());
}

TEST(ProblemLines, OfThePublicSetsAreValid) {
  std::size_t problems = 0;
  for (const auto& entry : std::filesystem::directory_iterator(PLAIT_PROBLEMS)) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::vector<NamedProblem> set;
    ASSERT_NO_THROW(set = parse_problem_lines(text)) << entry.path();
    EXPECT_FALSE(set.empty()) << entry.path();
    for (const NamedProblem& named : set) {
      EXPECT_FALSE(named.name.empty()) << to_string(named.problem);
      EXPECT_NO_THROW(validate(named.problem)) << named.name;
      EXPECT_EQ(parse_problem(to_string(named.problem)), named.problem) << named.name;
      ++problems;
    }
  }
  EXPECT_GE(problems, 72u);
}

TEST(ProblemLines, OfTheReferenceAreValid) {
  std::ifstream file(std::filesystem::path(PLAIT_PROBLEMS) / "../../docs/problem-line.md");
  ASSERT_TRUE(file);
  int examples = 0;
  bool in_examples = false;
  for (std::string row; std::getline(file, row);) {
    if (row.starts_with("## ")) in_examples = row == "## Examples";
    if (!in_examples || !row.starts_with("| `")) continue;
    const std::string line = row.substr(3, row.find('`', 3) - 3);
    EXPECT_NO_THROW(parse_problem_line(line)) << line;
    ++examples;
  }
  EXPECT_GE(examples, 9);
}

TEST(OptionValues, ParseAlone) {
  Problem p;
  p.h = p.w = 224;
  p.k_h = p.k_w = 7;
  p.stride = 2;
  EXPECT_EQ(parse_pair("2x1"), Pair(2, 1));
  EXPECT_EQ(parse_pair("3"), Pair(3, 3));
  EXPECT_EQ(parse_padding("same_upper", p), Padding(2, 3, 2, 3));
  EXPECT_EQ(parse_padding("2_3_4_5", p), Padding(2, 3, 4, 5));
  EXPECT_EQ(parse_activation("leaky:0.25"), (Activation{ActivationKind::leaky, 0.25}));
  EXPECT_EQ(error_of([] { parse_pair("2x1y"); }), "\"1y\" is not a whole number");
  EXPECT_EQ(error_of([] { parse_activation(""); }),
            "\"\" is not an activation (known: relu, relu6, leaky:0.1, hswish, silu, sigmoid, "
            "tanh)");
}

}  // namespace
}  // namespace plait
