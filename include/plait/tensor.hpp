// Tensors: shapes of rank 0 to 4, views with any element strides, and an owning dense tensor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>

#include <plait/error.hpp>
#include <plait/export.hpp>

namespace plait {

// A short list of axis sizes or of strides, outermost axis first.
class PLAIT_API Dims {
 public:
  static constexpr int kMaxRank = 4;

  constexpr Dims() = default;
  Dims(std::initializer_list<std::int64_t> values);  // Throws Error above rank 4.

  constexpr int rank() const { return rank_; }
  constexpr std::int64_t operator[](int axis) const {
    return values_[static_cast<std::size_t>(axis)];
  }
  constexpr std::int64_t& operator[](int axis) { return values_[static_cast<std::size_t>(axis)]; }
  constexpr const std::int64_t* begin() const { return values_.data(); }
  constexpr const std::int64_t* end() const { return values_.data() + rank_; }
  void push_back(std::int64_t value);  // Throws Error above rank 4.

  friend constexpr bool operator==(const Dims&, const Dims&) = default;

 private:
  std::array<std::int64_t, kMaxRank> values_{};
  int rank_ = 0;
};

PLAIT_API std::string to_string(const Dims& dims);  // "1x64x56x56"; "scalar" at rank 0

// Number of elements. Throws Error when an axis is negative or the product passes 2^62.
PLAIT_API std::int64_t element_count(const Dims& shape);

// Row-major element strides of a dense tensor: the last axis has stride 1.
PLAIT_API Dims dense_strides(const Dims& shape);

// Whether two strided regions can share an element. Exact for dense tensors and for slices of a
// common parent along one axis; otherwise it may answer yes when the regions merely interleave.
PLAIT_API bool may_overlap(const void* a, const Dims& a_shape, const Dims& a_strides,
                           std::size_t a_size, const void* b, const Dims& b_shape,
                           const Dims& b_strides, std::size_t b_size);

// Whether two different indices of a strided region can name the same element. Exact for strides
// that nest (each covers the extent of all smaller ones); otherwise it answers yes.
PLAIT_API bool may_self_overlap(const Dims& shape, const Dims& strides);

// A view of T with any element strides (negative and zero included). Owns nothing.
template <class T>
class TensorView {
 public:
  TensorView() = default;
  TensorView(T* data, const Dims& shape) : TensorView(data, shape, dense_strides(shape)) {}
  // Throws Error when shape and strides differ in rank, or the shape has too many elements.
  TensorView(T* data, const Dims& shape, const Dims& strides)
      : data_(data), shape_(shape), strides_(strides) {
    if (shape.rank() != strides.rank()) {
      throw Error(Status::invalid_argument, "a view of shape " + to_string(shape) + " needs " +
                                                std::to_string(shape.rank()) + " strides but got " +
                                                std::to_string(strides.rank()));
    }
    element_count(shape);
  }
  operator TensorView<const T>() const  // NOLINT(google-explicit-constructor)
      requires(!std::is_const_v<T>) {
    return {data_, shape_, strides_};
  }

  T* data() const { return data_; }
  const Dims& shape() const { return shape_; }
  const Dims& strides() const { return strides_; }
  int rank() const { return shape_.rank(); }
  std::int64_t size(int axis) const { return shape_[axis]; }
  std::int64_t size() const { return data_ == nullptr ? 0 : element_count(shape_); }
  bool empty() const { return size() == 0; }
  bool dense() const { return strides_ == dense_strides(shape_); }

  // The element at the given indices, one per axis; unchecked.
  template <class... Index>
  T& operator()(Index... index) const {
    std::int64_t offset = 0;
    int axis = 0;
    ((offset += static_cast<std::int64_t>(index) * strides_[axis++]), ...);
    return data_[offset];
  }

 private:
  T* data_ = nullptr;
  Dims shape_;
  Dims strides_;
};

// An owning, dense, row-major tensor, zero-initialised. Its first element is aligned to 64 bytes.
template <class T>
class PLAIT_API Tensor {
 public:
  static constexpr std::size_t kAlignment = 64;

  Tensor() = default;
  explicit Tensor(const Dims& shape);
  // Takes the values in row-major order. Throws Error when their number is not the shape's.
  Tensor(const Dims& shape, std::initializer_list<T> values);
  Tensor(const Tensor& other);
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(const Tensor& other);
  Tensor& operator=(Tensor&&) noexcept = default;
  ~Tensor() = default;

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  const Dims& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  std::int64_t size(int axis) const { return shape_[axis]; }
  std::int64_t size() const { return data_ == nullptr ? 0 : element_count(shape_); }
  T* begin() { return data(); }
  T* end() { return data() + size(); }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }

  TensorView<T> view() { return {data(), shape_}; }
  TensorView<const T> view() const { return {data(), shape_}; }
  operator TensorView<T>() { return view(); }              // NOLINT(google-explicit-constructor)
  operator TensorView<const T>() const { return view(); }  // NOLINT(google-explicit-constructor)

  template <class... Index>
  T& operator()(Index... index) {
    return view()(index...);
  }
  template <class... Index>
  const T& operator()(Index... index) const {
    return view()(index...);
  }

 private:
  struct Free {
    void operator()(T* data) const;
  };
  Dims shape_;
  std::unique_ptr<T[], Free> data_;
};

extern template class Tensor<float>;
extern template class Tensor<double>;

// A dense copy of any view.
template <class T>
PLAIT_API Tensor<std::remove_const_t<T>> dense_copy(TensorView<T> view);

extern template Tensor<float> dense_copy(TensorView<const float>);
extern template Tensor<double> dense_copy(TensorView<const double>);
extern template Tensor<float> dense_copy(TensorView<float>);
extern template Tensor<double> dense_copy(TensorView<double>);

}  // namespace plait
