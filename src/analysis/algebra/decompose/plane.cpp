#include "analysis/algebra/decompose/plane.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

namespace plait::decomposing {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int kSmall = 16;  // up to here Jacobi's method is the faster one, and more exact

Plane plane_of(const Matrix& matrix) {
  Plane plane(static_cast<int>(matrix.rows()), static_cast<int>(matrix.cols()));
  std::copy_n(matrix.data(), matrix.size(), plane.values.begin());
  return plane;
}

// The largest value of each left vector positive; the first one of those that are as large.
void fix_signs(Matrix& left, Matrix& right) {
  constexpr double kAsLarge = 1 - 1e-9;
  for (Eigen::Index r = 0; r < left.cols(); ++r) {
    const double largest = left.col(r).cwiseAbs().maxCoeff();
    Eigen::Index i = 0;
    while (std::abs(left(i, r)) < kAsLarge * largest) ++i;
    if (left(i, r) >= 0) continue;
    left.col(r) *= -1;
    right.col(r) *= -1;
  }
}

template <class Solver>
Svd solve(const Eigen::MatrixXd& matrix, bool vectors, const Eigen::MatrixXd* basis = nullptr) {
  const unsigned wanted = vectors ? Eigen::ComputeThinU | Eigen::ComputeThinV : 0U;
  const Solver solver(matrix, wanted);
  Svd result;
  result.values.assign(solver.singularValues().data(),
                       solver.singularValues().data() + solver.singularValues().size());
  if (!vectors) return result;
  Matrix left = basis == nullptr ? Matrix(solver.matrixU()) : Matrix(*basis * solver.matrixU());
  Matrix right = solver.matrixV();
  fix_signs(left, right);
  result.left = plane_of(left);
  result.right = plane_of(right);
  return result;
}

}  // namespace

double norm(const std::vector<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()))
      .stableNorm();
}
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

Svd svd(const Plane& matrix, bool vectors) {
  if (matrix.rows < matrix.cols) {
    Svd other = svd(transposed(matrix), vectors);
    std::swap(other.left, other.right);
    if (vectors) {
      Matrix left = Eigen::Map<Matrix>(other.left.values.data(), other.left.rows, other.left.cols);
      Matrix right =
          Eigen::Map<Matrix>(other.right.values.data(), other.right.rows, other.right.cols);
      fix_signs(left, right);
      other.left = plane_of(left);
      other.right = plane_of(right);
    }
    return other;
  }
  const Eigen::MatrixXd a =
      Eigen::Map<const Matrix>(matrix.values.data(), matrix.rows, matrix.cols);
  if (matrix.cols <= kSmall && matrix.rows <= kSmall) {
    return solve<Eigen::JacobiSVD<Eigen::MatrixXd>>(a, vectors);
  }
  if (matrix.rows < 2 * matrix.cols) return solve<Eigen::BDCSVD<Eigen::MatrixXd>>(a, vectors);
  // Tall: that of the triangle R of QR, which is square.
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(a);
  const Eigen::MatrixXd triangle =
      qr.matrixQR().topRows(matrix.cols).triangularView<Eigen::Upper>();
  Eigen::MatrixXd basis;
  if (vectors) basis = qr.householderQ() * Eigen::MatrixXd::Identity(matrix.rows, matrix.cols);
  if (matrix.cols <= kSmall) {
    return solve<Eigen::JacobiSVD<Eigen::MatrixXd>>(triangle, vectors, &basis);
  }
  return solve<Eigen::BDCSVD<Eigen::MatrixXd>>(triangle, vectors, &basis);
}

}  // namespace plait::decomposing
