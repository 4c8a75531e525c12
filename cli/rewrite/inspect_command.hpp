// `plait inspect`: structure in a kernel, and cheaper layers that compute the same.
#pragma once

#include "app/command.hpp"
#include "draw/kernel_bank.hpp"

namespace plait::cli {

// draw_kernel_bank
using DrawBank = DrawnBank (*)(const KernelBank& bank, bool svg);

// A face without an image library has no `draw`, and no --picture.
Command add_inspect_command(CLI::App& app, DrawBank draw = nullptr);

}  // namespace plait::cli
