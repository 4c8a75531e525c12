#include "rewrite/decompose/plane.hpp"

#include "rewrite/linear/products.hpp"

namespace plait::rewrite {

double norm(const std::vector<double>& values) { return stable_norm(values); }
double norm(const Plane& plane) { return norm(plane.values); }

Plane transposed(const Plane& plane) {
  Plane other(plane.cols, plane.rows);
  for (int i = 0; i < plane.rows; ++i) {
    for (int j = 0; j < plane.cols; ++j) other(j, i) = plane(i, j);
  }
  return other;
}

Plane full_convolution(const Plane& a, const Plane& b) {
  Plane product(a.rows + b.rows - 1, a.cols + b.cols - 1);
  for (int i = 0; i < a.rows; ++i) {
    for (int j = 0; j < a.cols; ++j) {
      for (int u = 0; u < b.rows; ++u) {
        for (int v = 0; v < b.cols; ++v) product(i + u, j + v) += a(i, j) * b(u, v);
      }
    }
  }
  return product;
}

Matrix matrix_of(const Plane& plane) {
  Matrix matrix(plane.rows, plane.cols);
  for (int i = 0; i < plane.rows; ++i) {
    for (int j = 0; j < plane.cols; ++j) matrix(i, j) = plane(i, j);
  }
  return matrix;
}

}  // namespace plait::rewrite
