#include "rewrite/inspect_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <plait/rewrite/inspect.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "io/files.hpp"
#include "measure/compute.hpp"
#include "options/layer_options.hpp"
#include "rewrite/inspect_report.hpp"

namespace plait::cli {
namespace {

struct InspectArguments {
  std::string kernel;
  StepOptions steps;
  std::int64_t groups = 1;
  TimingOptions timing;
  std::string picture;  // .png or .svg; empty: none
  bool json = false;
};

void check_picture(const std::string& path, const std::string& kernel) {
  if (path.empty()) return;
  const std::string extension = extension_of(path);
  if (extension != ".png" && extension != ".svg") {
    fail(fmt::format("picture {} has {}; plait inspect draws .png and .svg", path,
                     extension.empty() ? "no extension" : "the unknown extension " + extension));
  }
  check_output(path, {kernel});
}

InspectOptions options_of(const InspectArguments& arguments, const Dims& shape) {
  InspectOptions options;
  options.groups = arguments.groups;
  options.input_size = arguments.timing.parsed_size();
  options.measure_seconds = arguments.timing.measure_seconds;
  options.threads = arguments.timing.threads;
  const Steps steps = arguments.steps.parsed({shape[2], shape[3]}, options.input_size);
  options.stride = steps.stride;
  options.padding = steps.padding;
  options.dilation = steps.dilation;
  options.cancel = &interrupted();
  return options;
}

// x and y, and for each alternative about as much again.
template <class T>
void check_fits(const Tensor<T>& kernel, const InspectOptions& options) {
  const bool grouped = options.groups >= 1 && kernel.size(0) % options.groups == 0;
  if (!options.input_size || !grouped) return;  // the library refuses wrong groups
  Problem problem;
  problem.c_o = kernel.size(0);
  problem.c_i = kernel.size(1) * options.groups;
  problem.h = options.input_size->h;
  problem.w = options.input_size->w;
  problem.k_h = kernel.size(2);
  problem.k_w = kernel.size(3);
  problem.stride = options.stride;
  problem.padding = options.padding;
  problem.dilation = options.dilation;
  problem.groups = options.groups;
  validate(problem);
  const double elements = static_cast<double>(element_count(problem.x_shape())) +
                          static_cast<double>(element_count(problem.y_shape()));
  check_memory(4 * elements * static_cast<double>(sizeof(T)),
               fmt::format("x is {}, y {}, held for each alternative", to_string(problem.x_shape()),
                           to_string(problem.y_shape())));
}

template <class T>
KernelBank bank_of(const InspectArguments& arguments, const Inspection<T>& inspection) {
  const Tensor<T>& kernel = inspection.layer[0].kernel;
  const std::size_t slash = arguments.kernel.find_last_of('/');
  KernelBank bank{
      Tensor<double>(kernel.shape()), arguments.groups,
      "Kernels of " + arguments.kernel.substr(slash == std::string::npos ? 0 : slash + 1)};
  std::copy(kernel.begin(), kernel.end(), bank.kernel.begin());
  return bank;
}

template <class T>
void inspect_kernel(const InspectArguments& arguments, const Tensor<T>& kernel, DrawBank draw) {
  const InspectOptions options = options_of(arguments, kernel.shape());
  if (!arguments.picture.empty()) check_drawable(kernel.shape());
  check_fits(kernel, options);
  const Inspection<T> inspection = inspect(kernel, options);
  std::string shown;
  if (!arguments.picture.empty()) {
    const bool svg = extension_of(arguments.picture) == ".svg";
    DrawnBank drawn = draw(bank_of(arguments, inspection), svg);
    write_file(arguments.picture, drawn.bytes, interrupted());
    shown = std::move(drawn.shown);
  }
  if (arguments.json) {
    Json json = to_json(inspection);
    json["picture"] = arguments.picture.empty() ? Json(nullptr) : Json(arguments.picture);
    std::cout << text_of(json);
    return;
  }
  std::cout << inspection;
  if (arguments.picture.empty()) return;
  std::cout << fmt::format("\npicture   {}{}\n", arguments.picture,
                           shown.empty() ? "" : ", " + shown);
}

int inspect_command(const InspectArguments& arguments, DrawBank draw) {
  check_picture(arguments.picture, arguments.kernel);
  const Array kernel = read_kernel(arguments.kernel);
  std::visit([&](const auto& tensor) { inspect_kernel(arguments, tensor, draw); }, kernel);
  return 0;
}

constexpr const char* kExamples =
    "Examples:\n"
    "  plait inspect k.npy\n"
    "  plait inspect k.npy --padding 2 --input-size 56x56\n"
    "  plait inspect k.npy --stride 2 --padding 1 --groups 4 --json\n";
constexpr const char* kPictureExample = "  plait inspect k.npy --picture bank.png\n";
constexpr const char* kExplained =
    "\n"
    "Finds blocks of channels that do not meet (as they are stored, or in another order), dead\n"
    "channels, taps that are zero everywhere, repeated kernels, kernels of low rank (separable\n"
    "ones among them) and symmetric ones. Each cheaper equivalent comes with a proof: the kernel\n"
    "is rebuilt from the proposed layers, and has the same bits, or the error of every output is\n"
    "bounded. Leaving out zero rows or columns takes padding away, so that it needs --padding.\n"
    "Without --input-size only products are compared. In Python, plait.inspect gives the layers.\n";

}  // namespace

Command add_inspect_command(CLI::App& app, DrawBank draw) {
  const auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = app.add_subcommand(
      "inspect", "Find structure in a kernel, and cheaper layers that compute the same");
  const auto option = [command](const char* name, auto& value, const char* type,
                                const std::string& help) {
    return command->add_option(name, value, help)->type_name(type);
  };
  option("kernel", arguments->kernel, "FILE", kKernelFileHelp)->required();
  arguments->steps.add(*command);
  option("--groups", arguments->groups, "N", "Of the layer; must divide c_o; default 1");
  arguments->timing.add(*command);
  if (draw != nullptr) {
    option("--picture", arguments->picture, "FILE",
           "Draw the kernels as a grid, a row per output channel: a .png or .svg picture");
  }
  command->add_flag("--json", arguments->json, "Print JSON and nothing else");
  command->footer(std::string(kExamples) + (draw != nullptr ? kPictureExample : "") + kExplained);
  return {command, [arguments, draw] { return inspect_command(*arguments, draw); }};
}

}  // namespace plait::cli
