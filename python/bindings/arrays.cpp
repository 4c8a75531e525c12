#include "arrays.hpp"

#include <nanobind/stl/string.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <plait/error.hpp>

#include "dlpack_exchange.hpp"

namespace plait::python {
namespace {

// str(object.attribute)
std::string attribute_text(nb::handle object, const char* attribute) {
  const nb::object value = object.attr(attribute);
  return nb::str(value).c_str();
}

std::string type_of(nb::handle object) { return attribute_text(object.type(), "__name__"); }

// "numpy", "torch", ...: the package that the object's type is from.
std::string package_of(nb::handle object) {
  const std::string module = attribute_text(object.type(), "__module__");
  return module.substr(0, module.find('.'));
}

// What to write to make a float32 array of this one.
std::string cure(const char* name, nb::handle object) {
  const std::string package = package_of(object);
  const std::string array = name;
  if (package == "torch") return array + ".float()";
  if (package == "tensorflow") return "tensorflow.cast(" + array + ", 'float32')";
  if (nb::hasattr(object, "astype")) return array + ".astype('float32')";
  return "numpy.asarray(" + array + ", dtype='float32')";
}

[[noreturn]] void refuse(const std::string& text) { throw nb::type_error(text.c_str()); }

[[noreturn]] void refuse_dtype(const char* name, nb::handle object, const std::string& dtype) {
  refuse(std::string(name) + " is " + dtype + ", but plait computes float32 and float64: pass " +
         cure(name, object));
}

// The dtype's own name where the array tells it, else `otherwise`.
std::string dtype_text(nb::handle object, const std::string& otherwise) {
  return nb::hasattr(object, "dtype") ? attribute_text(object, "dtype") : otherwise;
}

// Tells why Python's pending error forbids to read the object: mostly its dtype.
[[noreturn]] void refuse_for_pending_error(const char* name, nb::handle object) {
  nb::python_error error;
  const std::string dtype = dtype_text(object, "");
  const bool readable = dtype.ends_with("float32") || dtype.ends_with("float64");
  if (!dtype.empty() && !readable) refuse_dtype(name, object, dtype);
  const std::string reason = nb::str(error.value()).c_str();
  refuse(std::string(name) + " (" + type_of(object) + ") cannot be read without a copy: " + reason);
}

// From the codes of DLPack: 0 int, 1 uint, 2 float, 4 bfloat, 5 complex, 6 bool.
std::string dlpack_dtype_text(const nb::dlpack::dtype& dtype) {
  const std::array<const char*, 7> names = {"int",    "uint",    "float", "opaque",
                                            "bfloat", "complex", "bool"};
  const std::string code = dtype.code < names.size() ? names[dtype.code] : "unknown";
  return dtype.code == 6 ? code : code + std::to_string(dtype.bits);
}

void check_rank(const char* name, std::int64_t rank) {
  if (rank > Dims::kMaxRank) {
    throw Error(Status::invalid_argument, std::string(name) + " has " + std::to_string(rank) +
                                              " axes, but at most 4 have a meaning here");
  }
}

// The exchange table of a type, or null; looked up once per type.
const DlpackExchangeApi* exchange_api_of(PyTypeObject* type) {
  static auto& known = *new std::unordered_map<PyTypeObject*, const DlpackExchangeApi*>;
  const auto found = known.find(type);
  if (found != known.end()) return found->second;
  const DlpackExchangeApi* api = nullptr;
  const nb::handle handle(reinterpret_cast<PyObject*>(type));
  if (nb::hasattr(handle, "__dlpack_c_exchange_api__")) {
    const nb::object capsule = handle.attr("__dlpack_c_exchange_api__");
    api = static_cast<const DlpackExchangeApi*>(
        PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
    if (api == nullptr) PyErr_Clear();
    if (api != nullptr &&
        (api->header.version.major != 1 || api->dltensor_from_object == nullptr)) {
      api = nullptr;
    }
  }
  Py_INCREF(handle.ptr());  // the key must not name another type later
  known.emplace(type, api);
  return api;
}

// A module's attribute, kept for good.
nb::handle kept(const char* module, const char* attribute) {
  return nb::object(nb::module_::import_(module).attr(attribute)).release();
}

PyTypeObject* numpy_array_type() {
  static const nb::handle type = kept("numpy", "ndarray");
  return reinterpret_cast<PyTypeObject*>(type.ptr());
}

}  // namespace

Array::Array(const char* name, nb::handle object, Access access) : name_(name), object_(object) {
  if (object.is_none()) return;
  given_ = true;
  if (from_exchange_api()) return;
  if (PyObject_CheckBuffer(object.ptr())) {
    from_buffer(access);
  } else if (nb::hasattr(object, "__dlpack__") && !nb::isinstance<nb::type_object>(object)) {
    from_dlpack(access);
  } else {
    refuse(std::string(name) +
           " must be an array (numpy, torch, jax, tensorflow, or another with " +
           "DLPack or the buffer protocol) but is a " + type_of(object) + ": pass " +
           cure(name, object));
  }
}

Array::~Array() {
  if (buffer_) PyBuffer_Release(&*buffer_);
}

void Array::from_buffer(Access access) {
  if (Py_TYPE(object_.ptr()) != numpy_array_type() && nb::hasattr(object_, "mask") &&
      nb::hasattr(object_, "filled")) {
    refuse(std::string(name_) + " is a masked array, whose mask would be ignored: pass " + name_ +
           ".filled(0)");
  }
  Py_buffer buffer;
  const int flags = PyBUF_STRIDES | PyBUF_FORMAT | (access == Access::write ? PyBUF_WRITABLE : 0);
  if (PyObject_GetBuffer(object_.ptr(), &buffer, flags) != 0) {
    if (access == Access::write) {
      PyErr_Clear();
      refuse(std::string(name_) + " must be an array that can be written to, but this " +
             type_of(object_) + " cannot");
    }
    refuse_for_pending_error(name_, object_);
  }
  buffer_ = buffer;
  // '@' and '=' say native byte order; no format at all says bytes.
  std::string_view format = buffer.format == nullptr ? "B" : buffer.format;
  if (format.size() == 2 && (format[0] == '@' || format[0] == '=')) format.remove_prefix(1);
  if (format != "f" && format != "d") {
    refuse_dtype(name_, object_, dtype_text(object_, "of format '" + std::string(format) + "'"));
  }
  dtype_ = format == "f" ? Dtype::f32 : Dtype::f64;
  check_rank(name_, buffer.ndim);
  data_ = buffer.buf;
  bool whole =
      reinterpret_cast<std::uintptr_t>(data_) % static_cast<std::size_t>(buffer.itemsize) == 0;
  for (int axis = 0; axis < buffer.ndim; ++axis) {
    shape_.push_back(buffer.shape[axis]);
    strides_.push_back(buffer.strides[axis] / buffer.itemsize);
    whole = whole && (buffer.strides[axis] % buffer.itemsize == 0 || buffer.shape[axis] <= 1);
  }
  if (!whole && element_count(shape_) > 0) {
    throw Error(
        Status::invalid_argument,
        std::string(name_) + " is not aligned to its elements: pass a copy, " + name_ + ".copy()");
  }
}

bool Array::from_exchange_api() {
  const DlpackExchangeApi* api = exchange_api_of(Py_TYPE(object_.ptr()));
  if (api == nullptr) return false;
  nb::dlpack::dltensor tensor{};
  if (api->dltensor_from_object(object_.ptr(), &tensor) != 0) {
    refuse_for_pending_error(name_, object_);
  }
  take(tensor);
  return true;
}

void Array::from_dlpack(Access access) {
  if (nb::hasattr(object_, "__dlpack_device__")) {
    const nb::object device = object_.attr("__dlpack_device__")();
    const auto type = nb::cast<int>(device[0]);
    if (type != nb::device::cpu::value && type != kDlpackHostMemory) {
      refuse(std::string(name_) + " lies on another device (DLPack type " + std::to_string(type) +
             "), but plait computes on the CPU: move it there first");
    }
  }
  if (access == Access::write) {
    nb::ndarray<> writable;
    if (!nb::try_cast(object_, writable)) {
      refuse(std::string(name_) + " must be an array that can be written to, but this " +
             type_of(object_) + " cannot");
    }
    dlpack_ = nb::ndarray<nb::ro>(writable);
  } else if (!nb::try_cast(object_, dlpack_)) {
    refuse(std::string(name_) + " (" + type_of(object_) + ") cannot be read through DLPack: pass " +
           cure(name_, object_));
  }
  nb::dlpack::dltensor tensor{};
  tensor.data = const_cast<void*>(dlpack_.data());
  tensor.device.device_type = dlpack_.device_type();
  tensor.ndim = static_cast<std::int32_t>(dlpack_.ndim());
  tensor.dtype = dlpack_.dtype();
  tensor.shape = const_cast<std::int64_t*>(dlpack_.shape_ptr());
  tensor.strides = const_cast<std::int64_t*>(dlpack_.stride_ptr());
  take(tensor);
}

void Array::take(const nb::dlpack::dltensor& tensor) {
  if (tensor.device.device_type != nb::device::cpu::value &&
      tensor.device.device_type != kDlpackHostMemory) {
    refuse(std::string(name_) + " lies on another device, but plait computes on the CPU: pass " +
           name_ + ".cpu()");
  }
  const nb::dlpack::dtype f32 = nb::dtype<float>();
  const nb::dlpack::dtype f64 = nb::dtype<double>();
  if (tensor.dtype != f32 && tensor.dtype != f64) {
    refuse_dtype(name_, object_, dtype_text(object_, dlpack_dtype_text(tensor.dtype)));
  }
  dtype_ = tensor.dtype == f32 ? Dtype::f32 : Dtype::f64;
  check_rank(name_, tensor.ndim);
  data_ = static_cast<char*>(tensor.data) + tensor.byte_offset;
  for (int axis = 0; axis < tensor.ndim; ++axis) shape_.push_back(tensor.shape[axis]);
  strides_ = dense_strides(shape_);
  for (int axis = 0; tensor.strides != nullptr && axis < tensor.ndim; ++axis) {
    strides_[axis] = tensor.strides[axis];
  }
  if (tensor.data == nullptr && element_count(shape_) > 0) {
    refuse(std::string(name_) + " (" + type_of(object_) + ") has a shape but no memory");
  }
}

void Array::check_dtype(Dtype wanted) const {
  if (dtype_ == wanted) return;
  const auto text = [](Dtype dtype) { return dtype == Dtype::f32 ? "float32" : "float64"; };
  refuse(std::string(name_) + " is " + text(dtype_) + ", but this call computes in " +
         text(wanted) + ": all its arrays must have that dtype");
}

Kind::Kind(const Array& input) {
  PyTypeObject* type = Py_TYPE(input.object().ptr());
  if (type == numpy_array_type()) return;
  static const nb::handle kinds = kept("plait._arrays", "KINDS");
  nb::handle maker = PyDict_GetItem(kinds.ptr(), reinterpret_cast<PyObject*>(type));
  if (!maker.is_valid()) {
    static const nb::handle find = kept("plait._arrays", "kind_of");
    find(nb::handle(reinterpret_cast<PyObject*>(type)));  // puts it into KINDS
    maker = PyDict_GetItem(kinds.ptr(), reinterpret_cast<PyObject*>(type));
  }
  if (!maker.is_none()) maker_ = maker;
}

void Kind::check(std::initializer_list<const Array*> arrays) const {
  if (!maker_.is_valid()) return;
  for (const Array* array : arrays) {
    if (array->given()) maker_.attr("check")(array->name(), array->object());
  }
}

nb::object Kind::empty(const Dims& shape, Dtype dtype) const {
  if (maker_.is_valid()) {
    return maker_.attr("empty")(to_tuple(shape), dtype == Dtype::f32 ? "float32" : "float64");
  }
  static const nb::handle numpy_empty = kept("numpy", "empty");
  static const nb::handle f32 = nb::object(kept("numpy", "dtype")("float32")).release();
  static const nb::handle f64 = nb::object(kept("numpy", "dtype")("float64")).release();
  return numpy_empty(to_tuple(shape), dtype == Dtype::f32 ? f32 : f64);
}

nb::object Kind::adopt(nb::object array) const {
  return maker_.is_valid() ? maker_.attr("adopt")(array) : array;
}

template <class T>
nb::object to_numpy(Tensor<T>&& tensor) {
  auto* owned = new Tensor<T>(std::move(tensor));
  const nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<Tensor<T>*>(p); });
  std::array<std::size_t, Dims::kMaxRank> shape{};
  for (int axis = 0; axis < owned->rank(); ++axis) {
    shape[static_cast<std::size_t>(axis)] = static_cast<std::size_t>(owned->size(axis));
  }
  return nb::cast(nb::ndarray<nb::numpy, T>(owned->data(), static_cast<std::size_t>(owned->rank()),
                                            shape.data(), owner));
}

template nb::object to_numpy(Tensor<float>&&);
template nb::object to_numpy(Tensor<double>&&);

nb::object transposed(const nb::object& array, const Dims& axes) {
  return array.attr("transpose")(to_tuple(axes));
}

nb::tuple to_tuple(const Dims& dims) {
  nb::tuple tuple = nb::steal<nb::tuple>(PyTuple_New(dims.rank()));
  for (int axis = 0; axis < dims.rank(); ++axis) {
    PyTuple_SET_ITEM(tuple.ptr(), axis, PyLong_FromLongLong(dims[axis]));
  }
  return tuple;
}

}  // namespace plait::python
