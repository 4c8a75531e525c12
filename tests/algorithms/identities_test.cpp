// Properties that hold whatever the data: each algorithm on each target. An algorithm that
// transforms its input rounds where a product would be exact: what is equal for the others is
// within the guaranteed bound there.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "support/algorithms.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

class Identity : public testing::TestWithParam<Subject> {
 protected:
  Plan plan_of(const Problem& problem) const {
    return plait::plan(problem, only(GetParam().algorithm), on_target(GetParam().target));
  }

  Tensor<float> run(const Problem& problem, const Tensor<float>& x,
                    const Tensor<float>& kernel) const {
    const Plan plan = plan_of(problem);
    Tensor<float> y(problem.y_shape());
    plan.run(x, plan.pack(kernel), y);
    return y;
  }

  // With the window that the algorithm accepts; in groups of one input channel if it must be.
  Problem problem(std::int64_t c_i, std::int64_t c_o, std::int64_t size) const {
    static constexpr std::array kLines = {"1x6x9x9,6x6x3x3",    "1x6x9x9,6x6x1x1",
                                          "1x6x9x9,6x1x3x3,g6", "1x6x9x9,6x6x5x5",
                                          "1x6x9x9,6x6x1x7",    "1x6x9x9,6x2x3x3,g3"};
    Problem p = problem_for(GetParam().algorithm, kLines);
    if (p.groups > 1) {
      p.groups = p.c_i == p.groups ? c_i : p.groups;
      c_o = (c_o + p.groups - 1) / p.groups * p.groups;
    }
    p.c_i = c_i;
    p.c_o = c_o;
    p.h = size;
    p.w = size + 3;
    return p;
  }

  // How far apart two results may be that are equal for sums of products.
  double tolerance(const Problem& p, const Tensor<float>& x, const Tensor<float>& kernel) const {
    const Cost cost = plan_of(p).cost();
    if (cost.transform_operations == 0) return 0;
    const auto largest = [](const Tensor<float>& tensor) {
      double size = 0;
      for (const float value : tensor) size = std::max(size, std::abs(double{value}));
      return size;
    };
    const auto depth = static_cast<double>(p.depth());
    return cost.error_bound * cost.error_range * depth * largest(x) * largest(kernel) +
           cost.error_floor * (1 + largest(x) + largest(kernel));
  }
};

// x with a single 1 at (c, i, j): y[o, i - u, j - v] = K[o, c, u, v] exactly, zero elsewhere.
TEST_P(Identity, AnImpulseReturnsTheKernel) {
  const Problem p = problem(6, 7, 9);
  Random random(1);
  Tensor<float> kernel(p.weight_shape());
  fill_he(kernel, p.depth(), random);
  Tensor<float> x(p.x_shape());
  x(0, 2, 4, 6) = 1;
  const Tensor<float> y = run(p, x, kernel);
  const double tolerated = tolerance(p, x, kernel);
  const std::int64_t group_c_i = p.c_i / p.groups;
  for (std::int64_t o = 0; o < p.c_o; ++o) {
    const std::int64_t c = 2 - o / (p.c_o / p.groups) * group_c_i;  // within the group of o
    for (std::int64_t i = 0; i < p.h_o(); ++i) {
      for (std::int64_t j = 0; j < p.w_o(); ++j) {
        const std::int64_t u = 4 - i;
        const std::int64_t v = 6 - j;
        const bool inside = c >= 0 && c < group_c_i && u >= 0 && u < p.k_h && v >= 0 && v < p.k_w;
        ASSERT_NEAR(y(0, o, i, j), inside ? kernel(o, c, u, v) : 0.0F, tolerated)
            << o << " " << i << " " << j;
      }
    }
  }
}

// Small integers leave nothing to round, so every sum of products must be exact.
TEST_P(Identity, SmallIntegersAreExact) {
  for (const std::int64_t c_i : {1, 3, 64, 300}) {
    Problem p = problem(c_i, 17, 8);
    if (p.k_h > 1) p.padding = 1;
    Random random(2);
    Tensor<float> x(p.x_shape());
    Tensor<float> kernel(p.weight_shape());
    fill_integers(x, 15, random);
    fill_integers(kernel, 15, random);
    const Tensor<float> y = run(p, x, kernel);
    const ErrorReport error = measure_error<float>(p, plan_of(p).cost().bound(), x.view(),
                                                   kernel.view(), {}, {}, y.view());
    EXPECT_LE(error.max_error, tolerance(p, x, kernel)) << to_string(p);
    EXPECT_LE(error.worst_bound_share, 1) << to_string(p);
  }
}

// conv(2 x1 + x2) = 2 conv(x1) + conv(x2), exactly with integers.
TEST_P(Identity, IsLinearInTheInput) {
  const Problem p = problem(6, 9, 10);
  Random random(3);
  Tensor<float> x1(p.x_shape());
  Tensor<float> x2(p.x_shape());
  Tensor<float> kernel(p.weight_shape());
  fill_integers(x1, 9, random);
  fill_integers(x2, 9, random);
  fill_integers(kernel, 9, random);
  Tensor<float> mixed(p.x_shape());
  for (std::int64_t i = 0; i < mixed.size(); ++i) {
    mixed.data()[i] = 2 * x1.data()[i] + x2.data()[i];
  }
  const Tensor<float> y = run(p, mixed, kernel);
  const Tensor<float> y1 = run(p, x1, kernel);
  const Tensor<float> y2 = run(p, x2, kernel);
  const double tolerated = 4 * tolerance(p, mixed, kernel);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(y.data()[i], 2 * y1.data()[i] + y2.data()[i], tolerated);
  }
}

