// Most matrices have full rank, and a Cholesky factorisation of a part of them shows it. The others
// are compressed to little more than their rank, which a singular value decomposition then finds.
#include "analysis/algebra/inspect/thin.hpp"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>

#include <plait/error.hpp>

#include "core/random.hpp"

namespace plait::inspecting {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Of a matrix of rank <= limit every limit + 1 rows are dependent, and rounding makes pivots of
// their Gram matrix of some 1e-15 of the largest. Above this, they are independent.
constexpr double kIndependent = 1e-10;

constexpr Index kBlock = 32;  // samples at a time

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

MatrixXd orthonormal(const MatrixXd& columns) {
  return Eigen::HouseholderQR<MatrixXd>(columns).householderQ() *
         MatrixXd::Identity(columns.rows(), columns.cols());
}

struct Compressed {
  MatrixXd q;
  MatrixXd b;
};

// q b = matrix, but for `left` in the Frobenius norm, by random samples of the columns' space, a
// block at a time until that is all that is left (Martinsson and Voronin, "A randomized blocked
// algorithm", 2016). Nothing if a block more than `limit` columns do not suffice.
std::optional<Compressed> compressed(const MatrixXd& matrix, Index limit, double left,
                                     const std::atomic<bool>* cancel) {
  const Index most = std::min({limit + kBlock, matrix.rows(), matrix.cols()});
  MatrixXd rest = matrix;
  MatrixXd q(matrix.rows(), most);
  MatrixXd b(most, matrix.cols());
  Random random(1);
  for (Index size = 0;;) {
    stop_if(cancel);
    if (rest.norm() <= left) return Compressed{q.leftCols(size), b.topRows(size)};
    const Index width = std::min(kBlock, most - size);
    if (width == 0) return std::nullopt;
    MatrixXd sample(matrix.cols(), width);
    for (double& value : sample.reshaped()) value = random.normal();
    MatrixXd columns = rest * sample;
    const auto before = q.leftCols(size);
    const MatrixXd along = before.transpose() * columns;  // what rounding left there
    columns -= before * along;
    const MatrixXd block = orthonormal(columns);
    const MatrixXd shares = block.transpose() * rest;
    rest -= block * shares;
    q.middleCols(size, width) = block;
    b.middleRows(size, width) = shares;
    size += width;
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
  // What is negligible lies in all directions, and the samples meet a little more of it.
  const auto thin = compressed(matrix, limit, 4 * negligible, cancel);
  if (!thin) return std::nullopt;
  if (thin->q.cols() == 0) return ThinProduct{MatrixXd(matrix.rows(), 0), thin->b};
  const MatrixXd q = orthonormal(thin->q);
  const MatrixXd shares = (q.transpose() * thin->q) * thin->b;
  const Eigen::BDCSVD<MatrixXd> svd(shares, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const VectorXd& values = svd.singularValues();
  const Index rank = std::count_if(values.begin(), values.end(),
                                   [negligible](double value) { return value > negligible; });
  if (rank > limit) return std::nullopt;
  const VectorXd roots = values.head(rank).cwiseSqrt() * std::ldexp(1.0, half);
  return ThinProduct{q * (svd.matrixU().leftCols(rank) * roots.asDiagonal()),
                     roots.asDiagonal() * svd.matrixV().leftCols(rank).transpose()};
}

double work_to_refuse(std::int64_t rows, std::int64_t columns, std::int64_t limit) {
  const auto taken = static_cast<double>(std::min(limit + 1, rows));
  return taken * taken * (static_cast<double>(columns) / 2 + taken / 6);
}

}  // namespace plait::inspecting
