#include "look/im2col_command.hpp"

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>

#include <plait/analysis/im2col.hpp>
#include <plait/text.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "app/option_values.hpp"
#include "io/files.hpp"
#include "io/json.hpp"
#include "io/npy.hpp"
#include "measure/compute.hpp"
#include "options/layer_options.hpp"

namespace plait::cli {
namespace {

struct Im2colArguments {
  std::string input;
  std::string output;
  std::string kernel;
  StepOptions steps;
  bool json = false;
};

// Checks what can be known about the output before the input is read.
void check_output_arguments(const Im2colArguments& arguments) {
  check_extension("output", arguments.output, {".npy"}, "plait im2col writes .npy");
  check_output(arguments.output, {arguments.input});
}

// The array in the file; one of h x w is taken as one channel.
Array read_x(const std::string& path) {
  Array x = parse_npy(read_file(path), path);
  const Dims shape = shape_of(x);
  if (shape.rank() >= 3) return x;
  if (shape.rank() < 2) {
    fail(fmt::format("{}: has shape {}; an input is h x w, c x h x w or n x c x h x w", path,
                     to_string(shape)));
  }
  return std::visit(
      [&shape](const auto& tensor) -> Array {
        return dense_copy(TensorView(tensor.data(), {1, shape[0], shape[1]}));
      },
      x);
}

Im2colOptions options_of(const Im2colArguments& arguments, const Dims& x_shape) {
  Im2colOptions options;
  set_option("--kernel", arguments.kernel, options.kernel, parse_pair);
  const int rank = x_shape.rank();
  const Steps steps =
      arguments.steps.parsed(options.kernel, Pair(x_shape[rank - 2], x_shape[rank - 1]));
  options.stride = steps.stride;
  options.padding = steps.padding;
  options.dilation = steps.dilation;
  options.cancel = &interrupted();
  return options;
}

// The matrix is in memory twice before it is written: as a tensor, and as the bytes of the file.
void check_fits(const Dims& x_shape, const Dims& matrix_shape, std::size_t element_bytes) {
  const double elements = static_cast<double>(element_count(x_shape)) +
                          2 * static_cast<double>(element_count(matrix_shape));
  check_memory(elements * static_cast<double>(element_bytes),
               fmt::format("x is {}, its patches matrix {}, held twice while it is written",
                           to_string(x_shape), to_string(matrix_shape)));
}

void report(const Im2colArguments& arguments, const Dims& x_shape, const Dims& matrix_shape,
            Dtype dtype) {
  const auto bytes_of = [dtype](const Dims& shape) {
    return element_count(shape) * static_cast<std::int64_t>(size_of(dtype));
  };
  if (arguments.json) {
    std::cout << text_of(Json{{"schema", "plait.im2col/1"},
                              {"input", arguments.input},
                              {"output", arguments.output},
                              {"dtype", name_of(dtype)},
                              {"x_shape", shape_json(x_shape)},
                              {"x_bytes", bytes_of(x_shape)},
                              {"matrix_shape", shape_json(matrix_shape)},
                              {"matrix_bytes", bytes_of(matrix_shape)}});
    return;
  }
  const auto shown = [&](const Dims& shape) {
    return fmt::format("{} {}, {}", to_string(shape), name_of(dtype), bytes_text(bytes_of(shape)));
  };
  std::cout << fmt::format("{} ({}) -> {} ({})\n", arguments.input, shown(x_shape),
                           arguments.output, shown(matrix_shape));
}

template <class T>
void write_matrix(const Im2colArguments& arguments, const Tensor<T>& x) {
  const Dtype dtype = std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32;
  const Im2colOptions options = options_of(arguments, x.shape());
  const Dims shape = im2col_shape(x.shape(), options, dtype);
  check_fits(x.shape(), shape, sizeof(T));
  write_file(arguments.output, npy_bytes(im2col(x, options)), interrupted());
  report(arguments, x.shape(), shape, dtype);
}

int im2col_command(const Im2colArguments& arguments) {
  check_output_arguments(arguments);
  const Array x = read_x(arguments.input);
  std::visit([&arguments](const auto& tensor) { write_matrix(arguments, tensor); }, x);
  return 0;
}

}  // namespace

Command add_im2col_command(CLI::App& app) {
  const auto arguments = std::make_shared<Im2colArguments>();
  CLI::App* command = app.add_subcommand(
      "im2col", "Write the matrix of patches that makes a convolution one matrix product");
  add_option(*command, "input", arguments->input, "FILE",
             "A .npy file: n x c x h x w, c x h x w, or h x w for one channel")
      ->required();
  add_option(*command, "-o,--output", arguments->output, "FILE", "The .npy file to write")
      ->required();
  add_option(*command, "--kernel", arguments->kernel, "HxW", "3, or 3x1 (k_h x k_w)")->required();
  arguments->steps.add(*command);
  command->add_flag("--json", arguments->json, "Print JSON and nothing else");
  command->footer(
      "Examples:\n"
      "  plait im2col x.npy -o matrix.npy --kernel 3 --padding 1\n"
      "  plait im2col x.npy -o matrix.npy --kernel 3x5 --stride 2x1 --padding same_upper\n"
      "  plait im2col x.npy -o matrix.npy --kernel 3 --dilation 2 --json\n"
      "\n"
      "The matrix X' of x, c x h x w, is h'w' x (c k_h k_w): row i w' + j holds what output (i, "
      "j)\n"
      "sees, column (c k_h + u) k_w + v the taps K[., c, u, v]. With W, the kernel read as\n"
      "c_o x (c k_h k_w), the layer is W X'^T. Of n x c x h x w it is n x h'w' x (c k_h k_w).");
  return {command, [arguments] { return im2col_command(*arguments); }};
}

}  // namespace plait::cli
