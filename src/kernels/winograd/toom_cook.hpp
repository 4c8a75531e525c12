// The Toom-Cook construction of short correlations: m outputs of an r-tap correlation from
// t = m + r - 1 products instead of m r.
//
//   y_i = sum over j < r of g_j d_{i + j},  i < m   equals   A^T ((G g) . (B^T d))
//
// Choose t - 1 points a_k, and infinity as the last. The polynomials g(x) and h(x) of r and m
// coefficients are multiplied by their values at the points; what gives their coefficients back is
// the inverse of the Vandermonde matrix: row k of it holds the Lagrange polynomial
// N_k(x) / N_k(a_k), N_k(x) = product over l != k of (x - a_l), and for infinity all of the
// product. Correlation is the transpose of multiplication by g. So
//   A^T [i][k] = a_k^i              of infinity: 1 at i = m - 1
//   G   [k][j] = a_k^j / N_k(a_k)   of infinity: 1 at j = r - 1
//   B^T [k]    = the coefficients of N_k, 1 the leading one
// With dyadic points A and B are exact in f32; the divisions are all in G, which weights meet once.
// Sources: Toom 1963; Winograd 1980, Arithmetic Complexity of Computations, for the transposition;
// Lavin, Gray 2016, Fast Algorithms for Convolutional Neural Networks, for its use.
#pragma once

#include <array>
#include <cstddef>

namespace plait::kernels {

inline constexpr int kMostToomPoints = 8;  // t of any form

// Coefficients from that of x^0 on.
template <class Scalar>
using Polynomial = std::array<Scalar, kMostToomPoints>;

// Finite points in the order that the transforms rely on: 0, pairs a and -a, then single ones.
template <class Scalar>
struct ToomPoints {
  std::array<Scalar, kMostToomPoints> values{};
  int count = 0;  // t - 1
  int pairs = 0;

  constexpr int pair(int p) const { return 1 + 2 * p; }  // index of its positive point
  constexpr int first_single() const { return 1 + 2 * pairs; }

  // The product of (x - a) over all points but two; negative: over all but one, or over all.
  constexpr Polynomial<Scalar> product_without(int skipped, int also_skipped = -1) const {
    Polynomial<Scalar> product{};
    product[0] = Scalar(1);
    int degree = 0;
    for (int k = 0; k < count; ++k) {
      if (k == skipped || k == also_skipped) continue;
      const Scalar a = values[static_cast<std::size_t>(k)];
      ++degree;
      for (int j = degree; j >= 0; --j) {
        const auto at = static_cast<std::size_t>(j);
        const Scalar below = j > 0 ? product[at - 1] : Scalar(0);
        product[at] = below - a * product[at];
      }
    }
    return product;
  }
};

template <class Scalar>
constexpr Scalar value_at(const Polynomial<Scalar>& polynomial, Scalar x) {
  Scalar value(0);
  for (std::size_t j = polynomial.size(); j-- > 0;) value = value * x + polynomial[j];
  return value;
}

template <class Scalar>
constexpr Scalar power(Scalar x, int exponent) {
  Scalar result(1);
  for (int i = 0; i < exponent; ++i) result = result * x;
  return result;
}

// Row k of each is for point k; the last one, of `points.count`, for infinity.
template <class Scalar>
struct ToomCook {
  using Row = std::array<Scalar, kMostToomPoints>;
  std::array<Row, kMostToomPoints> a{};  // [k][i], i < m: A
  std::array<Row, kMostToomPoints> b{};  // [k][j], j < t: B^T
  std::array<Row, kMostToomPoints> g{};  // [k][j], j < r: G
};

template <class Scalar>
constexpr ToomCook<Scalar> toom_cook(const ToomPoints<Scalar>& points, int m, int r) {
  ToomCook<Scalar> matrices;
  for (int k = 0; k < points.count; ++k) {
    const auto row = static_cast<std::size_t>(k);
    const Scalar x = points.values[row];
    const Polynomial<Scalar> others = points.product_without(k);
    const Scalar scale = value_at(others, x);
    matrices.b[row] = others;
    for (int i = 0; i < m; ++i) matrices.a[row][static_cast<std::size_t>(i)] = power(x, i);
    for (int j = 0; j < r; ++j) matrices.g[row][static_cast<std::size_t>(j)] = power(x, j) / scale;
  }
  const auto infinity = static_cast<std::size_t>(points.count);
  matrices.b[infinity] = points.product_without(-1);
  matrices.a[infinity][static_cast<std::size_t>(m - 1)] = Scalar(1);
  matrices.g[infinity][static_cast<std::size_t>(r - 1)] = Scalar(1);
  return matrices;
}

// The points of a form with t = m + r - 1, as multiples of 1/16: found by tools/toom_points.py.
template <class Scalar>
constexpr ToomPoints<Scalar> toom_points(int t) {
  ToomPoints<Scalar> points;
  const auto add = [&points](int sixteenths) {
    points.values[static_cast<std::size_t>(points.count++)] = Scalar(sixteenths) / Scalar(16);
  };
  const auto add_pair = [&](int sixteenths) {
    add(sixteenths);
    add(-sixteenths);
    ++points.pairs;
  };
  add(0);
  switch (t) {
    case 4:
      add_pair(16);
      break;
    case 6:
      add_pair(11);
      add_pair(24);
      break;
    case 7:
      add_pair(14);
      add_pair(30);
      add(6);
      break;
    case 8:
      add_pair(8);
      add_pair(16);
      add_pair(32);
      break;
    default:
      break;
  }
  return points;
}

}  // namespace plait::kernels
