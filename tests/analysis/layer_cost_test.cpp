// What a layer costs by its definition, against counting every product and every sum one by one.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "analysis/verify/random_case.hpp"
#include "core/problem/padding.hpp"
#include "core/random.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

struct Counted {
  std::int64_t products = 0;
  std::map<std::array<std::int64_t, 4>, std::int64_t> terms;  // of each result

  void add(const std::array<std::int64_t, 4>& result) {
    ++products;
    ++terms[result];
  }
  std::int64_t additions() const { return products - static_cast<std::int64_t>(terms.size()); }
};

// Walks over all products of a problem; those by padding zeros only if `padding`.
Counted count(const Problem& p, bool padding) {
  Counted counted;
  const bool repeats = !padding_is_one_value(p);
  const bool zeros = padding_is_one_value(p) && padding_value(p) == 0;
  const std::int64_t channels = p.c_i / p.groups;
  for (std::int64_t n = 0; n < p.n; ++n) {
    for (std::int64_t o = 0; o < p.c_o; ++o) {
      for (std::int64_t i = 0; i < p.h_o(); ++i) {
        for (std::int64_t j = 0; j < p.w_o(); ++j) {
          for (std::int64_t c = 0; c < channels; ++c) {
            for (std::int64_t u = 0; u < p.k_h; ++u) {
              for (std::int64_t v = 0; v < p.k_w; ++v) {
                std::int64_t row = i * p.stride.h + u * p.dilation.h - p.padding.top;
                std::int64_t column = j * p.stride.w + v * p.dilation.w - p.padding.left;
                const bool inside = row >= 0 && row < p.h && column >= 0 && column < p.w;
                if (!inside && zeros && !padding) continue;
                if (repeats) {
                  row = source_position(p.padding_mode, row, p.h, p.padding.bottom);
                  column = source_position(p.padding_mode, column, p.w, p.padding.right);
                }
                if (p.direction == Direction::forward) counted.add({n, o, i, j});
                if (p.direction == Direction::backward_data) {
                  counted.add({n, o / (p.c_o / p.groups) * channels + c, row, column});
                }
                if (p.direction == Direction::backward_weights) counted.add({o, c, u, v});
              }
            }
          }
        }
      }
    }
  }
  return counted;
}

TEST(LayerCost, IsWhatCountingGives) {
  Random random(11);
  for (int i = 0; i < 300; ++i) {
    Problem p = random_problem(random, 3000);
    for (const Direction direction :
         {Direction::forward, Direction::backward_data, Direction::backward_weights}) {
      p.direction = direction;
      const LayerCost told = cost(p);
      const Counted all = count(p, true);
      const Counted real = count(p, false);
      const std::int64_t biases =
          p.bias && direction == Direction::forward ? p.n * p.c_o * p.h_o() * p.w_o() : 0;
      const std::string what = to_string(p);
      ASSERT_EQ(told.multiplications, all.products) << what;
      ASSERT_EQ(told.additions, all.additions() + biases) << what;
      ASSERT_EQ(told.multiplications_without_padding, real.products) << what;
      ASSERT_EQ(told.additions_without_padding, real.additions() + biases) << what;
      ASSERT_EQ(told.operations, told.multiplications + told.additions) << what;
      ASSERT_EQ(told.flops, 2 * told.macs) << what;
    }
  }
}

