// Kernels to decompose: one channel's, which is a polynomial in two variables and a matrix too, and
// those of a layer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/tensor.hpp>

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

// A layer's kernels in f64, scaled so that no square of a value leaves the range.
struct ScaledKernel {
  std::int64_t c_o = 1;
  std::int64_t c_i = 1;  // input channels per group
  std::int64_t k_h = 1;
  std::int64_t k_w = 1;
  std::int64_t groups = 1;
  int exponent = 0;            // the given values are these times 2^exponent
  double epsilon = 0;          // between 1 and the next number of the given type
  std::vector<double> values;  // the largest in [0.5, 1), or all zero

  std::int64_t outputs() const { return c_o / groups; }  // per group
  std::int64_t taps() const { return k_h * k_w; }
  bool one_channel() const { return c_o == 1 && c_i == 1; }
  const double* at(std::int64_t o, std::int64_t i) const {
    return values.data() + (o * c_i + i) * taps();
  }
  Plane plane(std::int64_t o, std::int64_t i) const;
};

// The singular values that rounding explains, as a share of the largest or of the norm: 16 units of
// rounding, a few for each value given. To this comes the error of the decomposition itself, for
// matrices of so many rows or columns.
double tolerance_of(double epsilon, std::int64_t size);

// The nearest values of the type with this epsilon.
Plane rounded(const Plane& plane, double epsilon);

void stop_if(const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
