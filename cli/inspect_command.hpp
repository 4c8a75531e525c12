// `plait inspect`: structure in a kernel, and cheaper layers that compute the same.
#pragma once

#include <string>

#include "command.hpp"
#include "kernel_bank.hpp"

namespace plait::faces {

// Draws a bank as a .svg or .png file's bytes: draw_kernel_bank.
using DrawBank = std::string (*)(const KernelBank& bank, bool svg);

// A face without an image library has no `draw`, and no --picture.
Command add_inspect_command(CLI::App& app, DrawBank draw = nullptr);

}  // namespace plait::faces
