// The extension module plait._core: the library's calls and values. Users import python/plait.
#include <nanobind/nanobind.h>

#include <plait/error.hpp>
#include <plait/version.hpp>

#include "bindings.hpp"

namespace {

namespace nb = nanobind;

PyObject* name_of(plait::Status status) {
  if (status == plait::Status::io) return PyExc_OSError;
  return status == plait::Status::out_of_memory ? PyExc_MemoryError : PyExc_ValueError;
}

// Translates the library's errors to Python's exceptions, with the library's text.
void translate(const std::exception_ptr& exception, void*) {
  try {
    std::rethrow_exception(exception);
  } catch (const plait::Error& error) {
    PyErr_SetString(name_of(error.status()), error.what());
  }
}

}  // namespace

NB_MODULE(_core, m) {
  nb::set_leak_warnings(
      false);  // torch, for example, keeps what is registered with it until the end
  nb::register_exception_translator(translate);
  m.attr("__version__") = plait::version();
  plait::python::add_problem(m);
  plait::python::add_candidates(m);
  plait::python::add_plan(m);
  plait::python::add_layer_cost(m);
  plait::python::add_convolutions(m);
  plait::python::add_im2col(m);
  plait::python::add_channels(m);
  plait::python::add_compose(m);
  plait::python::add_rewrites(m);
  plait::python::add_fold(m);
  plait::python::add_verify(m);
  plait::python::add_measure(m);
  plait::python::add_program(m);
  plait::python::add_checksum(m);
  plait::python::add_huge_pages(m);
}
