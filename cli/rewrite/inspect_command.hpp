// `plait inspect`: structure in a kernel, and cheaper layers that compute the same.
#pragma once

#include "app/command.hpp"
#include "draw/kernel_bank.hpp"

namespace plait::cli {

// The function draw_kernel_bank, for a program that can draw.
using DrawBank = DrawnBank (*)(const KernelBank& bank, bool svg);

// Without `draw`, as in a program without an image library, there is no --picture.
Command add_inspect_command(CLI::App& app, DrawBank draw = nullptr);

}  // namespace plait::cli
