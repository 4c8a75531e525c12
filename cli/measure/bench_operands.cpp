#include "measure/bench_operands.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "measure/compute.hpp"

namespace plait::cli {
namespace {

// Only so many numbers are drawn, and repeated: drawing one takes some 20 ns, so that drawing all
// would take longer than most measurements. It is a prime, so that no axis repeats the values at
// the same place.
constexpr std::size_t kValues = 1'000'003;

template <class T>
const std::vector<T>& normal_values() {
  static const std::vector<T> values = [] {
    std::mt19937 generator(1);
    std::normal_distribution<T> normal;
    std::vector<T> drawn(kValues);
    for (T& value : drawn) value = normal(generator);
    return drawn;
  }();
  return values;
}

template <class T>
void fill_normal(Tensor<T>& tensor, std::size_t first) {
  const std::vector<T>& values = normal_values<T>();
  std::size_t at = first % kValues;
  for (T& value : tensor) {
    value = values[at];
    if (++at == kValues) at = 0;
  }
}

// A view with any strides; `storage` gets just the elements that it spans.
template <class T>
TensorView<T> allocate(Tensor<T>& storage, const Dims& shape, const Dims& strides) {
  storage = Tensor<T>(Dims{span_of(shape, strides)});
  T* first = storage.data();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (strides[axis] < 0) first -= (shape[axis] - 1) * strides[axis];
  }
  return {first, shape, strides};
}

}  // namespace

template <class T>
BenchOperands<T>::BenchOperands(const Problem& p) {
  auto& [x, kernel, bias, residual, y] = storage_;
  const Dims kernel_shape = p.weight_shape();
  x_ = allocate(x, p.x_shape(), p.effective_x_strides());
  kernel_ = allocate(kernel, kernel_shape, dense_strides(kernel_shape));
  if (p.bias) bias_ = allocate(bias, {p.c_o}, {1});
  if (p.residual) residual_ = allocate(residual, p.y_shape(), p.effective_residual_strides());
  y_ = allocate(y, p.y_shape(), p.effective_y_strides());
  std::size_t first = 0;
  for (Tensor<T>* tensor : {&x, &kernel, &bias, &residual}) fill_normal(*tensor, first += 1000);
  std::transform(x.begin(), x.end(), x.begin(), [](T value) { return std::max(value, T{0}); });
}

template class BenchOperands<float>;
template class BenchOperands<double>;

}  // namespace plait::cli
