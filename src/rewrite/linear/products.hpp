// Sums of squares, and products of matrices.
#pragma once

#include <vector>

#include "rewrite/linear/matrix.hpp"

namespace plait::rewrite {

double sum_of_squares(const std::vector<double>& values);
// The square root of the sum of squares, also where the squares are out of range.
double stable_norm(const std::vector<double>& values);

Matrix product(const Matrix& a, const Matrix& b);
// The same, written into a matrix that is neither of them.
void write_product(const Matrix& a, const Matrix& b, Matrix& to);
// a^T b.
Matrix transposed_product(const Matrix& a, const Matrix& b);

}  // namespace plait::rewrite
