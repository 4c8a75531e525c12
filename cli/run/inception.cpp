#include "run/inception.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/fail.hpp"
#include "io/presets.hpp"

namespace plait::cli {
namespace {

// What a 1x1 convolution reduces the picture to: luma, and warmth (red - blue, kept where positive
// by the ReLU).
Tensor<float> luma_and_warmth() {
  const auto luma = [](int c) { return static_cast<float>(kLuma[c]); };
  return Tensor<float>({2, 3, 1, 1}, {luma(0), luma(1), luma(2), 1, 0, -1});
}

// Edges of luma, with half a weight for those of warmth: the Sobel operator steered to four
// directions, K = cos(a) S_x + sin(a) S_y, in steps of 90 degrees (Freeman and Adelson, "The Design
// and Use of Steerable Filters", 1991). Behind the ReLU each keeps the edges brighter on its side.
Tensor<float> directed_edges() {
  constexpr double kSmooth[3] = {0.25, 0.5, 0.25};
  constexpr double kSlope[3] = {-1, 0, 1};
  constexpr double kDirections[4][2] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};  // cos, sin; rows down
  Tensor<float> kernel({4, 2, 3, 3});
  for (int o = 0; o < 4; ++o) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        const double value =
            kDirections[o][0] * kSmooth[i] * kSlope[j] + kDirections[o][1] * kSlope[i] * kSmooth[j];
        kernel(o, 0, i, j) = static_cast<float>(value);
        kernel(o, 1, i, j) = static_cast<float>(value / 2);
      }
    }
  }
  return kernel;
}

// Surroundings on 5x5: a Gaussian (s = 1 pixel) of luma, its Laplacian with either sign (Marr and
// Hildreth, "Theory of Edge Detection", 1980) and the Gaussian of warmth.
//   G = exp(-r^2 / 2) / sum,  L = (1 - r^2 / 2) G, minus its mean
Tensor<float> blobs() {
  double gaussian[5][5];
  double laplacian[5][5];
  double total = 0;
  double mean = 0;
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 5; ++j) {
      const double r2 = (i - 2) * (i - 2) + (j - 2) * (j - 2);
      gaussian[i][j] = std::exp(-r2 / 2);
      laplacian[i][j] = (1 - r2 / 2) * gaussian[i][j];
      total += gaussian[i][j];
      mean += laplacian[i][j] / 25;
    }
  }
  Tensor<float> kernel({4, 2, 5, 5});
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 5; ++j) {
      const double spot = laplacian[i][j] - mean;
      kernel(0, 0, i, j) = static_cast<float>(gaussian[i][j] / total);
      kernel(1, 0, i, j) = static_cast<float>(spot);
      kernel(2, 0, i, j) = static_cast<float>(-spot);
      kernel(3, 1, i, j) = static_cast<float>(gaussian[i][j] / total);
    }
  }
  return kernel;
}

Problem same_problem(const Tensor<float>& x, const Tensor<float>& kernel) {
  Problem problem = Problem::of(x.shape(), kernel.shape());
  problem.activation.kind = ActivationKind::relu;
  problem.padding = same_padding(problem, true);
  return problem;
}

}  // namespace

InceptionWeights inception_weights() {
  const auto luma = [](int c) { return static_cast<float>(kLuma[c]); };
  InceptionWeights weights;
  // Opponent colours with either sign, since the ReLU keeps one: red - green, yellow - blue.
  weights.only_1x1 =
      Tensor<float>({4, 3, 1, 1}, {1, -1, 0, -1, 1, 0, 0.5f, 0.5f, -1, -0.5f, -0.5f, 1});
  weights.reduce_3x3 = luma_and_warmth();
  weights.conv_3x3 = directed_edges();
  weights.reduce_5x5 = luma_and_warmth();
  weights.conv_5x5 = blobs();
  weights.after_pool =
      Tensor<float>({4, 3, 1, 1}, {luma(0), luma(1), luma(2), 1, 0, 0, 0, 1, 0, 0, 0, 1});
  weights.channel_names = {
      "1x1: red − green",    "1x1: green − red",    "1x1: yellow − blue", "1x1: blue − yellow",
      "3x3: brighter right", "3x3: brighter above", "3x3: brighter left", "3x3: brighter below",
      "5x5: smooth",         "5x5: light spots",    "5x5: dark spots",    "5x5: warm areas",
      "pool: light",         "pool: red",           "pool: green",        "pool: blue"};
  return weights;
}

Tensor<float> max_pool_3x3(const Tensor<float>& x) {
  const std::int64_t h = x.size(2);
  const std::int64_t w = x.size(3);
  Tensor<float> y(x.shape());
  const auto larger = [](float a, float b) { return std::isnan(a) || a > b ? a : b; };
  for (std::int64_t map = 0; map < x.size(0) * x.size(1); ++map) {
    const float* in = x.data() + map * h * w;
    float* out = y.data() + map * h * w;
    for (std::int64_t i = 0; i < h; ++i) {
      for (std::int64_t j = 0; j < w; ++j) {
        float largest = in[i * w + j];
        for (std::int64_t a = std::max<std::int64_t>(i - 1, 0); a < std::min(i + 2, h); ++a) {
          for (std::int64_t b = std::max<std::int64_t>(j - 1, 0); b < std::min(j + 2, w); ++b) {
            largest = larger(in[a * w + b], largest);
          }
        }
        out[i * w + j] = largest;
      }
    }
  }
  return y;
}

Tensor<float> concatenate_channels(const std::vector<const Tensor<float>*>& parts) {
  const std::int64_t n = parts.front()->size(0);
  const std::int64_t h = parts.front()->size(2);
  const std::int64_t w = parts.front()->size(3);
  std::int64_t channels = 0;
  for (const Tensor<float>* part : parts) channels += part->size(1);
  Tensor<float> y({n, channels, h, w});
  float* out = y.data();
  for (std::int64_t image = 0; image < n; ++image) {
    for (const Tensor<float>* part : parts) {
      const std::int64_t size = part->size(1) * h * w;
      out = std::copy_n(part->data() + image * size, size, out);
    }
  }
  return y;
}

Tensor<float> inception(const Tensor<float>& x, const InceptionWeights& weights,
                        const Convolve& convolve) {
  if (x.size(1) != 3) {
    fail("the inception preset expects a picture of 3 channels but x is " + to_string(x.shape()) +
         " (" + std::to_string(x.size(1)) + " channels)");
  }
  const auto layer = [&convolve](const std::string& name, const Tensor<float>& in,
                                 const Tensor<float>& kernel) {
    return convolve(name, same_problem(in, kernel), in, kernel);
  };
  const Tensor<float> a = layer("1x1", x, weights.only_1x1);
  const Tensor<float> b =
      layer("3x3", layer("3x3 reduce", x, weights.reduce_3x3), weights.conv_3x3);
  const Tensor<float> c =
      layer("5x5", layer("5x5 reduce", x, weights.reduce_5x5), weights.conv_5x5);
  const Tensor<float> d = layer("pool 1x1", max_pool_3x3(x), weights.after_pool);
  return concatenate_channels({&a, &b, &c, &d});
}

}  // namespace plait::cli
