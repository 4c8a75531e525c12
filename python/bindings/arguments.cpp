#include "arguments.hpp"

#include <nanobind/stl/string.h>

#include <limits>
#include <string_view>

#include <plait/error.hpp>

#include "app/option_values.hpp"
#include "options/foreign_words.hpp"

namespace plait::python {
namespace {

std::string shown(nb::handle value) { return nb::repr(value).c_str(); }

[[noreturn]] void wrong_type(const char* name, const std::string& wanted, nb::handle value) {
  throw nb::type_error(
      (std::string(name) + " must be " + wanted + " but is " + shown(value)).c_str());
}

bool is_text(nb::handle value) { return PyUnicode_Check(value.ptr()); }

// Names the word that plait has for a word of another library.
std::string hint(const char* name, nb::handle value) {
  return is_text(value) ? cli::hint_for(name, nb::cast<std::string>(value)) : "";
}

[[noreturn]] void wrong_value(const char* name, const std::string& wanted, nb::handle value) {
  throw Error(Status::invalid_argument, std::string(name) + " must be " + wanted + " but is " +
                                            shown(value) + hint(name, value));
}

// The items of a tuple, a list or anything else with a length, such as a numpy array or a range.
bool is_sequence(nb::handle value) {
  if (PyTuple_Check(value.ptr()) || PyList_Check(value.ptr())) return true;
  if (is_text(value) || PyBytes_Check(value.ptr()) || !PySequence_Check(value.ptr())) return false;
  if (PySequence_Size(value.ptr()) >= 0) return true;
  PyErr_Clear();  // an array without axes has no length
  return false;
}

// A view of a str, valid while the object lives: it allocates less than nb::cast<std::string>.
std::string_view text_of(const char* name, nb::handle value) {
  if (!is_text(value)) wrong_type(name, "a str", value);
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (data == nullptr) throw nb::python_error();
  return {data, static_cast<std::size_t>(size)};
}

const char* wanted_pair(Axes axes) {
  return axes == Axes::hw ? "an int or a pair (h, w)" : "an int or a tuple (w,)";
}

std::pair<std::int64_t, std::int64_t> to_sides(nb::handle value) {
  if (!is_sequence(value) || nb::len(value) != 2) {
    wrong_type("padding", "given as two ints for each axis", value);
  }
  return {to_int("padding", value[0]), to_int("padding", value[1])};
}

Padding to_same(std::string_view word, Axes axes, Problem of) {
  const bool torch_same = word == "same";
  if (torch_same && (of.stride.h != 1 || of.stride.w != 1)) {
    throw Error(Status::invalid_argument,
                "padding 'same' means an output of the input's size, which stride " +
                    std::to_string(axes == Axes::hw ? of.stride.h : of.stride.w) +
                    " cannot give: say 'same_upper' for ceil(size / stride)");
  }
  if (axes == Axes::w) of.h = of.k_h = 1;
  return parse_padding(torch_same ? "same_upper" : word, of);
}

}  // namespace

std::int64_t to_int(const char* name, nb::handle value) {
  if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr())) wrong_type(name, "an int", value);
  const nb::object index = nb::steal(PyNumber_Index(value.ptr()));
  if (!index.is_valid()) throw nb::python_error();
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) wrong_value(name, "below 2^63", value);
  return number;
}

bool to_bool(const char* name, nb::handle value) {
  if (!PyBool_Check(value.ptr())) wrong_type(name, "True or False", value);
  return value.ptr() == Py_True;
}

double to_double(const char* name, nb::handle value) {
  if (PyBool_Check(value.ptr()) || !PyNumber_Check(value.ptr()))
    wrong_type(name, "a number", value);
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    wrong_type(name, "a number", value);
  }
  return number;
}

std::string to_text(const char* name, nb::handle value) {
  return value.is_none() ? std::string() : std::string(text_of(name, value));
}

Pair to_pair(const char* name, nb::handle value, Axes axes) {
  const Pair unit(1, 1);
  if (is_sequence(value)) {
    const std::size_t size = nb::len(value);
    if (axes == Axes::hw && size == 2) return {to_int(name, value[0]), to_int(name, value[1])};
    if (axes == Axes::w && size == 1) return {unit.h, to_int(name, value[0])};
    wrong_value(name, wanted_pair(axes), value);
  }
  if (!PyIndex_Check(value.ptr())) wrong_type(name, wanted_pair(axes), value);
  const std::int64_t number = to_int(name, value);
  return axes == Axes::hw ? Pair(number) : Pair(unit.h, number);
}

Pair to_size(const char* name, nb::handle value) {
  const Pair size = to_pair(name, value, Axes::hw);
  if (size.h < 1 || size.w < 1) wrong_value(name, "at least 1", value);
  return size;
}

