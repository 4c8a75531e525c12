// Most matrices have full rank, and a Cholesky factorisation of a part of them shows it. The others
// are compressed to an orthonormal basis of their columns, which a singular value decomposition
// then reduces to their rank.
#include "analysis/algebra/inspect_thin.hpp"

#include <Eigen/Cholesky>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>

#include <plait/error.hpp>

namespace plait::inspecting {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Of a matrix of rank <= limit every limit + 1 rows are dependent, and rounding makes pivots of
// their Gram matrix of some 1e-15 of the largest. Above this, they are independent.
constexpr double kIndependent = 1e-10;

void stop_if(const std::atomic<bool>* cancel) {
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    throw Error(Status::cancelled, "cancelled while the rank of a kernel was looked for");
  }
}

// Whether limit + 1 evenly spread rows are independent: then so many are the rank at least.
bool surely_above(const MatrixXd& matrix, Index limit) {
  MatrixXd rows(limit + 1, matrix.cols());
  for (Index i = 0; i <= limit; ++i) rows.row(i) = matrix.row(i * matrix.rows() / (limit + 1));
  MatrixXd gram = MatrixXd::Zero(limit + 1, limit + 1);
  gram.selfadjointView<Eigen::Lower>().rankUpdate(rows);
  const double largest = gram.diagonal().maxCoeff();
  const Eigen::LLT<MatrixXd, Eigen::Lower> cholesky(gram);
  if (cholesky.info() != Eigen::Success) return false;
  const double pivot = cholesky.matrixLLT().diagonal().minCoeff();
  return pivot * pivot > kIndependent * largest;
}

// An orthonormal basis of the columns, one for each of the columns farthest from those before
// (Gram-Schmidt with pivots, each made orthogonal twice), until no more than `left` is left of the
// matrix in the Frobenius norm. Nothing if that takes more than `limit`.
std::optional<MatrixXd> basis_of(const MatrixXd& matrix, Index limit, double left,
                                 const std::atomic<bool>* cancel) {
  MatrixXd rest = matrix;
  MatrixXd q(matrix.rows(), limit);
  for (Index rank = 0;; ++rank) {
    stop_if(cancel);
    const VectorXd lengths = rest.colwise().squaredNorm();
    if (lengths.sum() <= left * left) return q.leftCols(rank);
    if (rank == limit) return std::nullopt;
    Index farthest = 0;
    lengths.maxCoeff(&farthest);
    VectorXd direction = rest.col(farthest).normalized();
    const auto before = q.leftCols(rank);
    const VectorXd along = before.transpose() * direction;
    direction -= before * along;
    direction.normalize();
    const Eigen::RowVectorXd shares = direction.transpose() * rest;
    rest -= direction * shares;
    q.col(rank) = direction;
  }
}

}  // namespace

std::optional<ThinProduct> thin_product(MatrixXd matrix, std::int64_t limit, double rounding,
                                        const std::atomic<bool>* cancel) {
  stop_if(cancel);
  if (limit < 1) return std::nullopt;
  // By a power of 4, so that squares stay in range and both factors get half of it back, exactly.
  const double largest = matrix.cwiseAbs().maxCoeff();
  const int half = largest > 0 ? std::ilogb(largest) / 2 : 0;
  matrix *= std::ldexp(1.0, -half);
  matrix *= std::ldexp(1.0, -half);
  const double negligible = rounding * matrix.norm();
  if (surely_above(matrix, limit)) return std::nullopt;
  // What is negligible may lie in any directions, and greedy pivots meet a little more of it.
  const auto q = basis_of(matrix, limit, 4 * negligible, cancel);
  if (!q) return std::nullopt;
  if (q->cols() == 0) return ThinProduct{MatrixXd(matrix.rows(), 0), MatrixXd(0, matrix.cols())};
  const MatrixXd shares = q->transpose() * matrix;
  const Eigen::BDCSVD<MatrixXd> svd(shares, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const VectorXd& values = svd.singularValues();
  const Index rank = std::count_if(values.begin(), values.end(),
                                   [negligible](double value) { return value > negligible; });
  const VectorXd roots = values.head(rank).cwiseSqrt() * std::ldexp(1.0, half);
  return ThinProduct{*q * (svd.matrixU().leftCols(rank) * roots.asDiagonal()),
                     roots.asDiagonal() * svd.matrixV().leftCols(rank).transpose()};
}

double work_to_refuse(std::int64_t rows, std::int64_t columns, std::int64_t limit) {
  const auto taken = static_cast<double>(std::min(limit + 1, rows));
  return taken * taken * (static_cast<double>(columns) / 2 + taken / 6);
}

}  // namespace plait::inspecting
