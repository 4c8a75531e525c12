// Most matrices have full rank, and a Cholesky factorisation of a part of them shows it. The others
// are compressed to little more than their rank, which a singular value decomposition then finds.
#include "rewrite/inspect/thin.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include <plait/error.hpp>

#include "core/random.hpp"
#include "rewrite/linear/products.hpp"
#include "rewrite/linear/solve.hpp"
#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {
namespace {

// Any limit + 1 rows of a matrix of rank <= limit are dependent: rounding leaves pivots of their
// Gram matrix that are some 1e-15 of the largest. Rows whose pivots are all above this are
// independent.
constexpr double kIndependent = 1e-10;

constexpr std::int64_t kBlock = 32;  // samples at a time

void stop_if(const std::atomic<bool>* cancel) {
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    throw Error(Status::cancelled, "cancelled while the rank of a kernel was looked for");
  }
}

double norm(const Matrix& matrix) { return std::sqrt(sum_of_squares(matrix.values)); }

void subtract(const Matrix& other, Matrix& from) {
  for (std::size_t i = 0; i < from.values.size(); ++i) from.values[i] -= other.values[i];
}

// Whether limit + 1 evenly spread rows are independent, which shows that the rank is above the
// limit.
bool surely_above(const Matrix& matrix, std::int64_t limit) {
  Matrix rows(limit + 1, matrix.cols);
  for (std::int64_t j = 0; j < rows.cols; ++j) {
    for (std::int64_t i = 0; i < rows.rows; ++i)
      rows(i, j) = matrix(i * matrix.rows / rows.rows, j);
  }
  return independent_rows(rows, kIndependent);
}

struct Compressed {
  Matrix q;
  Matrix b;
};

// Adds columns to q and as many rows to b.
void append(const Matrix& columns, const Matrix& rows, Compressed& to) {
  to.q.values.insert(to.q.values.end(), columns.values.begin(), columns.values.end());
  to.q.cols += columns.cols;
  Matrix b(to.b.rows + rows.rows, rows.cols);
  for (std::int64_t j = 0; j < b.cols; ++j) {
    std::copy_n(to.b.column(j), to.b.rows, b.column(j));
    std::copy_n(rows.column(j), rows.rows, b.column(j) + to.b.rows);
  }
  to.b = std::move(b);
}

// q and b whose product is the matrix but for a rest of the Frobenius norm `left`, by random
// samples of the space of its columns, one block after another (Martinsson and Voronin, "A
// randomized blocked algorithm", 2016). Nothing if one block more than `limit` columns does not
// suffice.
std::optional<Compressed> compressed(const Matrix& matrix, std::int64_t limit, double left,
                                     const std::atomic<bool>* cancel) {
  const std::int64_t most = std::min({limit + kBlock, matrix.rows, matrix.cols});
  Matrix rest = matrix;
  Compressed found{Matrix(matrix.rows, 0), Matrix(0, matrix.cols)};
  Random random(1);
  for (;;) {
    stop_if(cancel);
    if (norm(rest) <= left) return found;
    const std::int64_t width = std::min(kBlock, most - found.q.cols);
    if (width == 0) return std::nullopt;
    Matrix sample(matrix.cols, width);
    for (double& value : sample.values) value = random.normal();
    Matrix columns = product(rest, sample);
    const Matrix along = transposed_product(found.q, columns);
    subtract(product(found.q, along), columns);  // what rounding left there
    const Matrix block = orthonormal(columns);
    const Matrix shares = transposed_product(block, rest);
    subtract(product(block, shares), rest);
    append(block, shares, found);
  }
}

// The product left diag(values) right^T of the singular values above `negligible`, whose square
// roots go to each factor. Nothing if there are more than `limit` of them.
std::optional<ThinProduct> largest_of(const Svd& svd, double negligible, std::int64_t limit) {
  const auto rank = static_cast<std::int64_t>(
      std::count_if(svd.values.begin(), svd.values.end(),
                    [negligible](double value) { return value > negligible; }));
  if (rank > limit) return std::nullopt;
  ThinProduct product{Matrix(svd.left.rows, rank), Matrix(rank, svd.right.rows)};
  for (std::int64_t r = 0; r < rank; ++r) {
    const double root = std::sqrt(svd.values[static_cast<std::size_t>(r)]);
    for (std::int64_t i = 0; i < svd.left.rows; ++i) product.left(i, r) = svd.left(i, r) * root;
    for (std::int64_t j = 0; j < svd.right.rows; ++j) product.right(r, j) = root * svd.right(j, r);
  }
  return product;
}

void scale(double factor, Matrix& matrix) {
  for (double& value : matrix.values) value *= factor;
}

}  // namespace

std::optional<ThinProduct> thin_product(Matrix matrix, std::int64_t limit, double rounding,
                                        const std::atomic<bool>* cancel) {
  stop_if(cancel);
  if (limit < 1) return std::nullopt;
  // The matrix is scaled by a power of 4, so that squares stay in range and each factor gets back
  // half of it exactly.
  double largest = 0;
  for (const double value : matrix.values) largest = std::max(largest, std::abs(value));
  const int half = largest > 0 ? std::ilogb(largest) / 2 : 0;
  scale(std::ldexp(1.0, -half), matrix);
  scale(std::ldexp(1.0, -half), matrix);
  const double negligible = rounding * norm(matrix);
  if (surely_above(matrix, limit)) return std::nullopt;
  // The samples meet a little more of what is negligible, as it lies in all directions.
  auto thin = compressed(matrix, limit, 4 * negligible, cancel);
  if (!thin) return std::nullopt;
  if (thin->q.cols == 0) return ThinProduct{std::move(thin->q), std::move(thin->b)};
  const Matrix q = orthonormal(thin->q);
  const Matrix shares = product(transposed_product(q, thin->q), thin->b);
  auto found = largest_of(svd_by_halves(shares), negligible, limit);
  if (!found) return std::nullopt;
  found->left = product(q, found->left);
  scale(std::ldexp(1.0, half), found->left);
  scale(std::ldexp(1.0, half), found->right);
  return found;
}

double work_to_refuse(std::int64_t rows, std::int64_t columns, std::int64_t limit) {
  const auto taken = static_cast<double>(std::min(limit + 1, rows));
  return taken * taken * (static_cast<double>(columns) / 2 + taken / 6);
}

}  // namespace plait::rewrite
