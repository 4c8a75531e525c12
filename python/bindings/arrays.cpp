#include "arrays.hpp"

#include <nanobind/stl/string.h>

#include <array>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <plait/error.hpp>
#include <plait/machine.hpp>

#include "arguments.hpp"
#include "openmp_executor.hpp"

namespace plait::python {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw nb::type_error(text.c_str()); }

// A module's attribute, which is looked up once and kept. A static local would deadlock: the lookup
// may pass the GIL to another thread, which would wait, holding it, for the first lookup to end.
class Kept {
 public:
  constexpr Kept(const char* module, const char* attribute)
      : module_(module), attribute_(attribute) {}

  nb::handle get() {
    if (found_ == nullptr) {
      nb::object found = nb::module_::import_(module_).attr(attribute_);
      if (found_ == nullptr) found_ = found.release().ptr();  // else another thread has set it
    }
    return found_;
  }

 private:
  const char* module_;
  const char* attribute_;
  PyObject* found_ = nullptr;  // only changed while the GIL is held
};

const char* text_of(Dtype dtype) { return dtype == Dtype::f32 ? "float32" : "float64"; }

void check_rank(const char* name, std::int64_t rank) {
  if (rank > Dims::kMaxRank) {
    throw Error(Status::invalid_argument, std::string(name) + " has " + std::to_string(rank) +
                                              " axes, but at most 4 have a meaning here");
  }
}

// What is known of a type of arrays, looked up once.
struct ExchangeType {
  const DlpackExchangeApi* api = nullptr;  // null: the type has no exchange table
  nb::handle is_neg;  // torch's method that tells whether the values are those in memory, negated
};

const ExchangeType& exchange_type_of(PyTypeObject* type) {
  static auto& known = *new std::unordered_map<PyTypeObject*, ExchangeType>;
  const auto found = known.find(type);
  if (found != known.end()) return found->second;
  ExchangeType made;
  const nb::handle handle(reinterpret_cast<PyObject*>(type));
  if (nb::hasattr(handle, "__dlpack_c_exchange_api__")) {
    const nb::object capsule = handle.attr("__dlpack_c_exchange_api__");
    made.api = static_cast<const DlpackExchangeApi*>(
        PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
    if (made.api == nullptr) PyErr_Clear();
    if (made.api != nullptr &&
        (made.api->header.version.major != 1 || made.api->dltensor_from_object == nullptr)) {
      made.api = nullptr;
    }
    if (nb::hasattr(handle, "is_neg")) made.is_neg = nb::object(handle.attr("is_neg")).release();
  }
  Py_INCREF(handle.ptr());  // the type stays alive, so that its address names no other type later
  return known.emplace(type, made).first->second;
}

PyTypeObject* numpy_array_type() {
  static constinit Kept type("numpy", "ndarray");
  return reinterpret_cast<PyTypeObject*>(type.get().ptr());
}

}  // namespace

Array::Array(const char* name, nb::handle object, Access access) : name_(name), object_(object) {
  if (object.is_none()) return;
  given_ = true;
  in_place_ = read(object, access);
  if (in_place_ || access == Access::read) return;
  static constinit Kept refuse_output("plait._arrays", "refuse_output");
  refuse_output.get()(name, object);
}

bool Array::read(nb::handle object, Access access) {
  const ExchangeType& type = exchange_type_of(Py_TYPE(object.ptr()));
  if (type.api != nullptr) return from_exchange_api(object, type.api, type.is_neg);
  if (PyObject_CheckBuffer(object.ptr())) return from_buffer(object, access);
  return from_dlpack(object, access);
}

void Array::replace(nb::object values) {
  shape_ = {};
  strides_ = {};
  values_ = std::move(values);
  in_place_ = read(values_, Access::read);
}

