// Properties that hold whatever the data: each room on each target.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "support/random.hpp"

namespace plait::test {
namespace {

struct Subject {
  std::string algorithm;
  Target target;
};
void PrintTo(const Subject& subject, std::ostream* out) {
  *out << subject.algorithm << " on " << name_of(subject.target);
}

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    // Sums over no channels; tests/algorithms/depthwise_test.cpp has its identities.
    if (algorithm.name == "depthwise") continue;
    // Round on the way even where products are exact: tests/algorithms/winograd_test.cpp.
    if (algorithm.name.starts_with("winograd")) continue;
    for (const Target target : runnable_targets()) all.push_back({algorithm.name, target});
  }
  return all;
}

class Identity : public testing::TestWithParam<Subject> {
 protected:
  // The window that the algorithm under test accepts.
  std::int64_t window() const { return GetParam().algorithm == "pointwise" ? 1 : 3; }

  Tensor<float> run(const Problem& problem, const Tensor<float>& x,
                    const Tensor<float>& kernel) const {
    const Plan plan = plait::plan(problem, {.threads = 2, .algorithm = GetParam().algorithm},
                                  on_target(GetParam().target));
    Tensor<float> y(problem.y_shape());
    plan.run(x, plan.pack(kernel), y);
    return y;
  }

  Problem problem(std::int64_t c_i, std::int64_t c_o, std::int64_t size) const {
    Problem p;
    p.c_i = c_i;
    p.c_o = c_o;
    p.h = size;
    p.w = size + 3;
    p.k_h = p.k_w = window();
    return p;
  }
};

// x with a single 1 at (c, i, j): y[o, i - u, j - v] = K[o, c, u, v] exactly, zero elsewhere.
TEST_P(Identity, AnImpulseReturnsTheKernel) {
  const Problem p = problem(5, 7, 9);
  Random random(1);
  Tensor<float> kernel(p.kernel_shape());
  fill_he(kernel, p.depth(), random);
  Tensor<float> x(p.x_shape());
  x(0, 2, 4, 6) = 1;
  const Tensor<float> y = run(p, x, kernel);
  for (std::int64_t o = 0; o < p.c_o; ++o) {
    for (std::int64_t i = 0; i < p.h_o(); ++i) {
      for (std::int64_t j = 0; j < p.w_o(); ++j) {
        const std::int64_t u = 4 - i;
        const std::int64_t v = 6 - j;
        const bool inside = u >= 0 && u < p.k_h && v >= 0 && v < p.k_w;
        ASSERT_EQ(y(0, o, i, j), inside ? kernel(o, 2, u, v) : 0.0F) << o << " " << i << " " << j;
      }
    }
  }
}

// Small integers leave nothing to round, so every room must be exact.
TEST_P(Identity, SmallIntegersAreExact) {
  for (const std::int64_t c_i : {1, 3, 64, 300}) {
    Problem p = problem(c_i, 17, 8);
    if (window() > 1) p.padding = 1;
    Random random(2);
    Tensor<float> x(p.x_shape());
    Tensor<float> kernel(p.kernel_shape());
    fill_integers(x, 15, random);
    fill_integers(kernel, 15, random);
    const Tensor<float> y = run(p, x, kernel);
    const ErrorReport error =
        measure_error<float>(p, {.gamma = 1}, x.view(), kernel.view(), {}, {}, y.view());
    EXPECT_EQ(error.max_error, 0) << to_string(p);
  }
}

// conv(2 x1 + x2) = 2 conv(x1) + conv(x2), exactly with integers.
TEST_P(Identity, IsLinearInTheInput) {
  const Problem p = problem(6, 9, 10);
  Random random(3);
  Tensor<float> x1(p.x_shape());
  Tensor<float> x2(p.x_shape());
  Tensor<float> kernel(p.kernel_shape());
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
  for (std::int64_t i = 0; i < y.size(); ++i) {
    ASSERT_EQ(y.data()[i], 2 * y1.data()[i] + y2.data()[i]);
  }
}

