// A matrix as the product of two thin ones, if its rank is low.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "rewrite/linear/matrix.hpp"

namespace plait::rewrite {

struct ThinProduct {
  Matrix left;   // m x r
  Matrix right;  // r x n; column i of left is as long as row i of this
};

// left * right = matrix, but for singular values of `rounding` times its Frobenius norm or less,
// with r at most `limit` < min(m, n); nothing if the rank is above that. Throws Error when
// cancelled.
std::optional<ThinProduct> thin_product(Matrix matrix, std::int64_t limit, double rounding,
                                        const std::atomic<bool>* cancel);

// Multiplications that it takes to see that the rank is above `limit`, nearly always.
double work_to_refuse(std::int64_t rows, std::int64_t columns, std::int64_t limit);

}  // namespace plait::rewrite
