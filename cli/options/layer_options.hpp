// The options of commands that take a layer by the file of its kernel: how the kernel is applied,
// and how the layer is timed.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>

#include <plait/problem.hpp>

#include "io/npy.hpp"

namespace plait::cli {

// How a kernel is applied.
struct Steps {
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
};

// --stride, --padding and --dilation as they were typed.
class StepOptions {
 public:
  // `number` ends the options' names, where there are several layers: "1" for --stride1.
  void add(CLI::App& command, const std::string& number = "");

  // For a window of k_h x k_w. `x_size`, h x w of what the layer reads, is what same_upper and
  // same_lower need with a stride. Throws Error, named after the option.
  Steps parsed(Pair window, const std::optional<Pair>& x_size) const;

 private:
  std::string number_;
  std::optional<std::string> stride_, padding_, dilation_;
};

// --input-size, --measure and --threads: whether, how long and how layers are timed.
struct TimingOptions {
  std::optional<std::string> input_size = {};
  double measure_seconds = 0.2;
  int threads = 0;  // 0: the machine's default

  void add(CLI::App& command);
  std::optional<Pair> parsed_size() const;  // throws Error, named after the option
};

// The kernel in a .npy file: c_o x c_i/groups x k_h x k_w; c_i x k_h x k_w is one of one output,
// k_h x k_w and k_w are of one channel. Throws Error (Status::io) where there is none.
Array read_kernel(const std::string& path);
inline constexpr const char* kKernelFileHelp =
    "A .npy file: c_o x c_i/groups x k_h x k_w, c_i x k_h x k_w of one output, or k_h x k_w or k_w "
    "of one channel";

}  // namespace plait::cli
