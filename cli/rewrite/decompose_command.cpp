#include "rewrite/decompose_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <plait/rewrite/decompose.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "io/files.hpp"
#include "rewrite/kernel_arguments.hpp"
#include "rewrite/rewrite_report.hpp"

namespace plait::cli {
namespace {

struct DecomposeArguments : KernelArguments {
  std::optional<std::int64_t> rank;
  std::optional<double> error;
  std::string form;    // of the layers to write; empty: the only one there is
  std::string output;  // empty: none; else what the names of the files begin with
};

// === files ===

std::vector<std::string> paths_of(const std::string& prefix) {
  return {prefix + "1.npy", prefix + "2.npy", prefix + "_reads.npy"};
}

void check_outputs(const DecomposeArguments& arguments) {
  if (!arguments.form.empty()) parse_layer_form(arguments.form);
  if (arguments.output.empty()) {
    if (!arguments.form.empty()) fail("--form says which layers to write: say where with --output");
    return;
  }
  for (const std::string& path : paths_of(arguments.output)) {
    check_output(path, {arguments.kernel});
  }
}

// The layers to write.
template <class T>
const Layers<T>& chosen(const DecomposeArguments& arguments, const Decomposition<T>& found) {
  std::string names;
  const Layers<T>* only = nullptr;
  const auto offer = [&](LayerForm form, const Layers<T>& layers) -> bool {
    names += (names.empty() ? "" : ", ") + std::string(name_of(form));
    only = only == nullptr && names == name_of(form) ? &layers : nullptr;
    if (arguments.form != name_of(form)) return false;
    only = &layers;
    return true;
  };
  bool factors_offered = false;
  for (const Approximation<T>& each : found.approximations) {
    factors_offered = factors_offered || each.form == LayerForm::factors;
    if (offer(each.form, each.layers)) return *only;
  }
  const Tensor<T>& kernel = found.layer[0].kernel;  // for more channels they are among the others
  if (!factors_offered && kernel.size(0) * kernel.size(1) == 1 &&
      found.factorisation.answer == Answer::found &&
      offer(LayerForm::factors, found.factorisation.layers)) {
    return *only;
  }
  if (names.empty()) {
    fail(
        "there are no layers to write: the kernel has no exact ones, and neither --rank nor "
        "--error asks for others");
  }
  if (arguments.form.empty() && only != nullptr) return *only;
  fail(arguments.form.empty() ? "there are several layers to write: choose by --form " + names
                              : fmt::format("there are no layers of the form {} to write, only {}",
                                            arguments.form, names));
}

// Returns lines that say what was written.
template <class T>
std::string write_layers(const std::string& prefix, const Layers<T>& layers) {
  const std::vector<std::string> paths = paths_of(prefix);
  std::string text = "\n";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const ConvLayer<T>& layer = layers[i];
    const Padding& p = layer.padding;
    write_file(paths[i], npy_bytes(layer.kernel), interrupted());
    text += fmt::format(
        "layer {}    {} ({}, stride {}x{}, padding {}_{}_{}_{}, dilation {}x{}, "
        "groups {})\n",
        i + 1, paths[i], to_string(layer.kernel.shape()), layer.stride.h, layer.stride.w, p.top,
        p.bottom, p.left, p.right, layer.dilation.h, layer.dilation.w, layer.groups);
  }
  const std::vector<std::int64_t>& reads = layers[1].reads;
  if (reads.empty()) return text;
  Tensor<double> order({static_cast<std::int64_t>(reads.size())});
  std::transform(reads.begin(), reads.end(), order.begin(),
                 [](std::int64_t channel) { return static_cast<double>(channel); });
  write_file(paths[2], npy_bytes(order), interrupted());
  return text + fmt::format("reads      {} (channel c of layer 2 is channel reads[c] of layer 1)\n",
                            paths[2]);
}

// === the command ===

template <class T>
void decompose_array(const DecomposeArguments& arguments, const Tensor<T>& kernel) {
  auto options = arguments.options_for<DecomposeOptions>(kernel.shape());
  options.rank = arguments.rank;
  options.error = arguments.error;
  constexpr double kCopies = 8;  // in f64: the kernel, its matrices and their factors
  check_memory(kCopies * static_cast<double>(kernel.size()) * double{sizeof(double)},
               fmt::format("the kernel is {}", to_string(kernel.shape())));
  check_alternatives_fit(kernel, options);
  const Decomposition<T> found = decompose(kernel, options);
  std::string written;
  if (!arguments.output.empty()) {
    written = write_layers(arguments.output, chosen(arguments, found));
  }
  if (arguments.json) {
    Json json = to_json(found);
    json["kernel"] = arguments.kernel;
    json["output"] = arguments.output.empty() ? Json(nullptr) : Json(arguments.output);
    std::cout << text_of(json);
    return;
  }
  std::cout << found << written;
}

int decompose_command(const DecomposeArguments& arguments) {
  check_outputs(arguments);
  const Array kernel = read_kernel(arguments.kernel);
  std::visit([&](const auto& tensor) { decompose_array(arguments, tensor); }, kernel);
  return 0;
}

constexpr const char* kDecomposeFooter =
    "Examples:\n"
    "  plait decompose k.npy\n"
    "  plait decompose k.npy --rank 16 --input-size 56x56 --padding 1\n"
    "  plait decompose k.npy --error 0.05 --groups 4 --json\n"
    "  plait decompose k.npy --rank 16 --form channels_first -o small\n"
    "\n"
    "One channel: whether the kernel is two kernels larger than 1x1 with nothing between them, by\n"
    "the factors of its polynomial: found, proved impossible, or undecided. More channels: bounds\n"
    "on the channels that two layers need between them. Without --rank and --error, the layers "
    "that\n"
    "are exact. The forms, for K of c_o x c_i/groups x k_h x k_w:\n"
    "  spatial_pairs   k_h x 1 then 1 x k_w, each pair of channels by itself\n"
    "  spatial_shared  k_h x 1 then 1 x k_w, the channels between shared\n"
    "  channels_first  1x1 then k_h x k_w\n"
    "  channels_last   k_h x k_w then 1x1\n"
    "  factors         the two kernels of one channel, exact\n"
    "-o small writes small1.npy and small2.npy, and small_reads.npy where the second layer reads\n"
    "the channels in another order. Times need --input-size.\n";

}  // namespace

Command add_decompose_command(CLI::App& app) {
  const auto arguments = std::make_shared<DecomposeArguments>();
  CLI::App* command = app.add_subcommand(
      "decompose", "Tell whether a kernel is two smaller ones, and find cheaper layers near to it");
  const auto option = [command](const char* name, auto& value, const char* type,
                                const std::string& help) {
    return command->add_option(name, value, help)->type_name(type);
  };
  arguments->add(*command);
  CLI::Option* rank = option("--rank", arguments->rank, "R", "Layers of this rank");
  option("--error", arguments->error, "E",
         "Layers of the least rank with at most this error of the kernel: 0.05 is 5 %")
      ->excludes(rank);
  option("--form", arguments->form, "NAME", "Which layers --output writes, if there are several");
  option("-o,--output", arguments->output, "PREFIX", "Write the layers' kernels as .npy files");
  command->footer(kDecomposeFooter);
  return {command, [arguments] { return decompose_command(*arguments); }};
}

}  // namespace plait::cli
