// Arguments of Python calls as plait's values. All throw TypeError for a wrong type, and Error (a
// ValueError in Python) for a wrong value, naming the argument.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>

#include <plait/plan.hpp>
#include <plait/problem.hpp>

namespace plait::python {

namespace nb = nanobind;

// The spatial axes of a call: two (h, w), or one that stands for w with h = 1.
enum class Axes { hw, w };

// Which axis of a weight is which: c_o x c_i/groups x k_h x k_w, k_h x k_w x c_i/groups x c_o, or
// the first as long as it is plausible.
enum class WeightLayout { oihw, hwio, not_said };

std::int64_t to_int(const char* name, nb::handle value);
bool to_bool(const char* name, nb::handle value);
double to_double(const char* name, nb::handle value);
// "" for None.
std::string to_text(const char* name, nb::handle value);

// An int, or a pair (h, w); of one axis an int or (w,).
Pair to_pair(const char* name, nb::handle value, Axes axes);

// The same of two axes, at least 1.
Pair to_size(const char* name, nb::handle value);

// An int, a pair (h, w), ((top, bottom), (left, right)), or 'valid', 'same', 'same_upper',
// 'same_lower', 'full'; of one axis an int, (w,), ((left, right),) or such a word. `of` needs the
// sizes, stride and dilation.
Padding to_padding(nb::handle value, Axes axes, const Problem& of);

PaddingMode to_padding_mode(nb::handle value);
Activation to_activation(nb::handle value);     // None: none
Layout to_layout(nb::handle value, Axes axes);  // 'nchw', 'nhwc'; of one axis 'ncl', 'nlc'
WeightLayout to_weight_layout(nb::handle value, Axes axes);  // 'oihw', 'hwio'; 'oil', 'lio'
int to_threads(nb::handle value);                            // None: 0
std::size_t to_workspace_cap(nb::handle value);              // None: no cap
Problem to_problem(nb::handle value);                        // a problem line or a Problem

}  // namespace plait::python
