#include "io/presets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>

#include "app/fail.hpp"

namespace plait::cli {
namespace {

// Pixel (row, column) relative to the kernel's centre, in axes turned by `degrees`: u runs along
// the angle, counted counter-clockwise from the right (rows count downwards), v across it.
struct Turned {
  double u;
  double v;
};
Turned turn(double row, double column, double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  return {column * std::cos(angle) - row * std::sin(angle),
          column * std::sin(angle) + row * std::cos(angle)};
}

// A size x size filter on luma: K[channel, c, i, j] = luma[c] * f(i - size/2, j - size/2), scaled
// so that its positive weights sum to 1.
void set_luma_filter(Tensor<float>& kernel, std::int64_t channel,
                     const std::function<double(double, double)>& f) {
  const std::int64_t size = kernel.size(2);
  const std::int64_t centre = size / 2;
  const auto value = [&](std::int64_t i, std::int64_t j) {
    return f(static_cast<double>(i - centre), static_cast<double>(j - centre));
  };
  double positive = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    for (std::int64_t j = 0; j < size; ++j) positive += std::max(0.0, value(i, j));
  }
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t i = 0; i < size; ++i) {
      for (std::int64_t j = 0; j < size; ++j) {
        kernel(channel, c, i, j) = static_cast<float>(kLuma[c] * value(i, j) / positive);
      }
    }
  }
}

// Oriented edges: the first derivative, along the angle, of a Gaussian that is longer across it:
//   f(u, v) = u exp(-u^2 / (2 s_u^2) - v^2 / (2 s_v^2)),  s_u = 0.9, s_v = 1.6 pixels
// (Canny, "A Computational Approach to Edge Detection", 1986: the derivative of a Gaussian is close
// to the best step detector, and elongated ones tell directions apart better). f is odd, so a
// constant image gives 0; the positive weights sum to 1, so a step from black to white gives 1.
KernelPreset make_edges() {
  constexpr double kAcross = 0.9;
  constexpr double kAlong = 1.6;
  KernelPreset preset{Tensor<float>({kOrientations, 3, 5, 5}), {}};
  for (int k = 0; k < kOrientations; ++k) {
    const double degrees = k * kOrientationStep;
    set_luma_filter(preset.kernel, k, [degrees](double row, double column) {
      const auto [u, v] = turn(row, column, degrees);
      return u * std::exp(-u * u / (2 * kAcross * kAcross) - v * v / (2 * kAlong * kAlong));
    });
    preset.channel_names.push_back(fmt::format("brighter towards {}°", degrees));
  }
  return preset;
}

// Gabor filters, the real (even) part, at 8 orientations for each of two wavelengths L:
//   f(u, v) = exp(-(u^2 + (0.6 v)^2) / (2 s^2)) (cos(2 pi u / L) - m),  s = 0.4 L, L = 4, 7 pixels
// with m such that the weights sum to 0 (Daugman, "Uncertainty relation for resolution in space,
// spatial frequency, and orientation", 1985). They answer to stripes and lines of width L/2.
KernelPreset make_gabor() {
  constexpr double kAspect = 0.6;
  constexpr double kWavelengths[] = {4, 7};
  constexpr int kRadius = 3;
  constexpr std::int64_t kSize = 7;       // 2 * kRadius + 1
  constexpr std::int64_t kChannels = 16;  // orientations x wavelengths
  KernelPreset preset{Tensor<float>({kChannels, 3, kSize, kSize}), {}};
  std::int64_t channel = 0;
  for (const double wavelength : kWavelengths) {
    for (int k = 0; k < kOrientations; ++k) {
      const double degrees = k * kOrientationStep;
      const double sigma = 0.4 * wavelength;
      const auto envelope = [=](double row, double column) {
        const auto [u, v] = turn(row, column, degrees);
        return std::exp(-(u * u + kAspect * kAspect * v * v) / (2 * sigma * sigma));
      };
      const auto wave = [=](double row, double column) {
        return std::cos(2 * std::numbers::pi * turn(row, column, degrees).u / wavelength);
      };
      double weighted = 0;
      double total = 0;
      for (int row = -kRadius; row <= kRadius; ++row) {
        for (int column = -kRadius; column <= kRadius; ++column) {
          weighted += envelope(row, column) * wave(row, column);
          total += envelope(row, column);
        }
      }
      set_luma_filter(preset.kernel, channel++, [=](double row, double column) {
        return envelope(row, column) * (wave(row, column) - weighted / total);
      });
      preset.channel_names.push_back(fmt::format("{}°, {} px waves", degrees, wavelength));
    }
  }
  return preset;
}

// A 1x1 projection onto the opponent colour axes: an orthonormal turn of the RGB cube
// (van de Sande, Gevers, Snoek, "Evaluating Color Descriptors for Object and Scene Recognition",
// 2010, equation 7). Grey has no colour: it gives 0 on the last two.
KernelPreset make_opponent() {
  const double a = 1 / std::sqrt(3.0);
  const double b = 1 / std::sqrt(2.0);
  const double c = 1 / std::sqrt(6.0);
  const double axes[3][3] = {{a, a, a}, {b, -b, 0}, {c, c, -2 * c}};
  KernelPreset preset{Tensor<float>({3, 3, 1, 1}), {"intensity", "red − green", "yellow − blue"}};
  for (int o = 0; o < 3; ++o) {
    for (int i = 0; i < 3; ++i) preset.kernel(o, i, 0, 0) = static_cast<float>(axes[o][i]);
  }
  return preset;
}

}  // namespace

const std::vector<PresetInfo>& presets() {
  static const std::vector<PresetInfo> list = {
      {"edges", "3 -> 8 channels, 5x5: edges at 8 orientations"},
      {"gabor", "3 -> 16 channels, 7x7: stripes at 8 orientations, 2 wavelengths"},
      {"opponent", "3 -> 3 channels, 1x1: intensity, red - green, yellow - blue"},
      {"inception", "3 -> 16 channels: 1x1, 1x1 + 3x3, 1x1 + 5x5, pool + 1x1, side by side"},
  };
  return list;
}

bool is_preset(std::string_view name) {
  return std::any_of(presets().begin(), presets().end(),
                     [name](const PresetInfo& preset) { return preset.name == name; });
}

KernelPreset make_kernel(std::string_view preset) {
  if (preset == "edges") return make_edges();
  if (preset == "gabor") return make_gabor();
  if (preset == "opponent") return make_opponent();
  std::string known;
  for (const PresetInfo& info : presets()) known += (known.empty() ? "" : ", ") + info.name;
  fail(fmt::format("unknown kernel preset '{}'; known: {}, or the name of a .npy file", preset,
                   known));
}

}  // namespace plait::cli
