// What orthogonal transformations give: singular values, orthonormal bases, least squares.
#pragma once

#include <vector>

#include "rewrite/linear/matrix.hpp"

namespace plait::rewrite {

struct Svd {
  std::vector<double> values;  // r = min(rows, cols) of them, the largest first
  Matrix left, right;  // matrix = left diag(values) right^T: rows x r and cols x r, or empty
};
// Takes the method that is fastest for the shape, and computes vectors only if they are asked for.
// The largest value of each left vector is positive.
Svd svd(const Matrix& matrix, bool vectors);
// Divides and conquers, whatever the shape. The signs of the vectors are not fixed.
Svd svd_by_halves(const Matrix& matrix);

// Orthonormal columns that span what these do.
Matrix orthonormal(const Matrix& columns);

// x with the least ||matrix x - wanted||, for independent columns.
std::vector<double> least_squares(const Matrix& matrix, const std::vector<double>& wanted);

}  // namespace plait::rewrite
