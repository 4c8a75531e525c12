#include "rewrite/decompose/irreducible.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

// R(f): a column per coefficient of g, then of h; a row per coefficient of x^(2m-1) y^(2n-1).
Matrix ruppert_matrix(const Plane& f) {
  const int m = f.rows - 1;
  const int n = f.cols - 1;
  const int width = 2 * n;
  Matrix matrix(std::int64_t{2} * m * width,
                std::int64_t{m} * (n + 1) + std::int64_t{m + 1} * (n - 1));
  int column = 0;
  for (int i = 0; i < m; ++i) {  // g = x^i y^j: f g_y - g f_y
    for (int j = 0; j <= n; ++j, ++column) {
      for (int a = 0; a <= m; ++a) {
        for (int b = 0; b <= n; ++b) {
          if (j != b) matrix((a + i) * width + b + j - 1, column) = (j - b) * f(a, b);
        }
      }
    }
  }
  for (int i = 0; i <= m; ++i) {  // h = x^i y^j: h f_x - f h_x
    for (int j = 0; j <= n - 2; ++j, ++column) {
      for (int a = 0; a <= m; ++a) {
        for (int b = 0; b <= n; ++b) {
          if (a != i) matrix((a + i - 1) * width + b + j, column) = (a - i) * f(a, b);
        }
      }
    }
  }
  return matrix;
}

// The largest ||R(e)|| (Frobenius) for ||e|| = 1: every coefficient stands in each column once.
double norm_per_norm(int m, int n) {
  double largest = 0;
  for (int a = 0; a <= m; ++a) {
    for (int b = 0; b <= n; ++b) {
      double sum = 0;
      for (int j = 0; j <= n; ++j) sum += m * (j - b) * (j - b);
      for (int i = 0; i <= m; ++i) sum += (n - 1) * (a - i) * (a - i);
      largest = std::max(largest, sum);
    }
  }
  return std::sqrt(largest);
}

// Whether c_0 + c_1 x + ..., known within `error` in [-1, 1], has no root in [low, high] of it.
bool never_zero_in(const std::vector<double>& c, double error, double low, double high,
                   int most_halvings) {
  const double middle = (low + high) / 2;
  const double radius = (high - low) / 2;
  const double reach = std::min(1.0, std::abs(middle) + radius);
  double value = 0;
  double slope = 0;  // the derivative is nowhere larger
  double size = 0;   // bounds the rounding of `value`
  for (std::size_t i = c.size(); i-- > 0;) {
    slope = slope * reach + size;
    value = value * middle + c[i];
    size = size * reach + std::abs(c[i]);
  }
  const double rounding = 4 * kEpsilon * static_cast<double>(c.size()) * size;
  if (std::abs(value) > radius * slope + rounding + error) return true;
  return most_halvings > 0 && never_zero_in(c, error, low, middle, most_halvings - 1) &&
         never_zero_in(c, error, middle, high, most_halvings - 1);
}

// Whether f(x, y), its coefficients known within the tolerance, has no root x on the line of that
// y.
bool never_zero_on_line(const Plane& f, double y, double tolerance) {
  std::vector<double> c(static_cast<std::size_t>(f.rows));
  double size = 0;
  for (int i = 0; i < f.rows; ++i) {
    double sum = 0;
    double absolute = 0;
    for (int j = f.cols; j-- > 0;) {
      sum = sum * y + f(i, j);
      absolute = absolute * std::abs(y) + std::abs(f(i, j));
    }
    c[static_cast<std::size_t>(i)] = sum;
    size += absolute;
  }
  return never_zero(c, (tolerance + 4 * kEpsilon * f.cols) * size);
}

bool has_line_without_zero(const Plane& f, double tolerance) {
  if (f.rows % 2 == 0) return false;  // an odd degree always has a root
  for (const double y : {1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.25, -0.25}) {
    if (never_zero_on_line(f, y, tolerance)) return true;
  }
  return false;
}

}  // namespace

Irreducibility irreducibility(const Plane& f, double tolerance) {
  const int m = f.rows - 1;
  const int n = f.cols - 1;
  const Matrix matrix = ruppert_matrix(f);
  const Svd parts = svd(matrix, true);
  const double per_distance = norm_per_norm(m, n) * norm(f);
  Irreducibility found;
  found.columns = static_cast<int>(matrix.cols);
  found.largest = parts.values.front();
  // The entries were rounded once; the decomposition is exact for a matrix as near as this.
  const double rounding = 4 * kEpsilon * static_cast<double>(matrix.rows) * found.largest;
  found.smallest = std::max(0.0, parts.values.back() - rounding);
  found.distance = found.smallest / per_distance;
  for (int k = found.columns; k-- > 0;) {
    if (parts.values[static_cast<std::size_t>(k)] > rounding + tolerance * per_distance) break;
    ++found.nullity;
    Plane g(m, n + 1);
    Plane h(m + 1, std::max(0, n - 1));
    int row = 0;
    for (double& value : g.values) value = parts.right(row++, k);
    for (double& value : h.values) value = parts.right(row++, k);
    found.g.push_back(std::move(g));
    found.h.push_back(std::move(h));
  }
  return found;
}

bool never_zero(const std::vector<double>& coefficients, double error) {
  constexpr int kMostHalvings = 12;
  if (std::abs(coefficients.back()) <= error) return false;  // perhaps a root at infinity
  // What is outside of [-1, 1] is brought into it by x -> 1 / x.
  const std::vector<double> reversed(coefficients.rbegin(), coefficients.rend());
  return never_zero_in(coefficients, error, -1, 1, kMostHalvings) &&
         never_zero_in(reversed, error, -1, 1, kMostHalvings);
}

EvenDegrees even_degrees(const Plane& f, double tolerance) {
  return {has_line_without_zero(f, tolerance), has_line_without_zero(transposed(f), tolerance)};
}

}  // namespace plait::rewrite
