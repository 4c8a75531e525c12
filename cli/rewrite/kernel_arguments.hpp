// What `plait decompose` and `plait inspect` ask of their user alike: a kernel, the layer that it
// belongs to, and how its alternatives are timed.
#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

#include "app/interrupt.hpp"
#include "measure/compute.hpp"
#include "options/layer_options.hpp"

namespace plait::cli {

struct KernelArguments {
  std::string kernel;
  StepOptions steps;
  std::int64_t groups = 1;
  TimingOptions timing;
  bool json = false;

  void add(CLI::App& command) {
    command.add_option("kernel", kernel, kKernelFileHelp)->type_name("FILE")->required();
    steps.add(command);
    command.add_option("--groups", groups, "Of the layer; must divide c_o; default 1")
        ->type_name("N");
    timing.add(command);
    command.add_flag("--json", json, "Print JSON and nothing else");
  }

  // DecomposeOptions or InspectOptions for a kernel of four axes.
  template <class Options>
  Options options_for(const Dims& shape) const {
    Options options;
    options.groups = groups;
    options.input_size = timing.parsed_size();
    options.measure_seconds = options.input_size ? timing.measure_seconds : 0;
    options.threads = timing.threads;
    const Steps parsed = steps.parsed({shape[2], shape[3]}, options.input_size);
    options.stride = parsed.stride;
    options.padding = parsed.padding;
    options.dilation = parsed.dilation;
    options.cancel = &interrupted();
    return options;
  }
};

// Throws Error where the memory cannot hold x and y, and about as much again for each alternative.
template <class T, class Options>
void check_alternatives_fit(const Tensor<T>& kernel, const Options& options) {
  const bool grouped = options.groups >= 1 && kernel.size(0) % options.groups == 0;
  if (!options.input_size || !grouped) return;  // the library refuses wrong groups
  const Problem problem = problem_of(
      ConvLayer<T>{.kernel = kernel,
                   .stride = options.stride,
                   .padding = options.padding,
                   .dilation = options.dilation,
                   .groups = options.groups},
      {1, kernel.size(1) * options.groups, options.input_size->h, options.input_size->w});
  const double elements = static_cast<double>(element_count(problem.x_shape())) +
                          static_cast<double>(element_count(problem.y_shape()));
  check_memory(4 * elements * static_cast<double>(sizeof(T)),
               fmt::format("x is {}, y {}, held for each alternative", to_string(problem.x_shape()),
                           to_string(problem.y_shape())));
}

}  // namespace plait::cli
