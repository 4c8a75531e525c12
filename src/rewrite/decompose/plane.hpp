// Kernels of one channel, which are polynomials in two variables and matrices, too.
#pragma once

#include <cstddef>
#include <vector>

#include "rewrite/linear/matrix.hpp"

namespace plait::rewrite {

// rows x cols, row by row. As a polynomial, (i, j) is the coefficient of x^i y^j.
struct Plane {
  int rows = 0;
  int cols = 0;
  std::vector<double> values;

  Plane() = default;
  Plane(int rows_, int cols_)
      : rows(rows_), cols(cols_), values(static_cast<std::size_t>(rows_) * std::size_t(cols_)) {}

  double& operator()(int i, int j) { return values[at(i, j)]; }
  double operator()(int i, int j) const { return values[at(i, j)]; }
  int size() const { return rows * cols; }

 private:
  std::size_t at(int i, int j) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(cols) +
           static_cast<std::size_t>(j);
  }
};

// The square root of the sum of the squares (Frobenius).
double norm(const Plane& plane);
double norm(const std::vector<double>& values);
Plane transposed(const Plane& plane);

// The kernel of two layers in a row; the product of two polynomials.
Plane full_convolution(const Plane& a, const Plane& b);

Matrix matrix_of(const Plane& plane);

}  // namespace plait::rewrite
