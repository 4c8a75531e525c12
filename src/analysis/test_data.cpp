#include "analysis/test_data.hpp"

#include <algorithm>
#include <cmath>

namespace plait {

template <class T>
void fill_relu_like(Tensor<T>& tensor, Random& random) {
  for (T& value : tensor) value = static_cast<T>(std::max(0.0, random.normal()));
}

template <class T>
void fill_he(Tensor<T>& tensor, std::int64_t depth, Random& random) {
  const double scale = std::sqrt(2.0 / static_cast<double>(depth));
  for (T& value : tensor) value = static_cast<T>(scale * random.normal());
}

template <class T>
void fill_integers(Tensor<T>& tensor, std::int64_t limit, Random& random) {
  for (T& value : tensor) value = static_cast<T>(random.between(-limit, limit));
}

template <class T>
void fill_wide_range(Tensor<T>& tensor, Random& random) {
  for (T& value : tensor) {
    value = static_cast<T>(std::ldexp(random.normal(), static_cast<int>(random.between(-20, 20))));
  }
}

template <class T>
void fill_alternating(Tensor<T>& tensor, int first_axis, Random& random) {
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    std::int64_t index_sum = 0;
    std::int64_t rest = i;
    for (int axis = tensor.shape().rank() - 1; axis >= first_axis; --axis) {
      index_sum += rest % tensor.size(axis);
      rest /= tensor.size(axis);
    }
    const double magnitude = std::abs(random.normal());
    tensor.data()[i] = static_cast<T>(index_sum % 2 == 0 ? magnitude : -magnitude);
  }
}

template void fill_relu_like(Tensor<float>&, Random&);
template void fill_relu_like(Tensor<double>&, Random&);
template void fill_he(Tensor<float>&, std::int64_t, Random&);
template void fill_he(Tensor<double>&, std::int64_t, Random&);
template void fill_integers(Tensor<float>&, std::int64_t, Random&);
template void fill_integers(Tensor<double>&, std::int64_t, Random&);
template void fill_wide_range(Tensor<float>&, Random&);
template void fill_wide_range(Tensor<double>&, Random&);
template void fill_alternating(Tensor<float>&, int, Random&);
template void fill_alternating(Tensor<double>&, int, Random&);

}  // namespace plait
