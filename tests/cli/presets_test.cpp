// The preset kernels do what their formulas promise.
#include "io/presets.hpp"

#include <cmath>
#include <numbers>

#include <plait/conv2d.hpp>

#include "support.hpp"

namespace plait::cli {
namespace {

// A grey picture 3 x size x size of f(x, y), x to the right and y upwards from the centre.
template <class F>
Tensor<float> picture(std::int64_t size, F&& f) {
  Tensor<float> x({3, size, size});
  const double centre = static_cast<double>(size / 2);
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t i = 0; i < size; ++i) {
      for (std::int64_t j = 0; j < size; ++j) {
        x(c, i, j) =
            static_cast<float>(f(static_cast<double>(j) - centre, centre - static_cast<double>(i)));
      }
    }
  }
  return x;
}

// Distance along the direction of `degrees`.
double along(double x, double y, double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  return x * std::cos(angle) + y * std::sin(angle);
}

// The channel with the largest response at the middle of a picture as large as the kernel.
std::int64_t strongest(const Tensor<float>& x, const Tensor<float>& kernel) {
  const Tensor<float> y = conv2d(x, kernel, {.algorithm = "reference"});
  EXPECT_EQ(y.shape(), (Dims{kernel.size(0), 1, 1}));
  return std::max_element(y.begin(), y.end()) - y.begin();
}

TEST(Presets, ShapesAreAsListed) {
  EXPECT_EQ(make_kernel("edges").kernel.shape(), (Dims{8, 3, 5, 5}));
  EXPECT_EQ(make_kernel("gabor").kernel.shape(), (Dims{16, 3, 7, 7}));
  EXPECT_EQ(make_kernel("opponent").kernel.shape(), (Dims{3, 3, 1, 1}));
  for (const PresetInfo& preset : presets()) {
    EXPECT_TRUE(is_preset(preset.name));
    if (preset.name == "inception") continue;
    const KernelPreset kernel = make_kernel(preset.name);
    EXPECT_EQ(static_cast<std::int64_t>(kernel.channel_names.size()), kernel.kernel.size(0));
  }
}

TEST(Presets, EdgesAndGaborGiveZeroOnAConstantPicture) {
  for (const char* name : {"edges", "gabor"}) {
    const Tensor<float> kernel = make_kernel(name).kernel;
    const Tensor<float> x = picture(kernel.size(2), [](double, double) { return 0.7; });
    const Tensor<float> y = conv2d(x, kernel, {.algorithm = "reference"});
    for (const float value : y) EXPECT_NEAR(value, 0, 1e-6) << name;
  }
}

TEST(Presets, EachEdgeAnswersStrongestToAnEdgeOfItsOrientation) {
  const Tensor<float> kernel = make_kernel("edges").kernel;
  for (int k = 0; k < kOrientations; ++k) {
    // A soft step: pixels are too coarse to tell a hard one at 22.5 degrees from one at 0.
    const Tensor<float> step = picture(5, [k](double x, double y) {
      return 0.5 + 0.5 * std::erf(along(x, y, k * kOrientationStep));
    });
    EXPECT_EQ(strongest(step, kernel), k);
  }
}

TEST(Presets, AStepFromBlackToWhiteIsWorthOne) {
  const Tensor<float> kernel = make_kernel("edges").kernel;
  for (int k = 0; k < kOrientations; ++k) {
    const Tensor<float> step = picture(
        5, [k](double x, double y) { return along(x, y, k * kOrientationStep) > 0 ? 1.0 : 0.0; });
    EXPECT_NEAR(conv2d(step, kernel, {.algorithm = "reference"})(k, 0, 0), 1, 1e-5);
  }
}

TEST(Presets, EachGaborAnswersStrongestToItsWave) {
  const Tensor<float> kernel = make_kernel("gabor").kernel;
  constexpr double kWavelengths[] = {4, 7};
  for (int channel = 0; channel < 16; ++channel) {
    const double wavelength = kWavelengths[channel / kOrientations];
    const double degrees = channel % kOrientations * kOrientationStep;
    const Tensor<float> wave = picture(7, [=](double x, double y) {
      return 0.5 + 0.5 * std::cos(2 * std::numbers::pi * along(x, y, degrees) / wavelength);
    });
    EXPECT_EQ(strongest(wave, kernel), channel);
  }
}

TEST(Presets, OpponentAxesAreOrthonormalAndBlindToGrey) {
  const Tensor<float> kernel = make_kernel("opponent").kernel;
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      double dot = 0;
      for (int c = 0; c < 3; ++c)
        dot += static_cast<double>(kernel(a, c, 0, 0)) * kernel(b, c, 0, 0);
      EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-6);
    }
  }
  const Tensor<float> grey = picture(1, [](double, double) { return 0.3; });
  const Tensor<float> y = conv2d(grey, kernel, {.algorithm = "reference"});
  EXPECT_NEAR(y(0, 0, 0), 0.3 * std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(y(1, 0, 0), 0, 1e-6);
  EXPECT_NEAR(y(2, 0, 0), 0, 1e-6);
}

TEST(Presets, AnUnknownNameListsTheKnownOnes) {
  const std::string message = error_of([] { make_kernel("edgse"); });
  EXPECT_CONTAINS(message, "unknown kernel preset 'edgse'");
  for (const PresetInfo& preset : presets()) EXPECT_CONTAINS(message, preset.name);
}

}  // namespace
}  // namespace plait::cli
