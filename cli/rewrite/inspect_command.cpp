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
#include "rewrite/kernel_arguments.hpp"
#include "rewrite/rewrite_report.hpp"

namespace plait::cli {
namespace {

struct InspectArguments : KernelArguments {
  std::string picture;  // .png or .svg; empty: none
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
  const auto options = arguments.options_for<InspectOptions>(kernel.shape());
  if (!arguments.picture.empty()) check_drawable(kernel.shape());
  check_alternatives_fit(kernel, options);
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
  arguments->add(*command);
  if (draw != nullptr) {
    command
        ->add_option("--picture", arguments->picture,
                     "Draw the kernels as a grid, a row per output channel: a .png or .svg picture")
        ->type_name("FILE");
  }
  command->footer(std::string(kExamples) + (draw != nullptr ? kPictureExample : "") + kExplained);
  return {command, [arguments, draw] { return inspect_command(*arguments, draw); }};
}

}  // namespace plait::cli
