// The functions by which each file of the extension adds its part to the module.
#pragma once

#include <nanobind/nanobind.h>

namespace plait::python {

void add_convolutions(nanobind::module_& m);
void add_im2col(nanobind::module_& m);
void add_channels(nanobind::module_& m);
void add_compose(nanobind::module_& m);
void add_rewrites(nanobind::module_& m);
void add_fold(nanobind::module_& m);
void add_problem(nanobind::module_& m);
void add_candidates(nanobind::module_& m);
void add_plan(nanobind::module_& m);
void add_layer_cost(nanobind::module_& m);
void add_verify(nanobind::module_& m);
void add_measure(nanobind::module_& m);
void add_program(nanobind::module_& m);
void add_checksum(nanobind::module_& m);
void add_huge_pages(nanobind::module_& m);

}  // namespace plait::python