// The chapter's layer: "over 53 billion operations".
TEST(LayerCost, OfTheChaptersLayer) {
  const LayerCost told = cost(parse_problem("1x128x256x256,128x128x5x5,p2"));
  EXPECT_EQ(told.multiplications, 26'843'545'600);
  EXPECT_EQ(told.additions, 26'843'545'600 - std::int64_t{128} * 256 * 256);
  EXPECT_GT(told.operations, 53'000'000'000);
  EXPECT_EQ(told.parameters, 128 * 128 * 25);
  EXPECT_EQ(told.parameters_with_bias, 128 * 128 * 25 + 128);
  // Of 256 rows, two at each end miss one or two of the five taps.
  EXPECT_EQ(told.multiplications_without_padding,
            std::int64_t{128} * 128 * (256 * 5 - 6) * (256 * 5 - 6));
  EXPECT_EQ(told.bytes_input, 128 * 256 * 256 * 4);
  EXPECT_EQ(told.memory_forward_bytes, 2 * 128 * 256 * 256 * 4 + 128 * 128 * 25 * 4);
  EXPECT_EQ(told.memory_backward_bytes, 3 * 128 * 256 * 256 * 4 + 2 * 128 * 128 * 25 * 4);
}

TEST(LayerCost, OfTheGradientOfTheBias) {
  const LayerCost told = cost(parse_problem("2x3x8x9,5x3x3x3,bias,backward_bias"));
  EXPECT_EQ(told.multiplications, 0);
  EXPECT_EQ(told.additions, 5 * (2 * 6 * 7 - 1));
  EXPECT_EQ(told.memory_backward_bytes,
            4 * (2 * (2 * 3 * 8 * 9) + 2 * (5 * 27) + 2 * 5 * 6 * 7 + 5));
}

// A 1x1 layer moves few bytes for its products when it has many channels.
TEST(LayerCost, IntensityAndRoofline) {
  Machine machine;
  machine.cores = machine.affinity = 2;
  machine.rates.l3_bytes_per_second = 10e9;
  machine.rates.dram_bytes_per_second = 1e9;
  const Problem problem = parse_problem("1x64x10x10,32x64x1x1");
  const LayerCost told = cost(problem, machine);
  const double bytes = 4.0 * (6400 + 2048 + 3200);
  EXPECT_DOUBLE_EQ(told.arithmetic_intensity, 2.0 * 204800 / bytes);
  EXPECT_DOUBLE_EQ(told.roofline_seconds,
                   std::max(204800 / machine.macs_per_second(), bytes / 10e9) / 2);
  // Half as many doubles fit a vector.
  Problem compute_bound = parse_problem("1x64x100x100,64x64x5x5");
  const double of_floats = cost(compute_bound, machine).roofline_seconds;
  compute_bound.dtype = Dtype::f64;
  EXPECT_DOUBLE_EQ(cost(compute_bound, machine).roofline_seconds, 2 * of_floats);
  machine.caches.l3_bytes = 1000;
  EXPECT_DOUBLE_EQ(cost(problem, machine).roofline_seconds, bytes / 1e9 / 2);
}

TEST(LayerCost, ExplainsEveryFigure) {
  const Problem problem = parse_problem("1x3x4x5,2x3x3x3,p1,bias");
  const std::vector<CostFormula> formulas = cost_formulas(problem);
  ASSERT_EQ(formulas.size(), 18U);
  EXPECT_EQ(formulas[0].key, "multiplications");
  EXPECT_EQ(formulas[0].text, "n c_o h' w' (c_i/g) k_h k_w = 1 * 2 * 4 * 5 * 3 * 3 * 3");
  EXPECT_EQ(formulas[1].text,
            "products - n c_o h' w' = 1080 - 1 * 2 * 4 * 5, and n c_o h' w' = 1 * 2 * 4 * 5");
  EXPECT_EQ(formulas[7].text, "c_o (c_i/g) k_h k_w = 2 * 3 * 3 * 3");
}

TEST(LayerCost, RefusesWhatItCannotCount) {
  EXPECT_NE(
      error_of(Status::unsupported, [] { cost(parse_problem("1x1x1x33554432,1x1x1x16777217")); })
          .find("16777217 taps along an axis"),
      std::string::npos);
  Problem wrong;
  wrong.k_h = 3;
  EXPECT_NE(error_of(Status::invalid_argument, [&] { cost(wrong); }), "");
  // A quarter of all 64-bit numbers of products, in a moment.
  const LayerCost huge = cost(parse_problem(
      "1048576x1024x1024x1024,1024x1024x1x1,xstrides=0_0_0_0,ystrides=1073741824_1048576_1024_1"));
  EXPECT_EQ(huge.multiplications, std::int64_t{1} << 60);
}

}  // namespace
}  // namespace plait::test
