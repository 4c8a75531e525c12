#include "rewrite/linear/products.hpp"

#include "rewrite/linear/eigen.hpp"

#include <Eigen/Core>

namespace plait::rewrite {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

Eigen::Map<const MatrixXd> map(const Matrix& matrix) {
  return {matrix.values.data(), matrix.rows, matrix.cols};
}
Eigen::Map<MatrixXd> map(Matrix& matrix) {
  return {matrix.values.data(), matrix.rows, matrix.cols};
}
Eigen::Map<const VectorXd> map(const std::vector<double>& values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

}  // namespace

double sum_of_squares(const std::vector<double>& values) { return map(values).squaredNorm(); }

double stable_norm(const std::vector<double>& values) { return map(values).stableNorm(); }

void write_product(const Matrix& a, const Matrix& b, Matrix& to) {
  to.resize(a.rows, b.cols);
  map(to).noalias() = map(a) * map(b);
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result;
  write_product(a, b, result);
  return result;
}

Matrix transposed_product(const Matrix& a, const Matrix& b) {
  Matrix result(a.cols, b.cols);
  map(result).noalias() = map(a).transpose() * map(b);
  return result;
}

}  // namespace plait::rewrite
