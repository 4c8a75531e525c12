#include <plait/problem.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "support/example_problem.hpp"

namespace plait {
namespace {

using test::example;
using test::refusal_of;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The positions, counted one by one, at which a dilated kernel lies wholly inside the padded axis.
std::int64_t count_positions(std::int64_t padded, std::int64_t taps, std::int64_t dilation,
                             std::int64_t stride) {
  std::int64_t count = 0;
  for (std::int64_t first = 0; first + dilation * (taps - 1) < padded; first += stride) ++count;
  return count;
}

TEST(Problem, IsMadeOfTheShapesOfItsOperands) {
  const Problem problem = Problem::of({2, 6, 9, 8}, {4, 3, 3, 5}, {2, 1}, {1, 0, 2, 3}, {1, 2}, 2);
  EXPECT_EQ(problem, parse_problem("2x6x9x8,4x3x3x5,g2,s2x1,p1_0_2_3,d1x2"));
  EXPECT_EQ(Problem::of({1, 1, 3, 3}, {1, 1, 2, 2}), parse_problem("1x1x3x3,1x1x2x2"));
}

TEST(Problem, OutputSizeCountsThePositionsOfTheKernel) {
  Problem p;
  int legal = 0;
  for (p.h = 1; p.h <= 12; ++p.h)
    for (p.k_h = 1; p.k_h <= 5; ++p.k_h)
      for (p.stride.h = 1; p.stride.h <= 4; ++p.stride.h)
        for (p.dilation.h = 1; p.dilation.h <= 3; ++p.dilation.h)
          for (p.padding.top = 0; p.padding.top <= 3; ++p.padding.top)
            for (p.padding.bottom = 0; p.padding.bottom <= 3; ++p.padding.bottom) {
              const std::int64_t expected = count_positions(p.h + p.padding.top + p.padding.bottom,
                                                            p.k_h, p.dilation.h, p.stride.h);
              ASSERT_EQ(p.h_o(), expected) << to_string(p);
              Problem transposed = p;
              transposed.w = p.h;
              transposed.k_w = p.k_h;
              transposed.stride = {1, p.stride.h};
              transposed.dilation = {1, p.dilation.h};
              transposed.padding = {0, 0, p.padding.top, p.padding.bottom};
              transposed.h = transposed.k_h = 1;
              ASSERT_EQ(transposed.w_o(), expected) << to_string(transposed);
              ASSERT_EQ(transposed.h_o(), 1);
              if (expected == 0) {
                ASSERT_THROW(validate(p), Error) << to_string(p);
                ASSERT_THROW(validate(transposed), Error) << to_string(transposed);
              } else {
                ASSERT_NO_THROW(validate(p)) << to_string(p);
                ++legal;
              }
            }
  EXPECT_GT(legal, 8000);
}

TEST(Problem, SamePaddingGivesTheCeilingOfSizeOverStride) {
  Problem p;
  for (p.h = 1; p.h <= 40; ++p.h)
    for (p.k_h = 1; p.k_h <= 7; ++p.k_h)
      for (p.stride.h = 1; p.stride.h <= 4; ++p.stride.h)
        for (p.dilation.h = 1; p.dilation.h <= 3; ++p.dilation.h) {
          // The columns ask for another amount, so that a mixed-up axis shows.
          p.w = 41 - p.h;
          p.k_w = 8 - p.k_h;
          p.stride.w = 5 - p.stride.h;
          p.dilation.w = 4 - p.dilation.h;
          for (const bool upper : {true, false}) {
            Problem same = p;
            same.padding = same_padding(p, upper);
            ASSERT_EQ(same.h_o(), (p.h + p.stride.h - 1) / p.stride.h) << to_string(same);
            ASSERT_EQ(same.w_o(), (p.w + p.stride.w - 1) / p.stride.w) << to_string(same);
            ASSERT_NO_THROW(validate(same)) << to_string(same);

            // TensorFlow's rule (tf.nn.convolution, "Notes on padding"), ONNX SAME_UPPER.
            const std::int64_t extent = p.dilation.h * (p.k_h - 1) + 1;
            const std::int64_t over =
                p.h % p.stride.h == 0 ? extent - p.stride.h : extent - p.h % p.stride.h;
            const std::int64_t total = over > 0 ? over : 0;
            const std::int64_t small = total / 2;
            ASSERT_EQ(same.padding.top, upper ? small : total - small) << to_string(same);
            ASSERT_EQ(same.padding.bottom, upper ? total - small : small) << to_string(same);
            ASSERT_LE(std::abs(same.padding.left - same.padding.right), 1);
            ASSERT_EQ(same.padding.left <= same.padding.right,
                      upper || same.padding.left == same.padding.right);
          }
        }
}

TEST(Problem, SamePaddingOfTheFirstResnetLayer) {
  Problem p;
  p.h = p.w = 224;
  p.k_h = p.k_w = 7;
  p.stride = 2;
  EXPECT_EQ(same_padding(p, true), Padding(2, 3, 2, 3));
  EXPECT_EQ(same_padding(p, false), Padding(3, 2, 3, 2));
  p.stride = 0;
  EXPECT_EQ(refusal_of([&] { same_padding(p, true); }), "stride must be at least 1 but is 0x0");
  p.stride = 1;
  p.dilation = kMost;
  EXPECT_EQ(refusal_of([&] { same_padding(p, true); }),
            "overflow: same padding of size 224 for 7 taps dilated by 9223372036854775807 passes "
            "2^62");
}

TEST(Problem, CountsProducts) {
  // The chapter's cost example: 26.84 G multiplications.
  Problem p;
  p.c_i = p.c_o = 128;
  p.h = p.w = 256;
  p.k_h = p.k_w = 5;
  p.padding = 2;
  EXPECT_EQ(p.multiplications(), 26843545600);
  EXPECT_EQ(p.depth(), 3200);
  p.groups = 32;
  EXPECT_EQ(p.multiplications(), 26843545600 / 32);
  EXPECT_EQ(p.weight_shape(), (Dims{128, 4, 5, 5}));
  p.n = 3;
  p.stride = {1, 2};
  EXPECT_EQ(p.y_shape(), (Dims{3, 128, 256, 128}));
  EXPECT_EQ(p.multiplications(), std::int64_t{3} * 128 * 256 * 128 * 4 * 25);
}

TEST(Problem, LaysOutItsTensors) {
  EXPECT_EQ(layout_strides({2, 3, 5, 7}, Layout::nchw), (Dims{105, 35, 7, 1}));
  EXPECT_EQ(layout_strides({2, 3, 5, 7}, Layout::nhwc), (Dims{105, 1, 21, 3}));
  EXPECT_EQ(refusal_of([] {
              layout_strides({2, 3}, Layout::nhwc);
            }),
            "a layout needs 4 axes but the shape is 2x3");
  Problem p = example();
  p.stride = 2;
  p.x_layout = Layout::nhwc;
  EXPECT_EQ(p.effective_x_strides(), (Dims{378, 1, 42, 6}));
  EXPECT_EQ(p.effective_y_strides(), (Dims{80, 20, 4, 1}));
  p.y_layout = Layout::nhwc;
  EXPECT_EQ(p.effective_y_strides(), (Dims{80, 1, 16, 4}));
  EXPECT_EQ(p.effective_residual_strides(), (Dims{80, 1, 16, 4}));
  p.x_strides = Dims{0, 1, 2, 3};
  p.y_strides = Dims{4, 5, 6, 7};
  p.residual_strides = Dims{8, 9, 10, 11};
  EXPECT_EQ(p.effective_x_strides(), (Dims{0, 1, 2, 3}));
  EXPECT_EQ(p.effective_y_strides(), (Dims{4, 5, 6, 7}));
  EXPECT_EQ(p.effective_residual_strides(), (Dims{8, 9, 10, 11}));
}

TEST(Activation, FollowsItsDefinition) {
  using enum ActivationKind;
  for (const double v :
       {-800.0, -7.0, -3.0, -1.5, -0.25, 0.0, 0.5, 2.0, 3.0, 5.0, 6.0, 7.0, 800.0}) {
    const double sigmoid_v = static_cast<double>(1 / (1 + std::exp(-static_cast<long double>(v))));
    EXPECT_EQ(apply({none, 0}, v), v);
    EXPECT_EQ(apply({relu, 0}, v), v > 0 ? v : 0);
    EXPECT_EQ(apply({relu6, 0}, v), v > 6 ? 6 : v > 0 ? v : 0);
    EXPECT_EQ(apply({leaky, 0.125}, v), v > 0 ? v : v / 8);
    EXPECT_DOUBLE_EQ(apply({hswish, 0}, v), v <= -3 ? 0 : v >= 3 ? v : v * (v + 3) / 6);
    EXPECT_DOUBLE_EQ(apply({sigmoid, 0}, v), sigmoid_v);
    EXPECT_DOUBLE_EQ(apply({silu, 0}, v), v * sigmoid_v);
    EXPECT_EQ(apply({tanh, 0}, v), std::tanh(v));
  }
  for (const ActivationKind kind : {none, relu, relu6, leaky, hswish, silu, sigmoid, tanh}) {
    EXPECT_TRUE(std::isnan(apply({kind, kind == leaky ? 0.1 : 0}, kNan))) << name_of(kind);
  }
  EXPECT_EQ(apply({relu, 0}, kInfinity), kInfinity);
  EXPECT_EQ(apply({relu6, 0}, kInfinity), 6);
  EXPECT_EQ(apply({sigmoid, 0}, -kInfinity), 0);
}

TEST(Names, AreThoseOfTheProblemLine) {
  EXPECT_EQ(name_of(PaddingMode::zeros), "zeros");
  EXPECT_EQ(name_of(PaddingMode::constant), "constant");
  EXPECT_EQ(name_of(ActivationKind::hswish), "hswish");
  EXPECT_EQ(name_of(Dtype::bf16), "bf16");
  EXPECT_EQ(name_of(Layout::nhwc), "nhwc");
  EXPECT_EQ(name_of(Direction::backward_weights), "backward_weights");
  EXPECT_EQ(size_of(Dtype::f64), 8u);
  EXPECT_EQ(size_of(Dtype::f32), 4u);
  EXPECT_EQ(size_of(Dtype::bf16), 2u);
  EXPECT_EQ(size_of(Dtype::i8), 1u);
  EXPECT_EQ(size_of(Dtype::u8), 1u);
}

}  // namespace
}  // namespace plait
