#include "run/run_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <type_traits>

#include <plait/conv2d.hpp>

#include "app/fail.hpp"
#include "app/option_values.hpp"
#include "io/files.hpp"
#include "io/image.hpp"
#include "io/presets.hpp"
#include "options/foreign_words.hpp"
#include "options/weight_layout.hpp"

namespace plait::cli {
namespace {

Dtype dtype_of(const Array& array) {
  return std::holds_alternative<Tensor<float>>(array) ? Dtype::f32 : Dtype::f64;
}

// The same numbers in another shape of the same size.
template <class T>
Tensor<T> reshaped(const Tensor<T>& tensor, const Dims& shape) {
  return dense_copy(TensorView<const T>(tensor.data(), shape));
}

Array reshaped(const Array& array, const Dims& shape) {
  if (shape_of(array) == shape) return array;
  return std::visit([&](const auto& tensor) -> Array { return reshaped(tensor, shape); }, array);
}

template <class To, class From>
Tensor<To> converted(const Tensor<From>& from) {
  Tensor<To> to(from.shape());
  std::transform(from.begin(), from.end(), to.begin(),
                 [](From value) { return static_cast<To>(value); });
  return to;
}

// `what` is computed in `dtype`; rounding it is worth a note.
Array converted(Array array, Dtype dtype, const std::string& what,
                std::vector<std::string>& notes) {
  if (dtype_of(array) == dtype) return array;
  if (dtype == Dtype::f64) return converted<double>(std::get<Tensor<float>>(array));
  notes.push_back(what + " was rounded from f64 to f32");
  return converted<float>(std::get<Tensor<double>>(array));
}

Dims with_leading_ones(const Dims& shape) {
  Dims out;
  for (int axis = shape.rank(); axis < 4; ++axis) out.push_back(1);
  for (const std::int64_t size : shape) out.push_back(size);
  return out;
}

Layout parse_layout(const std::string& text) {
  if (text.empty() || text == name_of(Layout::nchw)) return Layout::nchw;
  if (text == name_of(Layout::nhwc)) return Layout::nhwc;
  fail("unknown layout '" + text + "'; known: nchw, nhwc");
}

std::optional<Dtype> parse_dtype(const std::string& text) {
  if (text.empty()) return {};
  if (text == name_of(Dtype::f32)) return Dtype::f32;
  if (text == name_of(Dtype::f64)) return Dtype::f64;
  fail("unknown dtype '" + text + "'; known: f32, f64");
}

// Transposes n x h x w x c to n x c x h x w.
Array to_nchw(const Array& nhwc) {
  return std::visit(
      [](const auto& x) -> Array {
        const Dims shape{x.size(0), x.size(3), x.size(1), x.size(2)};
        return dense_copy(TensorView(x.data(), shape, layout_strides(shape, Layout::nhwc)));
      },
      nhwc);
}

// Returns x with 4 axes in the file's layout, and notes what there is to know about the file.
Array read_input(const ConvolutionOptions& options, RunInputs& inputs) {
  const std::string bytes = read_file(options.input);
  inputs.layout = parse_layout(options.layout);
  if (looks_like_npy(bytes)) {
    Array x = parse_npy(bytes, options.input);
    inputs.x_rank = shape_of(x).rank();
    if (inputs.x_rank < 2) {
      fail(fmt::format("{}: has shape {}; an input is h x w, c x h x w or n x c x h x w",
                       options.input, to_string(shape_of(x))));
    }
    if (inputs.x_rank == 2 && inputs.layout == Layout::nhwc) {
      fail(fmt::format("{}: has shape {}; layout nhwc needs h x w x c or n x h x w x c",
                       options.input, to_string(shape_of(x))));
    }
    return reshaped(x, with_leading_ones(shape_of(x)));
  }
  if (!looks_like_png(bytes) && !looks_like_jpeg(bytes)) {
    throw Error(Status::io, options.input + ": is neither a JPEG, a PNG nor a .npy file");
  }
  if (inputs.layout == Layout::nhwc) fail("--layout is for .npy files; a picture has no choice");
  inputs.photograph = true;
  inputs.x_rank = 3;
  const Tensor<float> picture = decode_image(bytes, options.input, kMaxPixels, &inputs.notes);
  return reshaped(picture, with_leading_ones(picture.shape()));
}

// Whether the file's axes are k_h x k_w x c_i/groups x c_o.
bool is_hwio(const std::string& layout, const Dims& shape) {
  if (layout.empty() || layout == "oihw") return false;
  if (layout != "hwio") {
    fail("unknown weight layout '" + layout + "'; known: oihw, hwio" +
         hint_for("weight_layout", layout));
  }
  return shape.rank() == 4;
}

Array hwio_to_oihw(const Array& hwio) {
  return std::visit(
      [](const auto& k) -> Array {
        const Dims& s = k.shape();
        const Dims strides = dense_strides(s);
        return dense_copy(TensorView(k.data(), Dims{s[3], s[2], s[0], s[1]},
                                     Dims{strides[3], strides[2], strides[0], strides[1]}));
      },
      hwio);
}

// A preset if there is one of that name; otherwise a file. A wrong name is more likely a mistyped
// preset than a file without extension.
Array read_kernel(const ConvolutionOptions& options, RunInputs& inputs) {
  if (is_preset(options.kernel) ||
      (extension_of(options.kernel) != ".npy" && !std::filesystem::exists(options.kernel))) {
    KernelPreset preset = make_kernel(options.kernel);
    inputs.channel_names = std::move(preset.channel_names);
    return std::move(preset.kernel);
  }
  Array kernel = parse_npy(read_file(options.kernel), options.kernel);
  inputs.kernel_rank = shape_of(kernel).rank();
  if (inputs.kernel_rank < 2) {
    fail(
        fmt::format("{}: has shape {}; a kernel is k_h x k_w, c_i x k_h x k_w or "
                    "c_o x c_i x k_h x k_w",
                    options.kernel, to_string(shape_of(kernel))));
  }
  if (is_hwio(options.weight_layout, shape_of(kernel))) return hwio_to_oihw(kernel);
  return reshaped(kernel, with_leading_ones(shape_of(kernel)));
}

Array read_bias(const ConvolutionOptions& options, std::int64_t c_o) {
  Array bias = parse_npy(read_file(options.bias), options.bias);
  const Dims& shape = shape_of(bias);
  if (shape.rank() != 1 || shape[0] != c_o) {
    fail(
        fmt::format("{}: the bias has shape {} but the kernel has {} output channels, so it needs "
                    "shape {}",
                    options.bias, to_string(shape), c_o, c_o));
  }
  return bias;
}

// "reflect", "constant=0.5".
void set_padding_mode(const std::string& text, Problem& problem) {
  if (text.empty()) return;
  const std::string constant = std::string(name_of(PaddingMode::constant)) + "=";
  if (text.starts_with(constant)) {
    problem.padding_mode = PaddingMode::constant;
    const char* number = text.c_str() + constant.size();
    char* end = nullptr;
    problem.padding_value = std::strtod(number, &end);
    if (end == number || *end != '\0') fail("'" + text + "' is not constant=NUMBER");
    return;
  }
  std::string known;
  for (const PaddingMode mode : kPaddingModes) {
    if (mode == PaddingMode::constant) continue;  // it needs its number
    if (text == name_of(mode)) {
      problem.padding_mode = mode;
      return;
    }
    known += std::string(name_of(mode)) + ", ";
  }
  fail("unknown padding mode '" + text + "'; known: " + known + constant + "NUMBER" +
       hint_for("padding_mode", text));
}

// The library's words for shapes that do not fit: its one-call form is given the tensors as they
// lie in the files, and refuses them before it computes anything.
void require_fit(const Array& x, const Array& kernel, const ConvolutionOptions& options,
                 Layout layout) {
  const std::int64_t groups = options.groups;
  std::visit(
      [&](const auto& x_tensor) {
        using T = std::remove_cvref_t<decltype(*x_tensor.data())>;
        const Tensor<T>& k = std::get<Tensor<T>>(kernel);
        const std::int64_t c_i = x_tensor.size(layout == Layout::nhwc ? 3 : 1);
        if (options.weight_layout.empty()) {
          check_weight_layout(k.shape(), c_i, groups, layout == Layout::nhwc);
        }
        if (groups >= 1 && c_i % groups == 0 && c_i / groups == k.size(1)) return;
        conv2d<T>(x_tensor, k, {.groups = groups, .layout = layout});
      },
      x);
}

std::optional<std::string> if_given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Problem make_problem(const ConvolutionOptions& options, const RunInputs& inputs) {
  Problem problem = Problem::of(shape_of(inputs.x), shape_of(inputs.kernel));
  problem.n = std::max<std::int64_t>(1, problem.n);  // an empty batch is checked as one image
  problem.groups = options.groups;
  problem.bias = inputs.bias.has_value();
  problem.dtype = dtype_of(inputs.x);
  set_option("--stride", if_given(options.stride), problem.stride, parse_pair);
  set_option("--dilation", if_given(options.dilation), problem.dilation, parse_pair);
  set_option("--activation", if_given(options.activation), problem.activation, parse_activation);
  // So that the maps of a preset lie on the picture.
  if (options.padding.empty() && is_preset(options.kernel)) {
    problem.padding = same_padding(problem, true);
  }
  set_option("--padding", if_given(options.padding), problem.padding,
             [&problem](const std::string& text) { return parse_padding(text, problem); });
  set_padding_mode(options.padding_mode, problem);
  validate(problem);
  return problem;
}

// The Inception module fixes what these options would set.
void refuse_options_of_one_convolution(const ConvolutionOptions& options) {
  for (const auto& [name, given] :
       {std::pair{"--bias", !options.bias.empty()}, std::pair{"--stride", !options.stride.empty()},
        std::pair{"--padding", !options.padding.empty()},
        std::pair{"--padding-mode", !options.padding_mode.empty()},
        std::pair{"--dilation", !options.dilation.empty()},
        std::pair{"--activation", !options.activation.empty()},
        std::pair{"--groups", options.groups != 1},
        std::pair{"--dtype f64", options.dtype == "f64"}}) {
    if (given) fail(std::string("the inception preset is a fixed module and takes no ") + name);
  }
}

}  // namespace

RunInputs read_run_inputs(const ConvolutionOptions& options) {
  const std::optional<Dtype> asked = parse_dtype(options.dtype);
  RunInputs inputs;
  inputs.inception = options.kernel == "inception";
  if (inputs.inception) refuse_options_of_one_convolution(options);
  const Array x = read_input(options, inputs);
  const Dtype dtype = inputs.inception ? Dtype::f32 : asked.value_or(dtype_of(x));
  if (dtype == Dtype::f64 && !asked) {
    inputs.notes.push_back("computed in f64, as the input is; --dtype f32 is faster");
  }
  if (!inputs.inception) {
    inputs.kernel = converted(read_kernel(options, inputs), dtype, "the kernel", inputs.notes);
  }
  const Array x_computed = converted(x, dtype, "the input", inputs.notes);
  if (!inputs.inception) {
    require_fit(x_computed, inputs.kernel, options, inputs.layout);
    if (!options.bias.empty()) {
      inputs.bias = converted(read_bias(options, shape_of(inputs.kernel)[0]), dtype, "the bias",
                              inputs.notes);
    }
  }
  inputs.x = inputs.layout == Layout::nhwc ? to_nchw(x_computed) : x_computed;
  if (shape_of(inputs.x)[0] == 0)
    inputs.notes.push_back("the batch is empty, and so is the output");
  if (!inputs.inception) inputs.problem = make_problem(options, inputs);
  return inputs;
}

template <class T>
Tensor<T> as_given(Tensor<T> y, const RunInputs& inputs) {
  Dims shape = y.shape();
  if (inputs.layout == Layout::nhwc) {
    const Dims strides = y.view().strides();
    const TensorView<const T> nhwc(y.data(), {shape[0], shape[2], shape[3], shape[1]},
                                   {strides[0], strides[2], strides[3], strides[1]});
    y = dense_copy(nhwc);
    shape = y.shape();
  }
  if (inputs.x_rank == 4) return y;
  if (inputs.x_rank == 2 && inputs.kernel_rank == 2) return reshaped(y, {shape[2], shape[3]});
  return reshaped(y, {shape[1], shape[2], shape[3]});
}

template Tensor<float> as_given(Tensor<float>, const RunInputs&);
template Tensor<double> as_given(Tensor<double>, const RunInputs&);

}  // namespace plait::cli
