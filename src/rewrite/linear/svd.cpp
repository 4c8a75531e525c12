#include "rewrite/linear/svd.hpp"

#include "rewrite/linear/eigen.hpp"

#include <Eigen/QR>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>
#include <utility>

namespace plait::rewrite {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using MatrixByRows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr Index kSmall = 16;  // up to here Jacobi's method is the faster one, and more exact

Eigen::Map<const MatrixXd> map(const Matrix& matrix) {
  return {matrix.values.data(), matrix.rows, matrix.cols};
}

Matrix matrix_of(const MatrixXd& from) {
  Matrix matrix(from.rows(), from.cols());
  std::copy_n(from.data(), from.size(), matrix.values.begin());
  return matrix;
}

template <class Solver>
Svd taken(const Solver& solver, bool vectors) {
  const VectorXd& values = solver.singularValues();
  Svd result{{values.data(), values.data() + values.size()}, {}, {}};
  if (!vectors) return result;
  result.left = matrix_of(solver.matrixU());
  result.right = matrix_of(solver.matrixV());
  return result;
}

unsigned wanted(bool vectors) { return vectors ? Eigen::ComputeThinU | Eigen::ComputeThinV : 0U; }

Svd by_rotations(const MatrixXd& matrix, bool vectors) {
  return taken(Eigen::JacobiSVD<MatrixXd>(matrix, wanted(vectors)), vectors);
}
Svd by_halves(const MatrixXd& matrix, bool vectors) {
  return taken(Eigen::BDCSVD<MatrixXd>(matrix, wanted(vectors)), vectors);
}

MatrixXd basis_of(const Eigen::HouseholderQR<MatrixXd>& qr) {
  return qr.householderQ() * MatrixXd::Identity(qr.rows(), qr.cols());
}

// The decomposition of a matrix that has at least as many rows as columns.
Svd svd_by_shape(const MatrixXd& matrix, bool vectors) {
  const bool small = matrix.cols() <= kSmall;
  if (small && matrix.rows() <= kSmall) return by_rotations(matrix, vectors);
  if (matrix.rows() < 2 * matrix.cols()) return by_halves(matrix, vectors);
  // A tall matrix has the singular values of the square triangle R of its QR decomposition.
  const Eigen::HouseholderQR<MatrixXd> qr(matrix);
  const MatrixXd triangle = qr.matrixQR().topRows(matrix.cols()).triangularView<Eigen::Upper>();
  Svd result = small ? by_rotations(triangle, vectors) : by_halves(triangle, vectors);
  if (vectors) {
    const MatrixByRows left = basis_of(qr) * map(result.left);
    result.left = matrix_of(left);
  }
  return result;
}

// Makes the largest value of each left vector positive, the first one of several that are as large.
void fix_signs(Matrix& left, Matrix& right) {
  constexpr double kAsLarge = 1 - 1e-9;
  const auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
  for (std::int64_t r = 0; r < left.cols; ++r) {
    double* vector = left.column(r);
    const double largest = std::abs(*std::max_element(vector, vector + left.rows, smaller));
    const double* first = vector;
    while (std::abs(*first) < kAsLarge * largest) ++first;
    if (*first >= 0) continue;
    for (std::int64_t i = 0; i < left.rows; ++i) vector[i] *= -1;
    vector = right.column(r);
    for (std::int64_t i = 0; i < right.rows; ++i) vector[i] *= -1;
  }
}

}  // namespace

Svd svd(const Matrix& matrix, bool vectors) {
  stop_if_cancelled();
  const bool wide = matrix.rows < matrix.cols;
  const MatrixXd tall = wide ? MatrixXd(map(matrix).transpose()) : MatrixXd(map(matrix));
  Svd result = svd_by_shape(tall, vectors);
  if (wide) std::swap(result.left, result.right);
  if (vectors) fix_signs(result.left, result.right);
  return result;
}

Svd svd_by_halves(const Matrix& matrix) {
  stop_if_cancelled();
  return by_halves(map(matrix), true);
}

Matrix orthonormal(const Matrix& columns) {
  return matrix_of(basis_of(Eigen::HouseholderQR<MatrixXd>(map(columns))));
}

std::vector<double> least_squares(const Matrix& matrix, const std::vector<double>& wanted) {
  const Eigen::Map<const VectorXd> right(wanted.data(), static_cast<Index>(wanted.size()));
  const VectorXd solved = map(matrix).colPivHouseholderQr().solve(VectorXd(right));
  return {solved.data(), solved.data() + solved.size()};
}

}  // namespace plait::rewrite
