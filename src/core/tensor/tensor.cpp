#include <plait/tensor.hpp>

#include <algorithm>
#include <limits>
#include <new>

#include "core/integers.hpp"
#include "core/refuse.hpp"

namespace plait {

Dims::Dims(std::initializer_list<std::int64_t> values) {
  if (values.size() > kMaxRank) {
    refuse("a tensor has at most " + std::to_string(kMaxRank) + " axes but " +
           std::to_string(values.size()) + " were given");
  }
  std::copy(values.begin(), values.end(), values_.begin());
  rank_ = static_cast<int>(values.size());
}

void Dims::push_back(std::int64_t value) {
  if (rank_ == kMaxRank) {
    refuse("a tensor has at most " + std::to_string(kMaxRank) + " axes: cannot add one to " +
           to_string(*this));
  }
  values_[static_cast<std::size_t>(rank_++)] = value;
}

std::string to_string(const Dims& dims) {
  if (dims.rank() == 0) return "scalar";
  std::string text = std::to_string(dims[0]);
  for (int axis = 1; axis < dims.rank(); ++axis) text += "x" + std::to_string(dims[axis]);
  return text;
}

std::int64_t element_count(const Dims& shape) {
  Dims padded{1, 1, 1, 1};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] < 0) {
      refuse("axis " + std::to_string(axis) + " of shape " + to_string(shape) + " is negative");
    }
    padded[axis] = shape[axis];
  }
  const auto count = bounded_product({padded[0], padded[1], padded[2], padded[3]});
  if (!count) {
    refuse("overflow: shape " + to_string(shape) + " has more than 2^62 elements");
  }
  return *count;
}

Dims dense_strides(const Dims& shape) {
  Dims strides = shape;
  std::int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    // An empty axis spans nothing, but the axes outside it keep distinct strides.
    const std::int64_t size = std::max<std::int64_t>(shape[axis], 1);
    if (axis > 0 && __builtin_mul_overflow(stride, size, &stride)) {
      refuse("overflow: shape " + to_string(shape) + " has strides beyond 64 bits");
    }
  }
  return strides;
}

namespace {

template <class T>
T* allocate(const Dims& shape) {
  const std::int64_t count = element_count(shape);
  if (count == 0) return nullptr;
  constexpr std::int64_t kMaxCount =
      std::numeric_limits<std::ptrdiff_t>::max() / std::int64_t{sizeof(T)};
  void* memory = nullptr;
  if (count <= kMaxCount) {
    memory = ::operator new (static_cast<std::size_t>(count) * sizeof(T),
                             std::align_val_t{Tensor<T>::kAlignment}, std::nothrow);
  }
  if (memory == nullptr) {
    throw Error(Status::out_of_memory, "no memory for a tensor of shape " + to_string(shape) +
                                           " (" + to_string(Int128{count} * Int128{sizeof(T)}) +
                                           " bytes)");
  }
  return static_cast<T*>(memory);
}

}  // namespace

template <class T>
void Tensor<T>::Free::operator()(T* data) const {
  ::operator delete (data, std::align_val_t{kAlignment});
}

template <class T>
Tensor<T>::Tensor(const Dims& shape) : shape_(shape), data_(allocate<T>(shape)) {
  std::fill(begin(), end(), T{});
}

template <class T>
Tensor<T>::Tensor(const Dims& shape, std::initializer_list<T> values) : shape_(shape) {
  const std::int64_t count = element_count(shape);
  if (static_cast<std::int64_t>(values.size()) != count) {
    refuse("a tensor of shape " + to_string(shape) + " needs " + std::to_string(count) +
           " values but got " + std::to_string(values.size()));
  }
  data_.reset(allocate<T>(shape));
  std::copy(values.begin(), values.end(), begin());
}

template <class T>
Tensor<T>::Tensor(const Tensor& other)
    : shape_(other.shape_), data_(other.data_ == nullptr ? nullptr : allocate<T>(other.shape_)) {
  std::copy(other.begin(), other.end(), begin());
}

template <class T>
Tensor<T>& Tensor<T>::operator=(const Tensor& other) {
  return *this = Tensor(other);
}

template class Tensor<float>;
template class Tensor<double>;

template <class T>
Tensor<std::remove_const_t<T>> dense_copy(TensorView<T> view) {
  if (view.data() == nullptr && element_count(view.shape()) != 0) return {};
  Tensor<std::remove_const_t<T>> copy(view.shape());
  if (copy.size() == 0) return copy;  // its other axes may have any size
  // Axes of size 1 in front make every rank a loop nest over four axes.
  Dims shape{1, 1, 1, 1};
  Dims strides{0, 0, 0, 0};
  for (int axis = 0; axis < view.rank(); ++axis) {
    shape[axis + Dims::kMaxRank - view.rank()] = view.shape()[axis];
    strides[axis + Dims::kMaxRank - view.rank()] = view.strides()[axis];
  }
  auto* out = copy.data();
  for (std::int64_t a = 0; a < shape[0]; ++a) {
    for (std::int64_t b = 0; b < shape[1]; ++b) {
      for (std::int64_t c = 0; c < shape[2]; ++c) {
        const T* row = view.data() + a * strides[0] + b * strides[1] + c * strides[2];
        for (std::int64_t d = 0; d < shape[3]; ++d) *out++ = row[d * strides[3]];
      }
    }
  }
  return copy;
}

template Tensor<float> dense_copy(TensorView<const float>);
template Tensor<double> dense_copy(TensorView<const double>);
template Tensor<float> dense_copy(TensorView<float>);
template Tensor<double> dense_copy(TensorView<double>);

}  // namespace plait
