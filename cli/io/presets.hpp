// Kernels that show something on a photograph, each derived from a formula.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <plait/tensor.hpp>

namespace plait::cli {

struct PresetInfo {
  std::string name;
  std::string summary;
};

// Every preset, "inception" (cli/run/inception.hpp) included.
const std::vector<PresetInfo>& presets();
bool is_preset(std::string_view name);

struct KernelPreset {
  Tensor<float> kernel;                    // c_o x 3 x k_h x k_w
  std::vector<std::string> channel_names;  // c_o of them
};

// "edges", "gabor" or "opponent". Throws Error listing the presets for any other name.
KernelPreset make_kernel(std::string_view preset);

// Luma of a picture from its red, green and blue values (ITU-R BT.601, section 2.5.1).
inline constexpr double kLuma[3] = {0.299, 0.587, 0.114};

// How many degrees lie between the orientations of "edges" and "gabor": there are 8 in 180 degrees.
inline constexpr double kOrientationStep = 22.5;
inline constexpr int kOrientations = 8;

}  // namespace plait::cli
