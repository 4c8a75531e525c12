// Arrays of Python as plait's views: zero-copy, through the buffer protocol (numpy, jax,
// tensorflow, memoryview) or DLPack (torch and others), and new arrays of the same kind.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>
#include <string>
#include <type_traits>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait::python {

namespace nb = nanobind;

enum class Access { read, write };

// An array handed in, as memory: kept alive and in place while this lives. To be made and destroyed
// with the GIL held. `name` is the argument's, for errors.
class Array {
 public:
  // TypeError if it is no array, has a dtype other than float32 or float64, lies on another device
  // or cannot be written; ValueError for more than four axes or strides of no whole elements. None
  // makes an array that is not given.
  Array(const char* name, nb::handle object, Access access = Access::read);
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array();

  bool given() const { return given_; }
  const char* name() const { return name_; }
  nb::handle object() const { return object_; }
  Dtype dtype() const { return dtype_; }
  const Dims& shape() const { return shape_; }

  // An empty view if not given. TypeError if the dtype is not T's.
  template <class T>
  TensorView<T> view() const {
    if (!given_) return {};
    check_dtype(std::is_same_v<std::remove_const_t<T>, double> ? Dtype::f64 : Dtype::f32);
    return {static_cast<T*>(data_), shape_, strides_};
  }

 private:
  void from_buffer(Access access);
  bool from_exchange_api();
  void from_dlpack(Access access);
  void take(const nb::dlpack::dltensor& tensor);
  void check_dtype(Dtype wanted) const;

  const char* name_;
  nb::handle object_;
  bool given_ = false;
  void* data_ = nullptr;
  Dims shape_;
  Dims strides_;
  Dtype dtype_ = Dtype::f32;
  std::optional<Py_buffer> buffer_;  // keeps the memory
  nb::ndarray<nb::ro> dlpack_;       // or this does
};

// What kind of array a call answers with: that of its input. Objects that only have a buffer
// (memoryview, array.array) are answered with numpy arrays.
class Kind {
 public:
  explicit Kind(const Array& input);

  // Refuses what that kind cannot have computed outside of it: torch tensors that require a
  // gradient. ValueError.
  void check(std::initializer_list<const Array*> arrays) const;
  // A numpy array for an output, not initialised.
  nb::object empty(const Dims& shape, Dtype dtype) const;
  // The same memory as an array of this kind.
  nb::object adopt(nb::object array) const;

 private:
  nb::handle maker_;  // of plait._arrays; null for numpy
};

// A numpy array that owns the tensor.
template <class T>
nb::object to_numpy(Tensor<T>&& tensor);

// The axes of an array in another order.
nb::object transposed(const nb::object& array, const Dims& axes);
template <class T>
TensorView<T> transposed(const TensorView<T>& view, const Dims& axes) {
  Dims shape;
  Dims strides;
  for (const std::int64_t axis : axes) {
    shape.push_back(view.shape()[static_cast<int>(axis)]);
    strides.push_back(view.strides()[static_cast<int>(axis)]);
  }
  return {view.data(), shape, strides};
}

nb::tuple to_tuple(const Dims& dims);

}  // namespace plait::python