bool Array::from_buffer(nb::handle object, Access access) {
  if (Py_TYPE(object.ptr()) != numpy_array_type() && nb::hasattr(object, "mask") &&
      nb::hasattr(object, "filled")) {
    return false;  // a masked array: its mask would be ignored
  }
  const int flags = PyBUF_STRIDES | PyBUF_FORMAT | (access == Access::write ? PyBUF_WRITABLE : 0);
  if (!buffer_.take(object, flags)) return false;
  const Py_buffer& buffer = buffer_.view();
  // '@' and '=' are native byte order, '<' is little-endian; a missing format means bytes.
  static_assert(std::endian::native == std::endian::little);
  std::string_view format = buffer.format == nullptr ? "B" : buffer.format;
  if (format.size() == 2 && std::string_view("@=<").find(format[0]) != std::string_view::npos)
    format.remove_prefix(1);
  if (format != "f" && format != "d") return false;
  dtype_ = format == "f" ? Dtype::f32 : Dtype::f64;
  check_rank(name_, buffer.ndim);
  data_ = buffer.buf;
  bool whole =
      reinterpret_cast<std::uintptr_t>(data_) % static_cast<std::size_t>(buffer.itemsize) == 0;
  for (int axis = 0; axis < buffer.ndim; ++axis) shape_.push_back(buffer.shape[axis]);
  strides_ = dense_strides(shape_);
  for (int axis = 0; buffer.strides != nullptr && axis < buffer.ndim;
       ++axis) {  // ctypes gives none
    strides_[axis] = buffer.strides[axis] / buffer.itemsize;
    whole = whole && (buffer.strides[axis] % buffer.itemsize == 0 || buffer.shape[axis] <= 1);
  }
  if (!whole && element_count(shape_) > 0) {
    throw Error(
        Status::invalid_argument,
        std::string(name_) + " is not aligned to its elements: pass a copy, " + name_ + ".copy()");
  }
  return true;
}

bool Array::from_exchange_api(nb::handle object, const DlpackExchangeApi* api, nb::handle is_neg) {
  if (is_neg.is_valid()) {
    const nb::object negated = nb::steal(PyObject_CallOneArg(is_neg.ptr(), object.ptr()));
    if (!negated.is_valid()) PyErr_Clear();
    if (negated.ptr() != Py_False) return false;
  }
  nb::dlpack::dltensor tensor{};
  if (api->dltensor_from_object(object.ptr(), &tensor) != 0) {
    PyErr_Clear();
    return false;
  }
  return take(tensor);
}

bool Array::from_dlpack(nb::handle object, Access access) {
  if (!nb::hasattr(object, "__dlpack__") || nb::isinstance<nb::type_object>(object)) return false;
  if (nb::hasattr(object, "__dlpack_device__")) {
    const nb::object device = object.attr("__dlpack_device__")();
    const auto type = nb::cast<int>(device[0]);
    if (type != nb::device::cpu::value && type != kDlpackHostMemory) return false;
  }
  if (access == Access::write) {
    nb::ndarray<> writable;
    if (!nb::try_cast(object, writable)) return false;
    dlpack_ = nb::ndarray<nb::ro>(writable);
  } else if (!nb::try_cast(object, dlpack_)) {
    return false;
  }
  nb::dlpack::dltensor tensor{};
  tensor.data = const_cast<void*>(dlpack_.data());
  tensor.device.device_type = dlpack_.device_type();
  tensor.ndim = static_cast<std::int32_t>(dlpack_.ndim());
  tensor.dtype = dlpack_.dtype();
  tensor.shape = const_cast<std::int64_t*>(dlpack_.shape_ptr());
  tensor.strides = const_cast<std::int64_t*>(dlpack_.stride_ptr());
  return take(tensor);
}

bool Array::take(const nb::dlpack::dltensor& tensor) {
  if (tensor.device.device_type != nb::device::cpu::value &&
      tensor.device.device_type != kDlpackHostMemory) {
    return false;
  }
  const nb::dlpack::dtype f32 = nb::dtype<float>();
  const nb::dlpack::dtype f64 = nb::dtype<double>();
  if (tensor.dtype != f32 && tensor.dtype != f64) return false;
  dtype_ = tensor.dtype == f32 ? Dtype::f32 : Dtype::f64;
  check_rank(name_, tensor.ndim);
  data_ = static_cast<char*>(tensor.data) + tensor.byte_offset;
  for (int axis = 0; axis < tensor.ndim; ++axis) shape_.push_back(tensor.shape[axis]);
  strides_ = dense_strides(shape_);
  for (int axis = 0; tensor.strides != nullptr && axis < tensor.ndim; ++axis) {
    strides_[axis] = tensor.strides[axis];
  }
  return tensor.data != nullptr || element_count(shape_) == 0;  // fake tensors have no memory
}

