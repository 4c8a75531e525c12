#include "rewrite/linear/solve.hpp"

#include "rewrite/linear/eigen.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <cstddef>

#include "rewrite/linear/products.hpp"

namespace plait::rewrite {
namespace {

using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXcd;
using Eigen::VectorXd;

using Complexes = std::vector<std::complex<double>>;

Eigen::Map<const MatrixXd> map(const Matrix& matrix) {
  return {matrix.values.data(), matrix.rows, matrix.cols};
}
Eigen::Map<const VectorXd> map(const std::vector<double>& values) {
  return {values.data(), static_cast<Index>(values.size())};
}

template <class Vector>
std::vector<typename Vector::Scalar> values_of(const Vector& vector) {
  return {vector.data(), vector.data() + vector.size()};
}

}  // namespace

bool independent_rows(const Matrix& rows, double share) {
  MatrixXd gram = MatrixXd::Zero(rows.rows, rows.rows);
  gram.selfadjointView<Eigen::Lower>().rankUpdate(map(rows));
  const double largest = gram.diagonal().maxCoeff();
  const Eigen::LLT<MatrixXd, Eigen::Lower> cholesky(gram);
  if (cholesky.info() != Eigen::Success) return false;
  const double pivot = cholesky.matrixLLT().diagonal().minCoeff();
  return pivot * pivot > share * largest;
}

Complexes zeros_of(const std::vector<double>& c) {
  const auto degree = static_cast<Index>(c.size());
  MatrixXd companion = MatrixXd::Zero(degree, degree);
  companion.diagonal(-1).setOnes();
  companion.col(degree - 1) = -map(c);
  const Eigen::EigenSolver<MatrixXd> solver(companion, false);
  return values_of(solver.eigenvalues());
}

Complexes smallest_solution(const std::vector<Complexes>& rows, const Complexes& wanted) {
  MatrixXcd matrix(static_cast<Index>(rows.size()), static_cast<Index>(rows[0].size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows[i].size(); ++j) {
      matrix(static_cast<Index>(i), static_cast<Index>(j)) = rows[i][j];
    }
  }
  const Eigen::Map<const VectorXcd> right(wanted.data(), static_cast<Index>(wanted.size()));
  return values_of(VectorXcd(matrix.completeOrthogonalDecomposition().solve(VectorXcd(right))));
}

NormalEquations normal_equations(const Matrix& j, const std::vector<double>& r) {
  return {transposed_product(j, j), values_of(VectorXd(map(j).transpose() * map(r)))};
}

std::vector<double> damped_step(const NormalEquations& equations, double damping) {
  MatrixXd damped = map(equations.matrix);
  damped.diagonal().array() += damping;
  return values_of(VectorXd(damped.ldlt().solve(-map(equations.right))));
}

}  // namespace plait::rewrite
