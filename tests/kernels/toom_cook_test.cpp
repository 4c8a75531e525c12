// The construction of short correlations, in exact arithmetic: whatever its points, it computes
// the correlation; and its points are as the transforms need them.
#include "kernels/winograd/toom_cook.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <ostream>
#include <stdexcept>

#include "core/integers.hpp"
#include "kernels/winograd/winograd.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

using kernels::Polynomial;
using kernels::ToomCook;
using kernels::ToomPoints;

// A fraction in lowest terms, its denominator positive. What does not fit in 128 bits throws.
class Rational {
 public:
  Rational() = default;
  explicit Rational(Int128 value) : over_(value) {}
  Rational(Int128 over, Int128 under) : over_(over), under_(under) {
    if (under == 0) throw std::domain_error("division by zero");
    Int128 divisor = over;
    for (Int128 rest = under; rest != 0;) {
      const Int128 next = divisor % rest;
      divisor = rest;
      rest = next;
    }
    if ((divisor < 0) != (under < 0)) divisor = -divisor;
    over_ /= divisor;
    under_ /= divisor;
  }

  Int128 over() const { return over_; }
  Int128 under() const { return under_; }
  bool is_zero() const { return over_ == 0; }

  friend Rational operator+(const Rational& a, const Rational& b) {
    return {sum(product(a.over_, b.under_), product(b.over_, a.under_)),
            product(a.under_, b.under_)};
  }
  friend Rational operator-(const Rational& a, const Rational& b) {
    return a + Rational(-b.over_, b.under_);
  }
  friend Rational operator*(const Rational& a, const Rational& b) {
    // Across first: the products of large fractions that cancel fit.
    const Rational left(a.over_, b.under_);
    const Rational right(b.over_, a.under_);
    return {product(left.over_, right.over_), product(left.under_, right.under_)};
  }
  friend Rational operator/(const Rational& a, const Rational& b) {
    return a * Rational(b.under_, b.over_);
  }
  friend bool operator==(const Rational&, const Rational&) = default;
  friend void PrintTo(const Rational& value, std::ostream* out) {
    *out << to_string(value.over_) << "/" << to_string(value.under_);
  }

 private:
  static Int128 product(Int128 a, Int128 b) {
    Int128 result = 0;
    if (__builtin_mul_overflow(a, b, &result)) throw std::overflow_error("a product");
    return result;
  }
  static Int128 sum(Int128 a, Int128 b) {
    Int128 result = 0;
    if (__builtin_add_overflow(a, b, &result)) throw std::overflow_error("a sum");
    return result;
  }

  Int128 over_ = 0;
  Int128 under_ = 1;
};

// 24 significant bits, and no exponent near f32's ends.
bool is_exact_in_f32(const Rational& value) {
  Int128 over = value.over() < 0 ? -value.over() : value.over();
  while (over != 0 && over % 2 == 0) over /= 2;
  const bool power_of_two = (value.under() & (value.under() - 1)) == 0;
  return power_of_two && value.under() <= Int128{1} << 64 && over < Int128{1} << 24;
}

double to_double(const Rational& value) {
  return static_cast<double>(value.over()) / static_cast<double>(value.under());
}

using Form = kernels::AxisForm;

ToomCook<Rational> exact_matrices(const Form& form) {
  return kernels::toom_cook(kernels::toom_points<Rational>(form.t()), form.m, form.r);
}

std::size_t at(int i) { return static_cast<std::size_t>(i); }

using Square = std::array<Polynomial<Rational>, kernels::kMostToomPoints>;

// left of t rows [k][..] times `inner` columns of them: sum over j of left[k][j] values[j].
template <class Rows>
Polynomial<Rational> times(const Rows& left, int rows, int inner,
                           const Polynomial<Rational>& values) {
  Polynomial<Rational> result{};
  for (int k = 0; k < rows; ++k) {
    for (int j = 0; j < inner; ++j)
      result[at(k)] = result[at(k)] + left[at(k)][at(j)] * values[at(j)];
  }
  return result;
}

template <class Rows>
Rows transposed(const Rows& rows) {
  Rows result{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) result[j][i] = rows[i][j];
  }
  return result;
}

// left values left^T.
Square both_ways(const Square& left, int rows, int inner, const Square& values) {
  Square half{};  // [column][row]
  const Square columns = transposed(values);
  for (int j = 0; j < inner; ++j) half[at(j)] = times(left, rows, inner, columns[at(j)]);
  half = transposed(half);
  Square result{};
  for (int i = 0; i < rows; ++i) result[at(i)] = times(left, rows, inner, half[at(i)]);
  return result;
}

// Correlation is linear in the kernel and in the input: these are all there is to try.
TEST(ToomCook, CorrelatesAllUnitVectorsExactly) {
  for (const Form& form : kernels::kWinogradForms) {
    const int t = form.t();
    const ToomCook<Rational> matrices = exact_matrices(form);
    for (int j = 0; j < form.r; ++j) {
      for (int k = 0; k < t; ++k) {
        Polynomial<Rational> g{};
        Polynomial<Rational> d{};
        g[at(j)] = Rational(1);
        d[at(k)] = Rational(1);
        const Polynomial<Rational> u = times(matrices.g, t, form.r, g);
        const Polynomial<Rational> v = times(matrices.b, t, t, d);
        Polynomial<Rational> products{};
        for (int f = 0; f < t; ++f) products[at(f)] = u[at(f)] * v[at(f)];
        const Polynomial<Rational> y = times(transposed(matrices.a), form.m, t, products);
        for (int i = 0; i < form.m; ++i) {
          EXPECT_EQ(y[at(i)], Rational(i + j == k ? 1 : 0))
              << "F(" << form.m << ", " << form.r << "), g " << j << ", d " << k << ", y " << i;
        }
      }
    }
  }
}

