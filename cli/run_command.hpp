// `plait run`: a convolution over a photograph or an array.
#pragma once

#include <string>

#include "plan_options.hpp"
#include "run_inputs.hpp"

namespace plait::faces {

struct RunArguments {
  ConvolutionOptions convolution;
  PlanOptions planning;
  std::string output;  // .png or .npy; empty: only print
};

CLI::App* add_run_command(CLI::App& app, RunArguments& arguments);

// Prints what was planned, computed and written. Returns the exit code: 1 if an output was farther
// from the reference than its bound allows (and then writes nothing). Throws Error.
int run_command(const RunArguments& arguments);

}  // namespace plait::faces
