#include "run/run_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/text.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "app/option_values.hpp"
#include "draw/feature_grid.hpp"
#include "io/files.hpp"
#include "io/json.hpp"
#include "io/presets.hpp"
#include "measure/compute.hpp"
#include "options/plan_options.hpp"
#include "run/inception.hpp"
#include "run/run_inputs.hpp"

namespace plait::cli {
namespace {

struct RunArguments {
  ConvolutionOptions convolution;
  PlanOptions planning;
  std::string output;  // .png or .npy; empty: only print
};

// For all timed runs together, so that the command stays quick.
constexpr double kBudgetSeconds = 0.5;
constexpr int kInceptionConvolutions = 6;

// Checks what can be known about the output before anything is computed.
void check_output_arguments(const RunArguments& arguments) {
  const std::string& output = arguments.output;
  if (output.empty()) return;
  check_extension("output", output, {".png", ".npy"}, "plait writes .png and .npy");
  std::vector<std::string> inputs = {arguments.convolution.input};
  if (!is_preset(arguments.convolution.kernel)) inputs.push_back(arguments.convolution.kernel);
  if (!arguments.convolution.bias.empty()) inputs.push_back(arguments.convolution.bias);
  check_output(output, inputs);
}

void check_picture_output(const std::string& output, std::int64_t n) {
  if (extension_of(output) == ".png" && n != 1) {
    fail(fmt::format("a .png shows the maps of one image but the batch has {}; write a .npy", n));
  }
}

void print_input(const RunArguments& arguments, const RunInputs& inputs) {
  std::cout << fmt::format("input     {}, {}{}\n", arguments.convolution.input,
                           inputs.photograph ? "picture of " : "", to_string(shape_of(inputs.x)));
  for (const std::string& note : inputs.notes) std::cout << "note      " << note << "\n";
}

// Computes one convolution within the limits. Prints its plan and measurements unless JSON is asked
// for.
template <class T>
Tensor<T> convolve(const RunArguments& arguments, const std::string& name, const Problem& problem,
                   const Tensor<T>& x, const Tensor<T>& kernel, const Tensor<T>* bias,
                   double budget_seconds, std::vector<Measured>& measured) {
  stop_if_interrupted();
  const Plan chosen = plan(problem, limits_of(arguments.planning), machine_of(arguments.planning));
  check_memory(chosen);
  const bool text = !arguments.planning.json;
  if (text) {
    if (!name.empty()) std::cout << "\n-- " << name << "\n";
    std::cout << chosen.explain() << std::flush;
  }
  Measured& one = measured.emplace_back();
  one.name = name;
  Tensor<T> y = run_and_measure<T>(chosen, x, kernel, bias, budget_seconds, one);
  if (text) std::cout << measured_text(one) << std::flush;
  return y;
}

Array compute(const RunArguments& arguments, const RunInputs& inputs,
              std::vector<Measured>& measured) {
  if (inputs.inception) {
    return inception(std::get<Tensor<float>>(inputs.x), inception_weights(),
                     [&](const std::string& name, const Problem& problem, const Tensor<float>& x,
                         const Tensor<float>& kernel) {
                       return convolve<float>(arguments, name, problem, x, kernel, nullptr,
                                              kBudgetSeconds / kInceptionConvolutions, measured);
                     });
  }
  return std::visit(
      [&](const auto& x) -> Array {
        using Tensor = std::remove_cvref_t<decltype(x)>;
        if (x.size(0) == 0) {
          const Dims y = inputs.problem.y_shape();
          return Tensor({0, y[1], y[2], y[3]});
        }
        const Tensor* bias = inputs.bias ? &std::get<Tensor>(*inputs.bias) : nullptr;
        return convolve(arguments, "", inputs.problem, x, std::get<Tensor>(inputs.kernel), bias,
                        kBudgetSeconds, measured);
      },
      inputs.x);
}

// y[1, c_o, h', w'] as the c_o x h' x w' f32 maps that a picture shows.
Tensor<float> maps_of(const Array& y) {
  return std::visit(
      [](const auto& tensor) {
        Tensor<float> maps({tensor.size(1), tensor.size(2), tensor.size(3)});
        std::transform(tensor.begin(), tensor.end(), maps.begin(),
                       [](auto value) { return static_cast<float>(value); });
        return maps;
      },
      y);
}

std::string output_bytes(const RunArguments& arguments, const RunInputs& inputs, Array y,
                         const std::vector<Measured>& measured) {
  if (extension_of(arguments.output) == ".npy") {
    return std::visit([&](auto& tensor) { return npy_bytes(as_given(std::move(tensor), inputs)); },
                      y);
  }
  const std::string kernel = arguments.convolution.kernel;
  const std::string input = std::filesystem::path(arguments.convolution.input).filename().string();
  GridText text;
  text.title = fmt::format(
      "{} · {}", is_preset(kernel) ? kernel : std::filesystem::path(kernel).filename().string(),
      input);
  text.subtitle = inputs.inception ? fmt::format("{} convolutions of {}, each followed by ReLU",
                                                 measured.size(), to_string(shape_of(inputs.x)))
                                   : to_string(inputs.problem);
  text.channel_names = inputs.inception ? inception_weights().channel_names : inputs.channel_names;
  return draw_feature_grid(maps_of(y), text);
}

Json report_json(const RunArguments& arguments, const RunInputs& inputs,
                 const std::vector<Measured>& measured, const Totals& totals, const Dims& y_shape) {
  Json convolutions = Json::array();
  for (const Measured& one : measured) convolutions.push_back(to_json(one));
  Json shape = Json::array();
  for (const std::int64_t size : y_shape) shape.push_back(size);
  return {{"schema", "plait.run/1"},
          {"input", arguments.convolution.input},
          {"kernel", arguments.convolution.kernel},
          {"output", arguments.output.empty() ? Json(nullptr) : Json(arguments.output)},
          {"output_shape", shape},
          {"notes", inputs.notes},
          {"seconds", totals.seconds},
          {"gflops", totals.gflops()},
          {"kept_bound", totals.kept_bound},
          {"convolutions", convolutions}};
}

int run_command(const RunArguments& arguments) {
  limits_of(arguments.planning);
  machine_of(arguments.planning);
  check_output_arguments(arguments);
  const RunInputs inputs = read_run_inputs(arguments.convolution);
  check_picture_output(arguments.output, shape_of(inputs.x)[0]);
  if (!arguments.planning.json) print_input(arguments, inputs);

  std::vector<Measured> measured;
  Array y = compute(arguments, inputs, measured);
  const Dims y_shape = shape_of(y);
  const Totals totals = totals_of(measured);
  if (!totals.kept_bound) {
    if (arguments.planning.json) {
      RunArguments unwritten = arguments;
      unwritten.output.clear();
      std::cout << text_of(report_json(unwritten, inputs, measured, totals, y_shape));
    }
    std::cerr << "plait: " << broken_bound_text(measured)
              << (arguments.output.empty() ? "" : "; nothing was written") << "\n";
    return 1;
  }
  if (!arguments.output.empty()) {
    write_file(arguments.output, output_bytes(arguments, inputs, std::move(y), measured),
               interrupted());
  }
  if (arguments.planning.json) {
    std::cout << text_of(report_json(arguments, inputs, measured, totals, y_shape));
    return 0;
  }
  if (measured.size() > 1) std::cout << "\n" << totals_text(totals, measured.size());
  if (!arguments.output.empty()) {
    std::cout << fmt::format("output    {}, {}\n", arguments.output, to_string(y_shape));
  }
  return 0;
}

}  // namespace

Command add_run_command(CLI::App& app) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Convolve a photograph or an array");
  ConvolutionOptions& convolution = arguments->convolution;
  std::string kernels = "A .npy file (c_o x c_i/groups x k_h x k_w, or fewer axes) or a preset:";
  for (const PresetInfo& preset : presets()) {
    kernels += fmt::format("\n  {:10} {}", preset.name, preset.summary);
  }
  add_option(*command, "--input", convolution.input, "FILE", "A .jpg, .png or .npy file")
      ->required();
  add_option(*command, "--kernel", convolution.kernel, "PRESET|FILE", kernels)->required();
  add_option(*command, "--bias", convolution.bias, "FILE", "A .npy file of c_o values");
  add_option(*command, "--output", arguments->output, "FILE",
             "Write the feature maps: a .png grid or a .npy array");
  add_option(*command, "--stride", convolution.stride, "HxW", "2, or 2x1 (h x w)");
  add_option(
      *command, "--padding", convolution.padding, "SIZES",
      "1, 1x2 (h x w), 2_3_2_3 (top_bottom_left_right), same_upper, same_lower, full or valid; "
      "default 0, for presets same_upper");
  add_option(*command, "--padding-mode", convolution.padding_mode, "MODE",
             "zeros (default), reflect, symmetric, replicate, circular or constant=NUMBER");
  add_option(*command, "--dilation", convolution.dilation, "HxW", "2, or 2x1 (h x w)");
  add_option(*command, "--groups", convolution.groups, "N", "Default 1");
  CLI::Option* activation = add_option(*command, "--activation", convolution.activation, "NAME",
                                       "relu, relu6, leaky:0.1, hswish, silu, sigmoid or tanh");
  command
      ->add_flag_callback(
          "--relu", [&convolution] { convolution.activation = "relu"; }, "--activation relu")
      ->excludes(activation);
  add_option(*command, "--dtype", convolution.dtype, "DTYPE",
             "Compute in f32 or f64; default: as the input, f32 for pictures");
  add_option(*command, "--layout", convolution.layout, "LAYOUT",
             "Axes of an input .npy, and of an output .npy: nchw (default) or nhwc");
  add_option(*command, "--weight-layout", convolution.weight_layout, "LAYOUT",
             "Axes of a kernel .npy: oihw (c_o x c_i/groups x k_h x k_w, default) or hwio");
  add_plan_options(*command, arguments->planning);
  command->footer(
      "Examples:\n"
      "  plait run --input photo.jpg --kernel edges --output edges.png\n"
      "  plait run --input photo.jpg --kernel inception --output maps.png\n"
      "  plait run --input photo.jpg --kernel gabor --stride 2 --relu --algorithm im2col\n"
      "  plait run --input x.npy --kernel k.npy --bias b.npy --padding 1 --output y.npy\n"
      "  plait run --input x.npy --kernel k.npy --stride 2x1 --padding 2_3_2_3 --json\n"
      "\n"
      "Prints the plan, the median time of several runs, GFLOP/s, and the error against the\n"
      "reference. A photograph becomes 3 x h x w with values from 0 to 1; transparency is\n"
      "composited over white. The bound of an output's error is\n"
      "  error_bound (error_range max|x| sum|K| + |bias|) + error_floor (1 + max|x| + max|K|)\n"
      "with max|x| over its window, and numbers that --json shows as the plan's cost; NaN and\n"
      "infinity must be those of the reference. The exit code is 1 if an output breaks this, and "
      "2\n"
      "for wrong use.");
  return {command, [arguments] { return run_command(*arguments); }};
}

}  // namespace plait::cli