TEST(ToomCook, CorrelatesIntegersExactlyInTwoDimensions) {
  Random random(1);
  for (const Form& form : kernels::kWinogradForms) {
    const int t = form.t();
    const ToomCook<Rational> matrices = exact_matrices(form);
    Square g{};
    Square d{};
    for (int u = 0; u < form.r; ++u) {
      for (int v = 0; v < form.r; ++v) g[at(u)][at(v)] = Rational(random.between(-9, 9));
    }
    for (int u = 0; u < t; ++u) {
      for (int v = 0; v < t; ++v) d[at(u)][at(v)] = Rational(random.between(-9, 9));
    }
    Square products = both_ways(matrices.g, t, form.r, g);
    const Square in = both_ways(matrices.b, t, t, d);
    for (int p = 0; p < t; ++p) {
      for (int q = 0; q < t; ++q) {
        products[at(p)][at(q)] = products[at(p)][at(q)] * in[at(p)][at(q)];
      }
    }
    const Square y = both_ways(transposed(matrices.a), form.m, t, products);
    for (int i = 0; i < form.m; ++i) {
      for (int j = 0; j < form.m; ++j) {
        Rational expected;
        for (int u = 0; u < form.r; ++u) {
          for (int v = 0; v < form.r; ++v) {
            expected = expected + g[at(u)][at(v)] * d[at(i + u)][at(j + v)];
          }
        }
        EXPECT_EQ(y[at(i)][at(j)], expected)
            << "F(" << form.m << ", " << form.r << ") at " << i << ", " << j;
      }
    }
  }
}

// Then inputs and sums meet constants without rounding; the same matrices in double, which the
// transforms and the error model take, have no rounding either.
TEST(ToomCook, TransformsOfInputsAndSumsAreExactInF32) {
  for (const Form& form : kernels::kWinogradForms) {
    const int t = form.t();
    const ToomCook<Rational> exact = exact_matrices(form);
    const ToomCook<double> rounded =
        kernels::toom_cook(kernels::toom_points<double>(t), form.m, form.r);
    for (int k = 0; k < t; ++k) {
      for (int j = 0; j < t; ++j) {
        EXPECT_TRUE(is_exact_in_f32(exact.b[at(k)][at(j)])) << t << ", B " << k << ", " << j;
        EXPECT_EQ(rounded.b[at(k)][at(j)], to_double(exact.b[at(k)][at(j)]));
      }
      for (int i = 0; i < form.m; ++i) {
        EXPECT_TRUE(is_exact_in_f32(exact.a[at(k)][at(i)])) << t << ", A " << k << ", " << i;
        EXPECT_EQ(rounded.a[at(k)][at(i)], to_double(exact.a[at(k)][at(i)]));
      }
    }
  }
}

// The transforms of inputs start from the leading term without a product.
TEST(ToomCook, InputsHaveLeadingCoefficientsOfOne) {
  for (const Form& form : kernels::kWinogradForms) {
    const int infinity = form.t() - 1;
    const ToomCook<Rational> matrices = exact_matrices(form);
    for (int k = 0; k < infinity; ++k) {
      EXPECT_EQ(matrices.b[at(k)][at(infinity - 1)], Rational(1));
      EXPECT_TRUE(matrices.b[at(k)][at(infinity)].is_zero());
    }
    EXPECT_EQ(matrices.b[at(infinity)][at(infinity)], Rational(1));
  }
}

TEST(ToomPoints, AreZeroThenPairsThenAtMostOneSingle) {
  for (const Form& form : kernels::kWinogradForms) {
    const ToomPoints<Rational> points = kernels::toom_points<Rational>(form.t());
    EXPECT_EQ(points.count, form.t() - 1);
    EXPECT_TRUE(points.values[0].is_zero());
    for (int p = 0; p < points.pairs; ++p) {
      const Rational& positive = points.values[at(points.pair(p))];
      EXPECT_GT(positive.over(), 0);
      EXPECT_EQ(points.values[at(points.pair(p) + 1)], Rational(0) - positive);
    }
    EXPECT_LE(points.count - points.first_single(), 1);
    for (int k = 0; k < points.count; ++k) {
      for (int l = 0; l < k; ++l) EXPECT_NE(points.values[at(k)], points.values[at(l)]);
    }
  }
}

// What the two points of a pair share: N_a = (x + a) R and N_-a = (x - a) R.
TEST(ToomPoints, OfAPairShareTheProductOfTheOthers) {
  for (const Form& form : kernels::kWinogradForms) {
    const int t = form.t();
    const ToomPoints<Rational> points = kernels::toom_points<Rational>(t);
    const ToomCook<Rational> matrices = exact_matrices(form);
    for (int p = 0; p < points.pairs; ++p) {
      const int k = points.pair(p);
      const Polynomial<Rational> others = points.product_without(k, k + 1);
      EXPECT_EQ(others[at(t - 3)], Rational(1));
      for (int j = 0; j < t; ++j) {
        EXPECT_TRUE(is_exact_in_f32(others[at(j)])) << t << ", pair " << p;
        const Rational times_x = j > 0 ? others[at(j - 1)] : Rational(0);
        const Rational times_a = points.values[at(k)] * others[at(j)];
        EXPECT_EQ(matrices.b[at(k)][at(j)], times_x + times_a);
        EXPECT_EQ(matrices.b[at(k + 1)][at(j)], times_x - times_a);
      }
    }
  }
}

}  // namespace
}  // namespace plait::test
