#include "options/layer_options.hpp"

#include <fmt/format.h>

#include <variant>

#include "app/fail.hpp"
#include "app/option_values.hpp"
#include "io/files.hpp"

namespace plait::cli {
void StepOptions::add(CLI::App& command, const std::string& number) {
  number_ = number;
  add_option(command, "--stride" + number, stride_, "HxW", "2, or 2x1 (h x w); default 1");
  add_option(command, "--padding" + number, padding_, "SIZES",
             "Zeros around: 1, 1x2 (h x w), 2_3_2_3 (top_bottom_left_right), same_upper, "
             "same_lower, full or valid; default 0");
  add_option(command, "--dilation" + number, dilation_, "HxW", "2, or 2x1 (h x w); default 1");
}

Steps StepOptions::parsed(Pair window, const std::optional<Pair>& x_size) const {
  Steps steps;
  set_option(("--stride" + number_).c_str(), stride_, steps.stride, parse_pair);
  set_option(("--dilation" + number_).c_str(), dilation_, steps.dilation, parse_pair);
  const Pair x = x_size.value_or(1);
  const Problem sizes =
      Problem::of({1, 1, x.h, x.w}, {1, 1, window.h, window.w}, steps.stride, 0, steps.dilation);
  set_option(("--padding" + number_).c_str(), padding_, steps.padding,
             [&](const std::string& text) -> Padding {
               if (!x_size && text.starts_with("same_") && steps.stride != Pair(1)) {
                 fail("with a stride depends on the size of x: give --input-size");
               }
               return parse_padding(text, sizes);
             });
  return steps;
}

void TimingOptions::add(CLI::App& command) {
  add_option(command, "--input-size", input_size, "HxW",
             "Of one image, 56 or 56x48 (h x w): predict and measure times, not only count "
             "products");
  add_option(command, "--measure", measure_seconds, "SECONDS",
             "Spent on measuring each alternative; 0 only predicts; default 0.2")
      ->check(between(0.0, 600.0));
  add_option(command, "--threads", threads, "N", "Of what is timed; default: all there may be")
      ->check(between(1, 4096));
}

std::optional<Pair> TimingOptions::parsed_size() const {
  std::optional<Pair> size;
  if (input_size) set_option("--input-size", input_size, size.emplace(), parse_pair);
  return size;
}

Array read_kernel(const std::string& path) {
  Array kernel = parse_npy(read_file(path), path);
  const Dims shape = shape_of(kernel);
  if (shape.rank() == 4) return kernel;
  if (shape.rank() == 0) {
    throw Error(Status::io, fmt::format("{}: has shape scalar; a kernel is c_o x c_i/groups x k_h "
                                        "x k_w, c_i x k_h x k_w, k_h x k_w or k_w",
                                        path));
  }
  return std::visit(
      [&shape](const auto& tensor) -> Array {
        Dims whole{1, 1, 1, 1};
        for (int axis = 0; axis < shape.rank(); ++axis)
          whole[4 - shape.rank() + axis] = shape[axis];
        return dense_copy(TensorView(tensor.data(), whole));
      },
      kernel);
}

}  // namespace plait::cli