// Moving the input by (1, 2) moves the output, bit for bit: every output adds in the same order.
TEST_P(Identity, CommutesWithShifts) {
  const Problem p = problem(6, 5, 11);
  Random random(4);
  Tensor<float> x(p.x_shape());
  Tensor<float> kernel(p.weight_shape());
  fill_relu_like(x, random);
  fill_he(kernel, p.depth(), random);
  const Tensor<float> y = run(p, x, kernel);
  const Tensor<float> y_moved = run(p, moved(x, 1, 2), kernel);
  const double tolerated = 2 * tolerance(p, x, kernel);
  for (std::int64_t o = 0; o < p.c_o; ++o) {
    for (std::int64_t i = 1; i < p.h_o(); ++i) {
      for (std::int64_t j = 2; j < p.w_o(); ++j) {
        ASSERT_NEAR(y_moved(0, o, i, j), y(0, o, i - 1, j - 2), tolerated);
      }
    }
  }
}

// sum over o of t[o] * conv(x, K[o]) = conv(x, sum over o of t[o] * K[o]) over the channels o of
// each group: checks a large layer at groups/c_o of its cost (BLIS's random projection).
TEST_P(Identity, OutputChannelsProject) {
  Problem p =
      traits_of(GetParam().algorithm).is_vectorised ? problem(96, 160, 28) : problem(12, 20, 9);
  if (p.k_h > 1) p.padding = 1;
  Random random(5);
  Tensor<float> x(p.x_shape());
  Tensor<float> kernel(p.weight_shape());
  fill_integers(x, 7, random);
  fill_integers(kernel, 7, random);
  const std::int64_t group_c_o = p.c_o / p.groups;
  Tensor<double> projected({p.groups, p.c_i / p.groups, p.k_h, p.k_w});
  const std::int64_t terms = projected.size() / p.groups;
  std::vector<double> t(static_cast<std::size_t>(p.c_o));
  for (double& value : t) value = static_cast<double>(random.between(-2, 2));
  for (std::int64_t o = 0; o < p.c_o; ++o) {
    for (std::int64_t k = 0; k < terms; ++k) {
      projected.data()[o / group_c_o * terms + k] +=
          t[static_cast<std::size_t>(o)] * double{kernel.data()[o * terms + k]};
    }
  }
  const Tensor<float> y = run(p, x, kernel);
  const double tolerated = 2 * static_cast<double>(group_c_o) * tolerance(p, x, kernel);
  Tensor<double> x64(x.shape());
  std::copy(x.begin(), x.end(), x64.begin());
  const Tensor<double> expected =
      conv2d(x64, projected, {.padding = p.padding, .groups = p.groups});
  for (std::int64_t g = 0; g < p.groups; ++g) {
    for (std::int64_t i = 0; i < p.h_o(); ++i) {
      for (std::int64_t j = 0; j < p.w_o(); ++j) {
        double sum = 0;
        for (std::int64_t o = g * group_c_o; o < (g + 1) * group_c_o; ++o) {
          sum += t[static_cast<std::size_t>(o)] * double{y(0, o, i, j)};
        }
        ASSERT_NEAR(sum, expected(0, g, i, j), tolerated) << g << " " << i << " " << j;
      }
    }
  }
}

// A grouped layer is the dense layer whose kernel is block-diagonal (the chapter's exercise 7).
TEST_P(Identity, GroupsAreABlockDiagonalKernel) {
  Problem grouped = problem(12, 24, 9);
  if (grouped.groups == 1) grouped.groups = 3;
  Random random(6);
  Tensor<float> x(grouped.x_shape());
  Tensor<float> kernel(grouped.weight_shape());
  fill_integers(x, 9, random);
  fill_integers(kernel, 9, random);
  const std::int64_t group_c_i = grouped.c_i / grouped.groups;
  const std::int64_t group_c_o = grouped.c_o / grouped.groups;
  Tensor<double> x64(x.shape());
  std::copy(x.begin(), x.end(), x64.begin());
  Tensor<double> block_diagonal({grouped.c_o, grouped.c_i, grouped.k_h, grouped.k_w});
  for (std::int64_t o = 0; o < grouped.c_o; ++o) {
    for (std::int64_t c = 0; c < group_c_i; ++c) {
      for (std::int64_t u = 0; u < grouped.k_h; ++u) {
        for (std::int64_t v = 0; v < grouped.k_w; ++v) {
          block_diagonal(o, o / group_c_o * group_c_i + c, u, v) = kernel(o, c, u, v);
        }
      }
    }
  }
  const Tensor<float> y = run(grouped, x, kernel);
  const Tensor<double> expected = conv2d(x64, block_diagonal);
  const double tolerated = tolerance(grouped, x, kernel);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(y.data()[i], expected.data()[i], tolerated);
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, Identity, testing::ValuesIn(all_subjects()), name_of_subject);

}  // namespace
}  // namespace plait::test