// Moving the input by (1, 2) moves the output, bit for bit: every output adds in the same order.
TEST_P(Identity, CommutesWithShifts) {
  const Problem p = problem(4, 5, 11);
  Random random(4);
  Tensor<float> x(p.x_shape());
  Tensor<float> moved(p.x_shape());
  Tensor<float> kernel(p.kernel_shape());
  fill_relu_like(x, random);
  fill_he(kernel, p.depth(), random);
  for (std::int64_t c = 0; c < p.c_i; ++c) {
    for (std::int64_t i = 1; i < p.h; ++i) {
      for (std::int64_t j = 2; j < p.w; ++j) moved(0, c, i, j) = x(0, c, i - 1, j - 2);
    }
  }
  const Tensor<float> y = run(p, x, kernel);
  const Tensor<float> y_moved = run(p, moved, kernel);
  for (std::int64_t o = 0; o < p.c_o; ++o) {
    for (std::int64_t i = 1; i < p.h_o(); ++i) {
      for (std::int64_t j = 2; j < p.w_o(); ++j) {
        ASSERT_EQ(y_moved(0, o, i, j), y(0, o, i - 1, j - 2));
      }
    }
  }
}

// sum over o of t[o] * conv(x, K[o]) = conv(x, sum over o of t[o] * K[o]): checks a big layer at
// 1/c_o of its cost (BLIS's random projection).
TEST_P(Identity, OutputChannelsProject) {
  const bool slow = GetParam().algorithm == "reference";
  Problem p = slow ? problem(12, 20, 9) : problem(96, 160, 28);
  if (window() > 1) p.padding = 1;
  Random random(5);
  Tensor<float> x(p.x_shape());
  Tensor<float> kernel(p.kernel_shape());
  fill_integers(x, 7, random);
  fill_integers(kernel, 7, random);
  Tensor<float> projected({1, p.c_i, p.k_h, p.k_w});
  std::vector<float> t(static_cast<std::size_t>(p.c_o));
  for (float& value : t) value = static_cast<float>(random.between(-2, 2));
  for (std::int64_t o = 0; o < p.c_o; ++o) {
    for (std::int64_t k = 0; k < projected.size(); ++k) {
      projected.data()[k] +=
          t[static_cast<std::size_t>(o)] * kernel.data()[o * projected.size() + k];
    }
  }
  const Tensor<float> y = run(p, x, kernel);
  Tensor<double> x64(x.shape());
  Tensor<double> projected64(projected.shape());
  std::copy(x.begin(), x.end(), x64.begin());
  std::copy(projected.begin(), projected.end(), projected64.begin());
  const Tensor<double> expected = conv2d(x64, projected64, {.padding = p.padding});
  for (std::int64_t i = 0; i < p.h_o(); ++i) {
    for (std::int64_t j = 0; j < p.w_o(); ++j) {
      double sum = 0;
      for (std::int64_t o = 0; o < p.c_o; ++o) {
        sum += static_cast<double>(t[static_cast<std::size_t>(o)] * y(0, o, i, j));
      }
      ASSERT_EQ(sum, expected(0, 0, i, j)) << i << " " << j;
    }
  }
}

// A grouped layer is the dense layer whose kernel is block-diagonal (the chapter's exercise 7).
TEST_P(Identity, GroupsAreABlockDiagonalKernel) {
  Problem grouped = problem(12, 18, 9);
  grouped.groups = 3;
  Problem dense = grouped;
  dense.groups = 1;
  Random random(6);
  Tensor<float> x(grouped.x_shape());
  Tensor<float> kernel(grouped.kernel_shape());
  fill_integers(x, 9, random);
  fill_integers(kernel, 9, random);
  Tensor<float> block_diagonal(dense.kernel_shape());
  for (std::int64_t o = 0; o < grouped.c_o; ++o) {
    for (std::int64_t c = 0; c < 4; ++c) {
      for (std::int64_t u = 0; u < grouped.k_h; ++u) {
        for (std::int64_t v = 0; v < grouped.k_w; ++v) {
          block_diagonal(o, o / 6 * 4 + c, u, v) = kernel(o, c, u, v);
        }
      }
    }
  }
  const Tensor<float> a = run(grouped, x, kernel);
  const Tensor<float> b = run(dense, x, block_diagonal);
  for (std::int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.data()[i], b.data()[i]);
}

std::string subject_name(const testing::TestParamInfo<Subject>& info) {
  std::string name = info.param.algorithm + "_" + std::string(name_of(info.param.target));
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Algorithms, Identity, testing::ValuesIn(subjects()), subject_name);

}  // namespace
}  // namespace plait::test
