#include "rewrite/compose_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <plait/plan.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "io/files.hpp"
#include "io/json.hpp"
#include "io/npy.hpp"
#include "measure/compute.hpp"
#include "options/layer_options.hpp"
#include "rewrite/compose_report.hpp"

namespace plait::cli {
namespace {

struct LayerArguments {
  std::string kernel;
  std::string bias;  // empty: none
  StepOptions steps;
  std::int64_t groups = 1;
};

struct ComposeArguments {
  LayerArguments first, second;
  std::string output;
  std::string bias_output;  // empty: not asked for
  std::string differing;    // likewise
  TimingOptions timing;
  bool require_exact = false;
  bool json = false;
};

// === files ===

// Refuses outputs that cannot be written, before any input is read.
void check_outputs(const ComposeArguments& arguments) {
  std::vector<std::string> inputs;
  for (const std::string& input : {arguments.first.kernel, arguments.second.kernel,
                                   arguments.first.bias, arguments.second.bias}) {
    if (!input.empty()) inputs.push_back(input);
  }
  std::vector<std::filesystem::path> outputs;
  for (const std::string& output : {arguments.output, arguments.bias_output, arguments.differing}) {
    if (output.empty()) continue;
    const std::string extension = extension_of(output);
    if (extension != ".npy") {
      fail(fmt::format("output {} has {}; plait compose writes .npy", output,
                       extension.empty() ? "no extension" : "the extension " + extension));
    }
    check_output(output, inputs);
    const std::filesystem::path path = std::filesystem::weakly_canonical(output);
    if (std::find(outputs.begin(), outputs.end(), path) != outputs.end()) {
      fail(fmt::format("output {} is asked for twice", output));
    }
    outputs.push_back(path);
  }
  const bool biased = !arguments.first.bias.empty() || !arguments.second.bias.empty();
  if (biased && arguments.bias_output.empty()) {
    fail(
        "a layer has a bias, so the one of both has one too: say where to write it with "
        "--bias-output");
  }
  if (!biased && !arguments.bias_output.empty()) {
    fail("--bias-output is given but neither layer has a bias (--bias1, --bias2)");
  }
  if (!arguments.differing.empty() && !arguments.timing.input_size) {
    fail("--differing needs --input-size: which outputs can differ depends on the size of x");
  }
}

Dtype dtype_of(const Array& array) {
  return std::holds_alternative<Tensor<float>>(array) ? Dtype::f32 : Dtype::f64;
}

template <class T>
Tensor<T> converted(const Array& array) {
  return std::visit(
      [](const auto& from) {
        Tensor<T> to(from.shape());
        std::transform(from.begin(), from.end(), to.begin(),
                       [](auto value) { return static_cast<T>(value); });
        return to;
      },
      array);
}

// The bias in the file, or an empty tensor if there is no file.
template <class T>
Tensor<T> read_bias(const std::string& path, std::vector<std::string>& notes) {
  if (path.empty()) return {};
  const Array bias = parse_npy(read_file(path), path);
  if (sizeof(T) == sizeof(float) && dtype_of(bias) == Dtype::f64) {
    notes.push_back(path + " was rounded from f64 to f32, as the kernels are");
  }
  return converted<T>(bias);
}

// === options ===

template <class T>
struct Inputs {
  Tensor<T> kernel1, kernel2, bias1, bias2;
};

template <class T>
TensorView<const T> view_or_none(const Tensor<T>& tensor) {
  return tensor.data() == nullptr ? TensorView<const T>() : tensor.view();
}

template <class T>
Pair window_of(const Tensor<T>& kernel) {
  return {kernel.size(2), kernel.size(3)};
}

// The size that the second layer reads. Nothing if the first does not accept x: compose() says why.
template <class T>
std::optional<Pair> middle_size(const Steps& steps, const Tensor<T>& kernel,
                                const std::optional<Pair>& size) {
  if (!size) return {};
  const Problem first =
      Problem::of({1, 1, size->h, size->w}, {1, 1, kernel.size(2), kernel.size(3)}, steps.stride,
                  steps.padding, steps.dilation);
  try {
    validate(first);
  } catch (const Error&) {
    return size;
  }
  return Pair(first.h_o(), first.w_o());
}

template <class T>
ComposeOptions<T> options_of(const ComposeArguments& arguments, const Inputs<T>& inputs) {
  ComposeOptions<T> options;
  options.input_size = arguments.timing.parsed_size();
  const Steps first = arguments.first.steps.parsed(window_of(inputs.kernel1), options.input_size);
  const Steps second = arguments.second.steps.parsed(
      window_of(inputs.kernel2), middle_size(first, inputs.kernel1, options.input_size));
  options.stride1 = first.stride;
  options.stride2 = second.stride;
  options.dilation1 = first.dilation;
  options.dilation2 = second.dilation;
  options.padding1 = first.padding;
  options.padding2 = second.padding;
  options.groups1 = arguments.first.groups;
  options.groups2 = arguments.second.groups;
  options.bias1 = view_or_none(inputs.bias1);
  options.bias2 = view_or_none(inputs.bias2);
  options.require_exact = arguments.require_exact;
  options.cancel = &interrupted();
  return options;
}

// === the work ===

// The kernel is in memory three times: summed in f64, rounded, and as the file's bytes.
template <class T>
void check_fits(const Inputs<T>& inputs, const ComposeOptions<T>& options) {
  const Dims shape = composed_shape<T>(inputs.kernel1, inputs.kernel2, options);
  check_memory(static_cast<double>(element_count(shape)) * double{sizeof(double) + 2 * sizeof(T)},
               fmt::format("K1 is {}, K2 is {}, composed {}", to_string(inputs.kernel1.shape()),
                           to_string(inputs.kernel2.shape()), to_string(shape)));
}

double predicted_seconds(const Problem& problem, int threads) {
  return plan(problem, {.threads = threads}).cost().predicted_seconds;
}

// Sets the one layer's problem, and what it and the two layers cost.
template <class T>
void add_costs(const ComposeArguments& arguments, const Inputs<T>& inputs,
               const ComposeOptions<T>& options, const Composition<T>& composed,
               ComposeReport& report) {
  if (!options.input_size) return;
  const Layers<T> two = two_layers<T>(inputs.kernel1, inputs.kernel2, options);
  const Layers<T> one = one_layer(composed);
  const Dims x{1, composed.kernel.size(1) * composed.groups, options.input_size->h,
               options.input_size->w};
  report.problem = problem_of(one[0], x);
  const Problem first = problem_of(two[0], x);
  const Problem second = problem_of(two[1], first.y_shape());
  const int threads = arguments.timing.threads;
  if (arguments.timing.measure_seconds == 0) {
    report.costs = {{.multiplications = composed.per_image->two_layers,
                     .predicted_seconds =
                         predicted_seconds(first, threads) + predicted_seconds(second, threads)},
                    {.multiplications = composed.per_image->one_layer,
                     .predicted_seconds = predicted_seconds(*report.problem, threads)}};
    return;
  }
  const double elements = 2 * static_cast<double>(element_count(x)) +
                          static_cast<double>(element_count(first.y_shape())) +
                          2 * static_cast<double>(element_count(second.y_shape()));
  check_memory(elements * double{sizeof(T)},
               fmt::format("x is {}, to measure times: --measure 0 leaves that out", to_string(x)));
  report.costs = compare_layers<T>({two, one}, x,
                                   {.measure_seconds = arguments.timing.measure_seconds,
                                    .threads = threads,
                                    .cancel = options.cancel});
}

// 1 where the output can differ, 0 where not.
Tensor<float> mask_of(const DifferingOutputs& differing) {
  check_memory(8 * static_cast<double>(differing.h()) * static_cast<double>(differing.w()),
               fmt::format("the outputs are {}x{}", differing.h(), differing.w()));
  Tensor<float> mask({differing.h(), differing.w()});
  for (std::int64_t i = 0; i < differing.h(); ++i) {
    for (std::int64_t j = 0; j < differing.w(); ++j) mask(i, j) = differing(i, j) ? 1.0F : 0.0F;
  }
  return mask;
}

template <class T>
int compose_arrays(const ComposeArguments& arguments, const Array& kernel1, const Array& kernel2) {
  ComposeReport report;
  Inputs<T> inputs{converted<T>(kernel1), converted<T>(kernel2),
                   read_bias<T>(arguments.first.bias, report.notes),
                   read_bias<T>(arguments.second.bias, report.notes)};
  const ComposeOptions<T> options = options_of(arguments, inputs);
  check_fits(inputs, options);
  const Composition<T> composed = compose(inputs.kernel1, inputs.kernel2, options);
  report.dtype = std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32;
  if (dtype_of(kernel1) != dtype_of(kernel2)) {
    report.notes.emplace_back("composed in f64, as one of the kernels is");
  }
  report.kernel1 = {arguments.first.kernel, inputs.kernel1.shape()};
  report.kernel2 = {arguments.second.kernel, inputs.kernel2.shape()};
  report.kernel = {arguments.output, composed.kernel.shape()};
  if (composed.bias.size() != 0) {
    report.bias = {arguments.bias_output, composed.bias.shape()};
  }
  add_costs(arguments, inputs, options, composed, report);
  std::optional<Tensor<float>> mask;
  if (!arguments.differing.empty()) mask = mask_of(*composed.differing);

  write_file(arguments.output, npy_bytes(composed.kernel), interrupted());
  if (report.bias) write_file(arguments.bias_output, npy_bytes(composed.bias), interrupted());
  if (mask) write_file(arguments.differing, npy_bytes(*mask), interrupted());
  std::cout << (arguments.json ? text_of(compose_json(composed, report))
                               : compose_text(composed, report));
  return 0;
}

int compose_command(const ComposeArguments& arguments) {
  check_outputs(arguments);
  const Array kernel1 = read_kernel(arguments.first.kernel);
  const Array kernel2 = read_kernel(arguments.second.kernel);
  const bool f64 = dtype_of(kernel1) == Dtype::f64 || dtype_of(kernel2) == Dtype::f64;
  return f64 ? compose_arrays<double>(arguments, kernel1, kernel2)
             : compose_arrays<float>(arguments, kernel1, kernel2);
}

constexpr const char* kComposeFooter =
    "Examples:\n"
    "  plait compose k1.npy k2.npy -o k.npy\n"
    "  plait compose k1.npy k2.npy -o k.npy --padding1 1 --padding2 1 --input-size 56\n"
    "  plait compose k1.npy k2.npy -o k.npy --stride1 2 --groups1 8 --require-exact\n"
    "  plait compose k1.npy k2.npy -o k.npy --bias1 b1.npy --bias-output b.npy --json\n"
    "\n"
    "K1 is c_m x c_i/groups1 x k_h x k_w, K2 is c_o x c_m/groups2 x k_h x k_w; k_h x k_w stands\n"
    "for one channel. The one kernel is their full convolution, summed over the middle channels.\n"
    "On each axis it has 1 + d1 (k1 - 1) + s1 d2 (k2 - 1) taps (k1 + k2 - 1 of plain layers), "
    "the\n"
    "stride s1 s2 and the padding p1 + s1 p2; its groups are gcd(groups1, groups2).\n"
    "It is exact but where the second layer pads: there that layer reads zeros, where one kernel\n"
    "goes on with the first layer. With --input-size it is told which outputs can differ, and "
    "what\n"
    "composing costs or saves in measured time; without it, whether x of some size has such "
    "outputs.";

}  // namespace

Command add_compose_command(CLI::App& app) {
  const auto arguments = std::make_shared<ComposeArguments>();
  CLI::App* command =
      app.add_subcommand("compose", "Make one layer of two with nothing between them");
  const auto option = [command](const std::string& name, auto& value, const char* type,
                                const std::string& help) {
    return command->add_option(name, value, help)->type_name(type);
  };
  option("kernel1", arguments->first.kernel, "FILE", "The first layer's kernel, a .npy file")
      ->required();
  option("kernel2", arguments->second.kernel, "FILE", "The second layer's")->required();
  option("-o,--output", arguments->output, "FILE", "The .npy file to write")->required();
  option("--bias-output", arguments->bias_output, "FILE",
         "Where to write the bias, if a layer has one");
  for (const auto& [layer, number] :
       {std::pair{&arguments->first, "1"}, std::pair{&arguments->second, "2"}}) {
    const std::string n = number;
    layer->steps.add(*command, n);
    option("--groups" + n, layer->groups, "N", "Default 1");
    option("--bias" + n, layer->bias, "FILE", "A .npy file with a value for each kernel");
  }
  arguments->timing.add(*command);
  command->add_flag("--require-exact", arguments->require_exact,
                    "Refuse what can differ, instead of telling where");
  option("--differing", arguments->differing, "FILE",
         "Write h' x w' values: 1 for outputs that can differ, 0 for others");
  command->add_flag("--json", arguments->json, "Print JSON and nothing else");
  command->footer(kComposeFooter);
  return {command, [arguments] { return compose_command(*arguments); }};
}

}  // namespace plait::cli
