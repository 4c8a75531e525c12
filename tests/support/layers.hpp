// Random layers as values, and outputs that should be equal.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include <plait/rewrite/layers.hpp>

#include "core/random.hpp"

namespace plait::test {

// Normal numbers.
template <class T>
Tensor<T> normal_tensor(const Dims& shape, Random& random) {
  Tensor<T> tensor(shape);
  for (T& value : tensor) value = static_cast<T>(random.normal());
  return tensor;
}

// Channels of a layer, before `reads` and after `writes`.
struct LayerChannels {
  std::int64_t c_i = 1;
  std::int64_t c_o = 1;
  std::int64_t groups = 1;
};

inline LayerChannels random_channels(Random& random) {
  const std::int64_t groups = random.pick(std::initializer_list<std::int64_t>{1, 1, 2, 3});
  return {groups * random.between(1, 3), groups * random.between(1, 3), groups};
}

inline Padding random_padding(Random& random) {
  return {random.between(0, 3), random.between(0, 3), random.between(0, 3), random.between(0, 3)};
}

// Any geometry, with a bias or without.
template <class T>
ConvLayer<T> random_conv_layer(const LayerChannels& channels, const Pair& window, Random& random) {
  ConvLayer<T> layer;
  layer.kernel =
      normal_tensor<T>({channels.c_o, channels.c_i / channels.groups, window.h, window.w}, random);
  if (random.chance(0.5)) layer.bias = normal_tensor<T>({channels.c_o}, random);
  layer.stride = {random.between(1, 3), random.between(1, 2)};
  layer.dilation = {random.between(1, 2), random.between(1, 3)};
  layer.padding = random_padding(random);
  layer.groups = channels.groups;
  return layer;
}

inline Pair random_window(Random& random) { return {random.between(1, 4), random.between(1, 4)}; }

// An x that the layer takes without its padding, and a little larger.
template <class T>
Tensor<T> random_x(const ConvLayer<T>& layer, std::int64_t channels, Random& random) {
  const Dims kernel = layer.kernel.shape();
  return normal_tensor<T>(
      {random.between(1, 2), channels, layer.dilation.h * (kernel[2] - 1) + random.between(1, 5),
       layer.dilation.w * (kernel[3] - 1) + random.between(1, 5)},
      random);
}

template <class T>
std::string to_string(const ConvLayer<T>& layer) {
  std::ostringstream text;
  const Padding& p = layer.padding;
  text << "K " << plait::to_string(layer.kernel.shape()) << " stride " << layer.stride.h << "x"
       << layer.stride.w << " dilation " << layer.dilation.h << "x" << layer.dilation.w
       << " padding " << p.top << "_" << p.bottom << "_" << p.left << "_" << p.right << " groups "
       << layer.groups << (layer.bias.size() == 0 ? "" : " bias");
  return text.str();
}

template <class T>
Tensor<T> run_layer(const ConvLayer<T>& layer, const Tensor<T>& x) {
  return run_layers<T>({layer}, x.view());
}

// The largest |a - b| as a share of the largest |b|; infinite where shapes differ.
template <class T>
double largest_difference(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.shape() != b.shape()) return INFINITY;
  double difference = 0;
  double largest = 0;
  for (std::int64_t i = 0; i < b.size(); ++i) {
    const double error = std::abs(double{a.data()[i]} - double{b.data()[i]});
    difference = std::isnan(error) ? INFINITY : std::max(difference, error);
    largest = std::max(largest, std::abs(double{b.data()[i]}));
  }
  return difference == 0 ? 0 : difference / largest;
}

template <class T>
constexpr double kRoundingError = sizeof(T) == 8 ? 1e-12 : 1e-4;

#if defined(PLAIT_SANITIZED)
inline constexpr int kRandomLayers = 40;
#else
inline constexpr int kRandomLayers = 400;
#endif

}  // namespace plait::test
