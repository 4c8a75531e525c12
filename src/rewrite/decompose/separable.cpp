#include "rewrite/decompose/separable.hpp"

#include <algorithm>
#include <cmath>

#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {

Separability separability(const ScaledKernel& kernel, const std::atomic<bool>* cancel) {
  const std::int64_t rank = std::min(kernel.k_h, kernel.k_w);
  Separability found;
  found.kernels = kernel.c_o * kernel.c_i;
  found.tolerance = tolerance_of(kernel.epsilon, std::max(kernel.k_h, kernel.k_w));
  found.singular_values = Tensor<double>({kernel.c_o, kernel.c_i, rank});
  double* to = found.singular_values.data();
  for (std::int64_t o = 0; o < kernel.c_o; ++o) {
    stop_if(cancel);
    for (std::int64_t i = 0; i < kernel.c_i; ++i) {
      const std::vector<double> values = svd(matrix_of(kernel.plane(o, i)), false).values;
      for (const double value : values) *to++ = std::ldexp(value, kernel.exponent);
      const double second = values.size() > 1 ? values[1] : 0;
      if (second <= found.tolerance * values[0]) ++found.separable_kernels;
      if (values[0] > 0) found.largest_ratio = std::max(found.largest_ratio, second / values[0]);
    }
  }
  found.separable = found.separable_kernels == found.kernels;
  return found;
}

}  // namespace plait::rewrite
