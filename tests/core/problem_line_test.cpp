#include <plait/problem.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "support/calls.hpp"

namespace plait {
namespace {

// The text with which `call` is refused.
template <class Call>
std::string error_of(Call call) {
  return test::error_of(Status::invalid_argument, call);
}

TEST(ProblemLine, ReadsShapesAndName) {
  const NamedProblem named = parse_problem_line("conv1: 1x3x224x220,64x3x7x5,s2,p3");
  EXPECT_EQ(named.name, "conv1");
  const Problem& p = named.problem;
  EXPECT_EQ(p.x_shape(), (Dims{1, 3, 224, 220}));
  EXPECT_EQ(p.weight_shape(), (Dims{64, 3, 7, 5}));
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
  EXPECT_EQ(parse("pfull,s3x2,d1x2").padding, Padding(2, 4));
  EXPECT_EQ(parse("reflect").padding_mode, PaddingMode::reflect);
  EXPECT_EQ(parse("symmetric").padding_mode, PaddingMode::symmetric);
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
