// Converts arguments of Python calls to plait's values. All functions throw TypeError for a wrong
// type, and Error (a ValueError in Python) for a wrong value; the message names the argument.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>

#include <plait/plan.hpp>
#include <plait/problem.hpp>

namespace plait::python {

namespace nb = nanobind;

// The spatial axes of a call: h and w, or w alone, where h is 1.
enum class Axes { hw, w };

// The order of a weight's axes. oihw: c_o x c_i/groups x k_h x k_w; hwio: k_h x k_w x c_i/groups x
// c_o; not_said: oihw, unless that is implausible.
enum class WeightLayout { oihw, hwio, not_said };

std::int64_t to_int(const char* name, nb::handle value);
bool to_bool(const char* name, nb::handle value);
double to_double(const char* name, nb::handle value);
// "" for None.
std::string to_text(const char* name, nb::handle value);

// Takes an int or (h, w); for one axis an int or (w,).
Pair to_pair(const char* name, nb::handle value, Axes axes);

// Takes an int or (h, w), at least 1.
Pair to_size(const char* name, nb::handle value);

// Takes an int, (h, w), ((top, bottom), (left, right)), or 'valid', 'same', 'same_upper',
// 'same_lower' or 'full'; for one axis an int, (w,), ((left, right),) or such a word. The words
// need the sizes, the stride and the dilation of `of`.
Padding to_padding(nb::handle value, Axes axes, const Problem& of);

PaddingMode to_padding_mode(nb::handle value);
Activation to_activation(nb::handle value);     // None: none
Layout to_layout(nb::handle value, Axes axes);  // 'nchw', 'nhwc'; for one axis 'ncl', 'nlc'
WeightLayout to_weight_layout(nb::handle value,
                              Axes axes);        // 'oihw', 'hwio'; for one axis 'oil', 'lio'
int to_threads(nb::handle value);                // None: 0
std::size_t to_workspace_cap(nb::handle value);  // None: no cap
Problem to_problem(nb::handle value);            // a problem line or a Problem

}  // namespace plait::python
