// Batch norms behind and in front of a layer.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <plait/rewrite/fold.hpp>

#include "core/refuse.hpp"
#include "core/values.hpp"
#include "rewrite/layer_rules.hpp"

namespace plait {
namespace {

// What the norm makes of each channel: scale x + shift.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;  // beta - scale mean
  std::vector<double> mean;
  std::vector<double> beta;
};

template <class T>
std::vector<double> channel_values(const char* name, const Tensor<T>& tensor, const Dims& shape) {
  if (tensor.shape() != shape) {
    refuse("a batch norm's values must have one length but mean is " + to_string(shape) + " and " +
           name + " is " + to_string(tensor.shape()));
  }
  rewrite::check_finite(name, tensor);
  return {tensor.begin(), tensor.end()};
}

template <class T>
Affine affine_of(const BatchNorm<T>& norm, std::int64_t channels, const std::string& whose) {
  const Dims shape = norm.mean.shape();
  if (shape != Dims{channels}) {
    refuse("the batch norm must have a value for each of the " + std::to_string(channels) +
           " channels of " + whose + " but its mean is " + to_string(shape));
  }
  if (!std::isfinite(norm.epsilon) || norm.epsilon < 0) {
    refuse("epsilon must be finite and not negative but is " + real_text(norm.epsilon));
  }
  Affine affine;
  affine.mean = channel_values("mean", norm.mean, shape);
  const std::vector<double> variance = channel_values("variance", norm.variance, shape);
  const auto size = static_cast<std::size_t>(channels);
  affine.beta = norm.beta.size() == 0 ? std::vector<double>(size, 0.0)
                                      : channel_values("beta", norm.beta, shape);
  affine.scale = norm.gamma.size() == 0 ? std::vector<double>(size, 1.0)
                                        : channel_values("gamma", norm.gamma, shape);
  affine.shift.resize(size);
  for (std::size_t c = 0; c < size; ++c) {
    if (variance[c] < 0) {
      refuse("a variance must not be negative but variance[" + std::to_string(c) + "] is " +
             real_text(variance[c]));
    }
    if (variance[c] + norm.epsilon == 0) {
      refuse("variance + epsilon must be above 0 but variance[" + std::to_string(c) +
             "] and epsilon are 0");
    }
    affine.scale[c] /= std::sqrt(variance[c] + norm.epsilon);
    affine.shift[c] = affine.beta[c] - affine.scale[c] * affine.mean[c];
  }
  return affine;
}

template <class T>
ConvLayer<T> with_values(const ConvLayer<T>& layer, const Tensor<double>& kernel,
                         const Tensor<double>& bias) {
  return {.kernel = rewrite::rounded<T>("kernel", kernel),
          .bias = rewrite::rounded<T>("bias", bias),
          .stride = layer.stride,
          .padding = layer.padding,
          .dilation = layer.dilation,
          .groups = layer.groups,
          .reads = layer.reads,
          .writes = layer.writes,
          .y_channels = layer.y_channels};
}

// Channels of y that no kernel computes are 0, and must stay so.
template <class T>
void check_unwritten(const ConvLayer<T>& layer, const Affine& affine) {
  if (layer.writes.empty()) return;
  std::vector<bool> written(affine.shift.size());
  for (const std::int64_t channel : layer.writes) written[static_cast<std::size_t>(channel)] = true;
  for (std::size_t c = 0; c < written.size(); ++c) {
    if (!written[c] && affine.shift[c] != 0) {
      refuse("the batch norm shifts channel " + std::to_string(c) + " by " +
             real_text(affine.shift[c]) + ", but the layer does not write it");
    }
  }
}

// A norm before a layer with padding is exact only if it leaves the padding's zeros zero.
template <class T>
void check_borders(const ConvLayer<T>& layer, const Affine& affine) {
  if (!rewrite::has_padding(layer.padding)) return;
  for (std::int64_t c = 0; c < rewrite::input_channels(layer); ++c) {
    const std::int64_t channel = rewrite::listed(layer.reads, c);
    const double shift = affine.shift[static_cast<std::size_t>(channel)];
    if (shift == 0) continue;
    refuse("a batch norm in front of a layer with padding " + sides_text(layer.padding) +
           " cannot be folded: it shifts channel " + std::to_string(channel) + " by " +
           real_text(shift) +
           ", but not the zeros of the padding, so that outputs at the borders differ");
  }
}

}  // namespace

template <class T>
ConvLayer<T> fold_batch_norm(const ConvLayer<T>& layer, const BatchNorm<T>& norm) {
  rewrite::check_layer("layer", layer);
  const std::int64_t c_o = layer.kernel.size(0);
  const Affine affine = affine_of(norm, layer.writes.empty() ? c_o : layer.y_channels, "y");
  check_unwritten(layer, affine);
  Tensor<double> kernel(layer.kernel.shape());
  Tensor<double> bias({c_o});
  const std::int64_t depth = kernel.size() / c_o;
  for (std::int64_t o = 0; o < c_o; ++o) {
    const auto channel = static_cast<std::size_t>(rewrite::listed(layer.writes, o));
    const double scale = affine.scale[channel];
    for (std::int64_t k = o * depth; k < (o + 1) * depth; ++k) {
      kernel.data()[k] = scale * double{layer.kernel.data()[k]};
    }
    const double before = layer.bias.size() == 0 ? 0.0 : double{layer.bias(o)};
    bias(o) = scale * (before - affine.mean[channel]) + affine.beta[channel];
  }
  return with_values(layer, kernel, bias);
}

template <class T>
ConvLayer<T> fold_batch_norm_before(const BatchNorm<T>& norm, const ConvLayer<T>& layer) {
  rewrite::check_layer("layer", layer);
  const std::int64_t c_i = rewrite::input_channels(layer);
  std::int64_t x_channels = c_i;
  if (!layer.reads.empty() && norm.mean.rank() == 1) {  // x may have more than are read
    x_channels =
        std::max(norm.mean.size(), 1 + *std::max_element(layer.reads.begin(), layer.reads.end()));
  }
  const Affine affine = affine_of(norm, x_channels, "x");
  check_borders(layer, affine);
  const Dims shape = layer.kernel.shape();
  const std::int64_t taps = shape[2] * shape[3];
  Tensor<double> kernel(shape);
  Tensor<double> bias({shape[0]});
  for (std::int64_t o = 0; o < shape[0]; ++o) {
    const std::int64_t first = o / (shape[0] / layer.groups) * shape[1];
    double sum = layer.bias.size() == 0 ? 0.0 : double{layer.bias(o)};
    for (std::int64_t c = 0; c < shape[1]; ++c) {
      const auto channel = static_cast<std::size_t>(rewrite::listed(layer.reads, first + c));
      const std::int64_t from = (o * shape[1] + c) * taps;
      for (std::int64_t tap = from; tap < from + taps; ++tap) {
        const double value = layer.kernel.data()[tap];
        kernel.data()[tap] = value * affine.scale[channel];
        sum += value * affine.shift[channel];
      }
    }
    bias(o) = sum;
  }
  return with_values(layer, kernel, bias);
}

#define PLAIT_INSTANTIATE(T)                                                       \
  template ConvLayer<T> fold_batch_norm(const ConvLayer<T>&, const BatchNorm<T>&); \
  template ConvLayer<T> fold_batch_norm_before(const BatchNorm<T>&, const ConvLayer<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