Padding to_padding(nb::handle value, Axes axes, const Problem& of) {
  if (is_text(value)) {
    const std::string_view word = text_of("padding", value);
    if (word == "valid" || word == "VALID") return {};
    if (word == "SAME") return to_same("same_upper", axes, of);  // tensorflow's and jax'
    if (word == "same" || word == "same_upper" || word == "same_lower") {
      return to_same(word, axes, of);
    }
    if (word == "full") {
      const Padding full = full_padding(of);
      return axes == Axes::hw ? full : Padding(0, full.left);
    }
    wrong_value("padding", "'valid', 'same', 'same_upper', 'same_lower' or 'full'", value);
  }
  if (!is_sequence(value)) {
    if (!PyIndex_Check(value.ptr())) {
      wrong_type("padding", "an int, a pair (h, w), ((top, bottom), (left, right)) or a str",
                 value);
    }
    const std::int64_t all = to_int("padding", value);
    return axes == Axes::hw ? Padding(all) : Padding(0, all);
  }
  const std::size_t size = nb::len(value);
  if (axes == Axes::hw && size == 4) {
    wrong_value(
        "padding",
        "((top, bottom), (left, right)) for four sides, as a flat tuple of four would leave "
        "their order to guess,",
        value);
  }
  if (axes == Axes::hw && size == 2) {
    if (!is_sequence(value[0]) && !is_sequence(value[1])) {
      return {to_int("padding", value[0]), to_int("padding", value[1])};
    }
    const auto [top, bottom] = to_sides(value[0]);
    const auto [left, right] = to_sides(value[1]);
    return {top, bottom, left, right};
  }
  if (axes == Axes::w && size == 2) {
    wrong_value("padding", "((left, right),) for two sides, as torch takes (w,) for both,", value);
  }
  if (axes == Axes::w && size == 1) {
    if (!is_sequence(value[0])) return {0, to_int("padding", value[0])};
    const auto [left, right] = to_sides(value[0]);
    return {0, 0, left, right};
  }
  wrong_value("padding",
              axes == Axes::hw ? "an int, a pair (h, w) or ((top, bottom), (left, right))"
                               : "an int, (w,) or ((left, right),)",
              value);
}

PaddingMode to_padding_mode(nb::handle value) {
  const std::string_view name = text_of("padding_mode", value);
  std::string known;
  if (name == "edge") return PaddingMode::replicate;  // numpy's and skimage's word
  for (const PaddingMode mode : cli::kPaddingModes) {
    if (name == name_of(mode)) return mode;
    known += (known.empty() ? "'" : ", '") + std::string(name_of(mode)) + "'";
  }
  wrong_value("padding_mode", "one of " + known, value);
}

Activation to_activation(nb::handle value) {
  if (value.is_none()) return {};
  try {
    return parse_activation(text_of("activation", value));
  } catch (const Error& error) {
    throw Error(error.status(),
                "activation: " + std::string(error.what()) + hint("activation", value));
  }
}

Layout to_layout(nb::handle value, Axes axes) {
  const std::string_view name = text_of("layout", value);
  if (name == (axes == Axes::hw ? "nchw" : "ncl")) return Layout::nchw;
  if (name == (axes == Axes::hw ? "nhwc" : "nlc")) return Layout::nhwc;
  wrong_value("layout", axes == Axes::hw ? "'nchw' or 'nhwc'" : "'ncl' or 'nlc'", value);
}

WeightLayout to_weight_layout(nb::handle value, Axes axes) {
  if (value.is_none()) return WeightLayout::not_said;
  const std::string_view name = text_of("weight_layout", value);
  if (name == (axes == Axes::hw ? "oihw" : "oil")) return WeightLayout::oihw;
  if (name == (axes == Axes::hw ? "hwio" : "lio")) return WeightLayout::hwio;
  wrong_value("weight_layout", axes == Axes::hw ? "'oihw' or 'hwio'" : "'oil' or 'lio'", value);
}

int to_threads(nb::handle value) {
  if (value.is_none()) return 0;
  const std::int64_t threads = to_int("threads", value);
  if (threads < 1 || threads > std::numeric_limits<int>::max()) {
    wrong_value("threads", "at least 1, or None for the machine's default,", value);
  }
  return static_cast<int>(threads);
}

std::size_t to_workspace_cap(nb::handle value) {
  if (value.is_none()) return kNoWorkspaceCap;
  const std::int64_t bytes = to_int("max_workspace_bytes", value);
  if (bytes < 0) wrong_value("max_workspace_bytes", "at least 0, or None for no cap,", value);
  return static_cast<std::size_t>(bytes);
}

Problem to_problem(nb::handle value) {
  if (nb::isinstance<Problem>(value)) return nb::cast<Problem>(value);
  if (!PyUnicode_Check(value.ptr())) {
    const std::string text = nb::repr(value).c_str();
    throw nb::type_error(
        ("the problem must be a problem line (str) or a plait.Problem but is " + text).c_str());
  }
  return parse_problem(to_text("line", value));
}

}  // namespace plait::python