void Array::check_read_as(Dtype wanted) const {
  if (!in_place_) throw std::logic_error(std::string(name_) + " is read before promote()");
  if (dtype_ == wanted) return;
  refuse(std::string(name_) + " is " + text_of(dtype_) + ", but this call computes in " +
         text_of(wanted) + ": pass an array of that dtype");
}

void require(std::initializer_list<const Array*> arrays) {
  for (const Array* array : arrays) {
    if (!array->given()) refuse(std::string(array->name()) + " is missing");
  }
}

Dtype promote(std::span<Array* const> operands, std::optional<Dtype> fixed) {
  std::optional<Dtype> common = fixed;
  bool as_they_are = true;
  for (const Array* operand : operands) {
    if (!operand->given()) continue;
    if (operand->in_place() && !common) common = operand->dtype();
    as_they_are = as_they_are && operand->in_place() && operand->dtype() == common;
  }
  if (as_they_are) return common.value_or(Dtype::f32);
  nb::list named;
  for (const Array* operand : operands) {
    if (operand->given()) named.append(nb::make_tuple(operand->name(), operand->object()));
  }
  static constinit Kept promoted("plait._arrays", "promoted");
  const nb::object dtype = fixed ? nb::object(nb::str(text_of(*fixed))) : nb::none();
  const nb::object values = promoted.get()(named, dtype);
  int next = 0;
  for (Array* operand : operands) {
    if (operand->given()) operand->replace(values[nb::int_(next++)]);
  }
  for (const Array* operand : operands) {
    if (operand->given()) return operand->dtype();
  }
  return common.value_or(Dtype::f32);
}

Kind::Kind(const Array& input) {
  PyTypeObject* type = Py_TYPE(input.object().ptr());
  if (type == numpy_array_type()) return;
  static constinit Kept kinds("plait._arrays", "KINDS");
  nb::handle maker = PyDict_GetItem(kinds.get().ptr(), reinterpret_cast<PyObject*>(type));
  if (!maker.is_valid()) {
    static constinit Kept find("plait._arrays", "kind_of");
    find.get()(nb::handle(reinterpret_cast<PyObject*>(type)));  // adds it to KINDS
    maker = PyDict_GetItem(kinds.get().ptr(), reinterpret_cast<PyObject*>(type));
  }
  if (!maker.is_none()) maker_ = maker;
}

void Kind::check(std::initializer_list<const Array*> arrays) const {
  if (!maker_.is_valid()) return;
  for (const Array* array : arrays) {
    if (array->given()) maker_.attr("check")(array->name(), array->object());
  }
}

int Kind::threads(nb::handle given) const {
  const int said = to_threads(given);
  if (said != 0 || !maker_.is_valid()) return said;
  const int limit = nb::cast<int>(maker_.attr("threads")());
  return limit < host_machine().default_threads() ? limit : 0;
}

Executor* Kind::executor() const {
  if (!maker_.is_valid() || !nb::cast<bool>(maker_.attr("shares_threads"))) return nullptr;
  return torch_executor();
}

nb::object Kind::empty(const Dims& shape, Dtype dtype) const {
  if (maker_.is_valid()) {
    return maker_.attr("empty")(to_tuple(shape), text_of(dtype));
  }
  static constinit Kept numpy_empty("numpy", "empty");
  static constinit Kept f32("numpy", "float32");
  static constinit Kept f64("numpy", "float64");
  return numpy_empty.get()(to_tuple(shape), (dtype == Dtype::f32 ? f32 : f64).get());
}

nb::object Kind::adopt(nb::object array) const {
  return maker_.is_valid() ? maker_.attr("adopt")(array) : array;
}

bool is_of(std::string_view package, const Array& array) {
  const std::string module = nb::str(array.object().type().attr("__module__")).c_str();
  return module == package || module.starts_with(std::string(package) + ".");
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
