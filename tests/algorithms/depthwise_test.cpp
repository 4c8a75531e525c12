// Single cases of the algorithm `depthwise`; the sweep over random ones is
// tests/analysis/verify_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include <plait/plait.hpp>

#include "analysis/verify/check.hpp"
#include "support/algorithms.hpp"
#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

Case case_of(const std::string& line, Target target) {
  Case test;
  test.problem = parse_problem(line);
  test.limits.algorithm = "depthwise";
  test.limits.threads = 2;
  test.machine = on_target(target);
  return test;
}

void expect_right(const std::string& line) {
  for (const Target target : runnable_targets()) {
    const Case test = case_of(line, target);
    const CheckResult result = check(test);
    EXPECT_FALSE(result.refused) << to_string(test);
    EXPECT_EQ(result.failure, "") << to_string(test);
  }
}

TEST(Depthwise, TakesEveryWindowStrideAndLayout) {
  for (const char* line :
       {"1x7x14x14,7x1x3x3,p1,g7", "2x3x7x7,9x1x3x3,p1,g3,nhwc", "1x3x57x61,3x1x3x3,s2,p1,g3",
        "1x3x30x34,3x1x5x5,s2,p2,g3,nchw>nhwc", "1x2x40x70,2x1x31x31,p15,g2",
        "1x1x40x200,3x1x2x300,p150", "1x3x20x20,6x1x3x3,p5_0_0_20,d3,g3", "1x2x9x9,2x1x4x3,s3x5,g2",
        "1x3x19x23,3x1x3x3,s2,p1,d3,g3", "1x3x19x23,3x1x6x5,s2,p3,d2,g3", "1x5x1x1,5x1x1x1,g5",
        "1x2x3x3,2x1x1x1,p40,g2", "1x2x3x3,2x1x2x2,s2,p33,g2", "1x4x5x6,4x1x5x6,g4"}) {
    expect_right(line);
  }
}

// In place, from copies of borders, of whole lines, of each tap; every channel once or often.
TEST(Depthwise, TakesPixelsWhoseChannelsLieSideBySide) {
  for (const std::string line : {"2x40x14x14,40x1x3x3,p1,g40",
                                 "1x17x9x30,17x1x3x3,p1,g17",
                                 "1x100x23x25,100x1x5x5,p2,g100",
                                 "1x33x20x31,33x1x7x7,p3,g33",
                                 "1x24x21x23,24x1x3x3,s2,p1,g24",
                                 "1x48x30x40,48x1x5x5,s2,p2,g48",
                                 "1x20x17x19,20x1x7x7,s2,p3,g20",
                                 "1x19x30x30,19x1x3x3,p2,d2,g19",
                                 "1x19x30x31,19x1x3x3,s2,p2,d2,g19",
                                 "1x5x7x7,5x1x3x3,p1,g5",
                                 "1x64x5x3,64x1x3x3,p1,g64",
                                 "1x16x40x41,16x1x31x31,p15,g16",
                                 "1x20x9x40,20x1x1x2,s1x7,d1x9,g20",
                                 "1x18x30x30,18x1x2x2,s3x5,d7x4,p1,g18",
                                 "1x16x1x50,16x1x1x5,p0x2,g16",
                                 "1x13x12x12,39x1x3x3,p1,g13",
                                 "1x1x20x20,24x1x5x5,p2",
                                 "1x36x15x15,36x1x15x18,p7x9,g36",
                                 "1x32x9x70,32x1x2x3,s4,p1_2_3_4,d2,g32",
                                 "1x20x3x3,20x1x2x2,s2,p33,g20"}) {
    expect_right(line + ",nhwc");
    expect_right(line + ",nchw>nhwc");
    expect_right(line + ",nhwc>nchw");
  }
}

TEST(Depthwise, FillsEveryPaddingMode) {
  for (const std::string mode :
       {"reflect", "symmetric", "replicate", "circular", "pconst=0.5", "pconst=-3"}) {
    for (const std::string line :
         {"1x3x12x19,6x1x3x3,p1,g3", "1x3x12x19,3x1x5x5,s2,p3_4_5_2,g3",
          "1x2x9x40,2x1x3x4,s1x3,p8_2_3_7,d2x1,g2", "1x3x12x19,3x1x3x3,s2x1,p2_1_1_2,g3,nhwc",
          "1x40x12x19,40x1x3x3,p2_1_1_2,g40,nhwc",
          "1x20x12x40,20x1x3x2,s1x3,p1_2_1_1,d1x5,g20,nhwc"}) {
      expect_right(std::string(line).append(",").append(mode));
    }
  }
}

TEST(Depthwise, FusesEveryActivationAndTheResidual) {
  for (const std::string act :
       {"none", "relu", "relu6", "leaky:0.1", "leaky:-2.5", "hswish", "silu", "sigmoid", "tanh"}) {
    const std::string end = act == "none" ? "" : ",act=" + act;
    expect_right("1x3x12x37,6x1x3x3,p1,g3,bias" + end);
    expect_right("1x3x12x37,6x1x3x3,p1,g3,bias,res" + end);
    expect_right("1x3x12x37,3x1x5x4,p1,g3,res,nchw>nhwc" + end);
    expect_right("1x19x12x17,19x1x3x3,p1,g19,bias,res,nhwc" + end);
    expect_right("1x19x12x17,19x1x3x3,p1,g19,bias,nhwc" + end);
  }
}

TEST(Depthwise, ComputesSmallLinesWithoutAWorkspace) {
  for (const char* line : {"3x16x40x30,32x1x7x7,p3,g16,bias,act=silu,nchw>nhwc",
                           "1x100x40x30,100x1x5x5,p2,g100,bias,nhwc"}) {
    Case test = case_of(line, host_machine().target);
    test.limits.max_workspace_bytes = 0;
    EXPECT_EQ(plan(test.problem, test.limits).workspace_bytes(), 0U);
    EXPECT_EQ(check(test).failure, "");
  }
}

