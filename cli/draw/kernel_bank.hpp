// The kernels of a layer as one picture: a grid with a row per output channel.
#pragma once

#include <cstdint>
#include <string>

#include <plait/error.hpp>
#include <plait/tensor.hpp>

namespace plait::cli {

struct KernelBank {
  Tensor<double> kernel;  // c_o x c_i/groups x k_h x k_w, finite
  std::int64_t groups = 1;
  std::string title;
};

// Where things are, in pixels; a function of the kernel's shape alone.
struct BankLayout {
  std::int64_t outputs = 0;  // how many are shown: the first ones
  std::int64_t inputs = 0;   // how many inputs of each output are shown
  int tap = 1;               // side of a tap
  int gap = 0;               // between kernels
  int cell_w = 0;            // width of a kernel with its gap
  int cell_h = 0;
  int panels = 1;  // side by side, each with `rows` outputs: where outputs have few inputs
  std::int64_t rows = 0;
  int left = 0;  // edge of the first panel; each next panel is `step` farther
  int top = 0;
  int step = 0;
  int width = 0;  // of the whole sheet
  int height = 0;
};

inline constexpr std::int64_t kMaxDrawnTaps = 4096;

// Throws Error if the window has more rows or columns than that.
inline void check_drawable(const Dims& kernel_shape) {
  if (kernel_shape[2] <= kMaxDrawnTaps && kernel_shape[3] <= kMaxDrawnTaps) return;
  const std::string most = std::to_string(kMaxDrawnTaps);
  throw Error(Status::unsupported, "kernels of up to " + most + " x " + most +
                                       " taps can be drawn, but these are " +
                                       to_string(kernel_shape));
}

// Throws Error as check_drawable does.
BankLayout bank_layout(const Dims& kernel_shape);

// "the first 128 of 256 outputs", or "" if the layout shows all.
std::string shown_text(const BankLayout& layout, const Dims& kernel_shape);

// The picture as a .svg or .png file. Taps below zero are blue, taps above it red, and paler nearer
// to zero. All kernels share one scale, which ends at the 99.5th percentile of |K| without zeros.
struct DrawnBank {
  std::string bytes;
  std::string shown;  // in the picture: shown_text
};
DrawnBank draw_kernel_bank(const KernelBank& bank, bool svg);

}  // namespace plait::cli
