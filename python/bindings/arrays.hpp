// Arrays of Python as plait's views: zero-copy, through the buffer protocol (numpy, jax,
// tensorflow, memoryview) or DLPack (torch and others), and new arrays of the same kind. What has
// no such memory is made an array of by plait._arrays, which has the rules and the words for it.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <plait/executor.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

#include "dlpack_exchange.hpp"

namespace plait::python {

namespace nb = nanobind;

enum class Access { read, write };

// A buffer of Python's, held while this lives.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }

  // False if the object gives none like that.
  bool take(nb::handle object, int flags) {
    release();
    held_ = PyObject_GetBuffer(object.ptr(), &view_, flags) == 0;
    if (!held_) PyErr_Clear();
    return held_;
  }
  const Py_buffer& view() const { return view_; }

 private:
  void release() {
    if (held_) PyBuffer_Release(&view_);
    held_ = false;
  }
  Py_buffer view_{};
  bool held_ = false;
};

// An array handed in, as memory: kept alive and in place while this lives. To be made and destroyed
// with the GIL held. `name` is the argument's, for errors.
class Array {
 public:
  // With Access::read an operand, of anything: it can be looked at only after promote(). With
  // Access::write memory to write to: TypeError if it is no array, has a dtype other than float32
  // or float64, lies on another device or cannot be written to. Both: ValueError for more than four
  // axes or strides of no whole elements. None makes an array that is not given.
  Array(const char* name, nb::handle object, Access access = Access::read);
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  bool given() const { return given_; }
  const char* name() const { return name_; }
  nb::handle object() const { return object_; }  // as it was handed in
  // Whether its memory holds float32 or float64 values as they are.
  bool in_place() const { return in_place_; }
  Dtype dtype() const { return dtype_; }
  const Dims& shape() const { return shape_; }

  // An empty view if not given. TypeError if the dtype is not T's.
  template <class T>
  TensorView<T> view() const {
    if (!given_) return {};
    check_read_as(std::is_same_v<std::remove_const_t<T>, double> ? Dtype::f64 : Dtype::f32);
    return {static_cast<T*>(data_), shape_, strides_};
  }

  // Reads this array of float32 or float64 in its place.
  void replace(nb::object values);

 private:
  // Each false if the object's memory is not its float32 or float64 values.
  bool read(nb::handle object, Access access);
  bool from_buffer(nb::handle object, Access access);
  bool from_exchange_api(nb::handle object, const DlpackExchangeApi* api, nb::handle is_neg);
  bool from_dlpack(nb::handle object, Access access);
  bool take(const nb::dlpack::dltensor& tensor);
  void check_read_as(Dtype wanted) const;

  const char* name_;
  nb::handle object_;
  nb::object values_;  // that stand in for it
  bool given_ = false;
  bool in_place_ = false;
  void* data_ = nullptr;
  Dims shape_;
  Dims strides_;
  Dtype dtype_ = Dtype::f32;
  Buffer buffer_;               // keeps the memory
  nb::ndarray<nb::ro> dlpack_;  // or this does
};

// TypeError for one that is not given.
void require(std::initializer_list<const Array*> arrays);

// Gives the operands of a call one dtype, that of its result, and returns it: by numpy's rules,
// float64 of integers alone; or `fixed`. Those of other dtypes, lists, and arrays whose memory is
// not their value are read as copies. TypeError for what has no real numbers of these dtypes.
Dtype promote(std::span<Array* const> operands, std::optional<Dtype> fixed = {});
inline Dtype promote(std::initializer_list<Array*> operands, std::optional<Dtype> fixed = {}) {
  return promote(std::span(operands.begin(), operands.size()), fixed);
}

// What kind of array a call answers with: that of its input. Objects that only have a buffer
// (memoryview, array.array) are answered with numpy arrays.
class Kind {
 public:
  explicit Kind(const Array& input);

  // Refuses what that kind cannot have computed outside of it: torch tensors that require a
  // gradient. ValueError.
  void check(std::initializer_list<const Array*> arrays) const;
  // The threads of a call: as many as it says, or of None 0, the machine's default, or fewer if
  // the array's library is set to fewer.
  int threads(nb::handle given) const;
  // What a call runs on: of torch tensors torch's own threads, else null, the library's pool.
  Executor* executor() const;
  // A numpy array for an output, not initialised.
  nb::object empty(const Dims& shape, Dtype dtype) const;
  // The same memory as an array of this kind.
  nb::object adopt(nb::object array) const;

 private:
  nb::handle maker_;  // of plait._arrays; null for numpy
};

// Whether the array's type is from that package.
bool is_of(std::string_view package, const Array& array);

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

// With an axis of size 1 before that one.
template <class T>
TensorView<T> with_axis(const TensorView<T>& view, int before) {
  Dims shape;
  Dims strides;
  for (int axis = 0; axis <= view.rank(); ++axis) {
    if (axis == before) {
      shape.push_back(1);
      strides.push_back(0);
    }
    if (axis == view.rank()) break;
    shape.push_back(view.shape()[axis]);
    strides.push_back(view.strides()[axis]);
  }
  return {view.data(), shape, strides};
}

nb::tuple to_tuple(const Dims& dims);

}  // namespace plait::python