TEST(Depthwise, ReadsPixelsInPlaceInNhwc) {
  const auto config = [](const std::string& line) {
    return plan(line, {}, canonical_machine()).explain().config;
  };
  EXPECT_NE(config("1x32x56x56,32x1x3x3,p1,g32,nhwc").find("in place"), std::string::npos);
  EXPECT_EQ(config("1x32x56x56,32x1x3x3,g32,nhwc").find("copies"), std::string::npos);
}

std::string refusal_of(const std::string& line, Limits limits = {}) {
  limits.algorithm = "depthwise";
  return error_of(Status::unsupported, [&] { plan(line, limits); });
}

TEST(Depthwise, RefusesWithTheNumberThatFailed) {
  EXPECT_NE(refusal_of("1x4x9x9,4x4x3x3").find("one input channel to a group, not 4"),
            std::string::npos);
  EXPECT_NE(refusal_of("1x4x9x9,4x1x3x3,g4,f64").find("only f32, not f64"), std::string::npos);
  EXPECT_NE(refusal_of("1x4x9x9,4x1x3x3,g4", {.tile_columns = 7}).find("of 7 columns"),
            std::string::npos);
  EXPECT_NE(refusal_of("1x4x9x9,4x1x3x3,g4,act=leaky:1e-60").find("slope"), std::string::npos);
  EXPECT_NE(
      refusal_of("1x4x9x9,4x1x3x3,g4", {.packed_format = "direct/pixels"}).find("packs weights as"),
      std::string::npos);
}

// One format serves every size, target and layout.
TEST(Depthwise, SharesPackedWeights) {
  const Plan small = plan("1x8x9x9,8x1x3x3,g8", {.algorithm = "depthwise"});
  const Plan large = plan("2x8x40x50,8x1x3x3,s2,p1,g8,nhwc",
                          {.packed_format = small.packed_format()}, on_target(Target::emu128));
  EXPECT_EQ(large.algorithm(), "depthwise");
}

// A depthwise layer with multipliers is the dense layer whose kernel is zero but for one input
// channel per output; integers leave nothing to round.
TEST(Depthwise, IsADenseLayerWithOneChannelPerOutput) {
  for (const Target target : runnable_targets()) {
    const Problem problem = parse_problem("2x5x13x17,15x1x3x3,p1,g5");
    const Problem dense = parse_problem("2x5x13x17,15x5x3x3,p1");
    Random random(1);
    Tensor<float> x(problem.x_shape());
    Tensor<float> kernel(problem.weight_shape());
    fill_integers(x, 9, random);
    fill_integers(kernel, 9, random);
    Tensor<float> dense_kernel(dense.weight_shape());
    for (std::int64_t o = 0; o < 15; ++o) {
      for (std::int64_t u = 0; u < 3; ++u) {
        for (std::int64_t v = 0; v < 3; ++v) dense_kernel(o, o / 3, u, v) = kernel(o, 0, u, v);
      }
    }
    const Plan one = plan(problem, {.algorithm = "depthwise"}, on_target(target));
    const Plan other = plan(dense, {.algorithm = "im2col"}, on_target(target));
    Tensor<float> y(problem.y_shape());
    Tensor<float> expected(problem.y_shape());
    one.run(x, one.pack(kernel), y);
    other.run(x, other.pack(dense_kernel), expected);
    EXPECT_TRUE(std::equal(y.begin(), y.end(), expected.begin())) << name_of(target);
  }
}

// Moving the input by (1, 2) moves the output, bit for bit: every output adds in the same order.
TEST(Depthwise, CommutesWithShifts) {
  for (const std::string window : {"3x3", "5x5", "2x7", "17x18"}) {
    const Problem p = parse_problem("1x3x30x41,3x1x" + window + ",g3");
    for (const Target target : runnable_targets()) {
      Random random(4);
      Tensor<float> x(p.x_shape());
      Tensor<float> kernel(p.weight_shape());
      fill_relu_like(x, random);
      fill_he(kernel, p.depth(), random);
      const Plan made = plan(p, {.algorithm = "depthwise"}, on_target(target));
      Tensor<float> y(p.y_shape());
      Tensor<float> y_moved(p.y_shape());
      made.run(x, made.pack(kernel), y);
      made.run(moved(x, 1, 2), made.pack(kernel), y_moved);
      for (std::int64_t c = 0; c < p.c_o; ++c) {
        for (std::int64_t i = 1; i < p.h_o(); ++i) {
          for (std::int64_t j = 2; j < p.w_o(); ++j) {
            ASSERT_EQ(y_moved(0, c, i, j), y(0, c, i - 1, j - 2)) << name_of(target);
          }
        }
      }
    }
  }
}

// The planner takes it where it is faster by far, and not where another algorithm is.
TEST(Depthwise, IsChosenForDepthwiseLayers) {
  for (const char* line : {"1x32x112x112,32x1x3x3,p1,g32", "1x512x14x14,512x1x3x3,p1,g512",
                           "1x240x28x28,240x1x5x5,p2,g240", "1x64x56x56,64x1x31x31,p15,g64",
                           "1x64x112x112,64x1x3x3,s2,p1,g64", "1x32x112x112,32x1x3x3,p1,g32,nhwc",
                           "1x512x14x14,512x1x3x3,p1,g512,nhwc"}) {
    EXPECT_EQ(plan(line, {}, canonical_machine()).algorithm(), "depthwise") << line;
  }
}

}  // namespace
}  // namespace plait::test
