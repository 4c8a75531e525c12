#include "rewrite/decompose/plane.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <plait/error.hpp>

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

Plane ScaledKernel::plane(std::int64_t o, std::int64_t i) const {
  Plane plane(static_cast<int>(k_h), static_cast<int>(k_w));
  std::copy_n(at(o, i), taps(), plane.values.begin());
  return plane;
}

double tolerance_of(double epsilon, std::int64_t size) {
  constexpr double kUnits = 16;
  constexpr double kOfTheMethod = 4;
  return kUnits * epsilon + kOfTheMethod * std::sqrt(static_cast<double>(size)) *
                                std::numeric_limits<double>::epsilon();
}

Plane rounded(const Plane& plane, double epsilon) {
  Plane result = plane;
  if (epsilon == std::numeric_limits<double>::epsilon()) return result;
  for (double& value : result.values) value = double{static_cast<float>(value)};
  return result;
}

void stop_if(const std::atomic<bool>* cancel) {
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    throw Error(Status::cancelled, "cancelled while the kernel was decomposed");
  }
}

}  // namespace plait::rewrite
