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

// The matrix as left * right, but for singular values of at most `rounding` times its Frobenius
// norm. Nothing if its rank r is above `limit`, which must be below min(m, n). Throws Error when
// cancelled.
std::optional<ThinProduct> thin_product(Matrix matrix, std::int64_t limit, double rounding,
                                        const std::atomic<bool>* cancel);

// Multiplications that it takes to see that the rank is above `limit`, nearly always.
double work_to_refuse(std::int64_t rows, std::int64_t columns, std::int64_t limit);

}  // namespace plait::rewrite
