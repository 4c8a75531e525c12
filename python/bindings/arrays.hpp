// Reads Python's arrays as plait's views without a copy, through the buffer protocol (numpy, jax,
// tensorflow, memoryview) or DLPack (torch and others), and makes new arrays of the same kind.
// Objects without such memory are converted by plait._arrays, which has the rules and the messages.
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

// A buffer of Python's buffer protocol, held while this object lives.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }

  // False if the object has no such buffer.
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

// The memory of an array argument, kept alive and in place while this object lives. It must be made
// and destroyed with the GIL held. `name` is the name of the argument, for errors.
class Array {
 public:
  // With Access::read, `object` may be anything; its values can be read only after promote(). With
  // Access::write it is memory to write to: TypeError if it is no array, has a dtype other than
  // float32 or float64, lies on another device or is read-only. Both throw ValueError for more than
  // four axes and for strides that are not whole elements. None gives an array that is not given.
  Array(const char* name, nb::handle object, Access access = Access::read);
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  bool given() const { return given_; }
  const char* name() const { return name_; }
  nb::handle object() const { return object_; }  // the argument itself
  // Whether its memory holds its values as float32 or float64.
  bool in_place() const { return in_place_; }
  Dtype dtype() const { return dtype_; }
  const Dims& shape() const { return shape_; }

  // An empty view if it is not given. TypeError if the dtype is not T's.
  template <class T>
  TensorView<T> view() const {
    if (!given_) return {};
    check_read_as(std::is_same_v<std::remove_const_t<T>, double> ? Dtype::f64 : Dtype::f32);
    return {static_cast<T*>(data_), shape_, strides_};
  }

  // Reads this array of float32 or float64 instead of the argument.
  void replace(nb::object values);

 private:
  // Each returns false if the object's memory does not hold its values as float32 or float64.
  bool read(nb::handle object, Access access);
  bool from_buffer(nb::handle object, Access access);
  bool from_exchange_api(nb::handle object, const DlpackExchangeApi* api, nb::handle is_neg);
  bool from_dlpack(nb::handle object, Access access);
  bool take(const nb::dlpack::dltensor& tensor);
  void check_read_as(Dtype wanted) const;

  const char* name_;
  nb::handle object_;
  nb::object values_;  // a copy that is read instead of the argument
  bool given_ = false;
  bool in_place_ = false;
  void* data_ = nullptr;
  Dims shape_;
  Dims strides_;
  Dtype dtype_ = Dtype::f32;
  Buffer buffer_;               // keeps the memory
  nb::ndarray<nb::ro> dlpack_;  // or this does
};

// TypeError if one of the arrays is not given.
void require(std::initializer_list<const Array*> arrays);

// Gives all operands of a call one dtype, that of its result, and returns it: `fixed`, or what
// numpy's rules give, with float64 for integers alone. Operands of other dtypes, lists, and arrays
// whose memory does not hold their values are read as copies. TypeError for what has no real
// numbers.
Dtype promote(std::span<Array* const> operands, std::optional<Dtype> fixed = {});
inline Dtype promote(std::initializer_list<Array*> operands, std::optional<Dtype> fixed = {}) {
  return promote(std::span(operands.begin(), operands.size()), fixed);
}

// The kind of array that a call returns: that of its input, or numpy arrays for objects that only
// have a buffer (memoryview, array.array).
class Kind {
 public:
  explicit Kind(const Array& input);

  // ValueError for arrays that their library must compute itself: torch tensors that require a
  // gradient.
  void check(std::initializer_list<const Array*> arrays) const;
  // The threads of a call: `threads`, or for None 0, the machine's default, or fewer if the array's
  // library is limited to fewer.
  int threads(nb::handle given) const;
  // The executor of a call: torch's own threads for torch tensors, else null, the library's pool.
  Executor* executor() const;
  // A numpy array for an output. It is not initialised.
  nb::object empty(const Dims& shape, Dtype dtype) const;
  // The same memory as an array of this kind.
  nb::object adopt(nb::object array) const;

 private:
  nb::handle maker_;  // the class in plait._arrays that makes such arrays; null for numpy
};

// Whether the array's type is from that package.
bool is_of(std::string_view package, const Array& array);

// A numpy array that owns the tensor.
template <class T>
nb::object to_numpy(Tensor<T>&& tensor);

// The array with its axes in another order.
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

// The view with an axis of size 1 inserted before `axis`.
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
