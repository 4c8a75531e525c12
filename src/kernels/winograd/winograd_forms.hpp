// The compiled forms of winograd.hpp: those of both axes in one file, those of one in another.
#pragma once

#include <span>

#include "kernels/winograd/winograd.hpp"

namespace plait::kernels {

struct WinogradSet {
  std::span<const WinogradKernels> forms;
};

const WinogradSet& winograd_square_forms(Target target);
const WinogradSet& winograd_axis_forms(Target target);

}  // namespace plait::kernels
