// 1x1 layers folded into the ones before or behind them, written as k x k layers, and taken from
// these.
#include <algorithm>
#include <string>
#include <utility>

#include <plait/rewrite/compose.hpp>
#include <plait/rewrite/fold.hpp>

#include "core/refuse.hpp"
#include "core/values.hpp"
#include "rewrite/layer_rules.hpp"

namespace plait {
namespace {

// The layer with another kernel, whose window around the single tap has another size.
template <class T>
ConvLayer<T> with_kernel(const ConvLayer<T>& layer, Tensor<T>&& kernel, const Padding& padding) {
  return {.kernel = std::move(kernel),
          .bias = layer.bias,
          .stride = layer.stride,
          .padding = padding,
          .groups = layer.groups,
          .reads = layer.reads,
          .writes = layer.writes,
          .y_channels = layer.y_channels};
}

// The place u k_w + v in the window of the one tap that is not zero, or -1 of a kernel of zeros.
template <class T>
std::int64_t single_tap(const Tensor<T>& kernel) {
  const std::int64_t taps = kernel.size(2) * kernel.size(3);
  std::int64_t first = -1;  // place in the whole kernel
  const auto text = [&](std::int64_t place) {
    const std::int64_t tap = place % taps;
    return "(" + std::to_string(tap / kernel.size(3)) + ", " +
           std::to_string(tap % kernel.size(3)) + ") of kernel " +
           std::to_string(place / taps / kernel.size(1)) + ", channel " +
           std::to_string(place / taps % kernel.size(1));
  };
  for (std::int64_t place = 0; place < kernel.size(); ++place) {
    if (kernel.data()[place] == 0) continue;
    if (first < 0) first = place;
    if (first % taps == place % taps) continue;
    refuse("a layer is 1x1 only if one tap of its window is not zero, but tap " + text(first) +
           " and tap " + text(place) + " are not");
  }
  return first < 0 ? -1 : first % taps;
}

template <class T>
bool is_pointwise(const ConvLayer<T>& layer) {
  return layer.kernel.size(2) == 1 && layer.kernel.size(3) == 1;
}

// The distance in x from tap to tap along an axis, where one of the layers has one tap.
std::int64_t step_of(std::int64_t k1, std::int64_t d1, std::int64_t s1, std::int64_t k2,
                     std::int64_t d2) {
  if (k1 > 1) return d1;
  return k2 > 1 ? s1 * d2 : 1;
}

template <class T>
TensorView<const T> view_or_none(const Tensor<T>& bias) {
  return bias.size() == 0 ? TensorView<const T>() : bias.view();
}

// Every step-th tap of a kernel that is zero elsewhere.
template <class T>
Tensor<T> every_tap(const Tensor<T>& kernel, const Pair& step) {
  const Dims shape = kernel.shape();
  const Dims strides = dense_strides(shape);
  return dense_copy(TensorView<const T>(
      kernel.data(), {shape[0], shape[1], (shape[2] - 1) / step.h + 1, (shape[3] - 1) / step.w + 1},
      {strides[0], strides[1], strides[2] * step.h, step.w}));
}

}  // namespace

template <class T>
ConvLayer<T> fold_pointwise(const ConvLayer<T>& first, const ConvLayer<T>& second,
                            const std::optional<Pair>& input_size) {
  rewrite::check_layer("layer 1", first);
  rewrite::check_layer("layer 2", second);
  if (!is_pointwise(first) && !is_pointwise(second)) {
    refuse("one of both layers must be 1x1 but their kernels are " +
           to_string(first.kernel.shape()) + " and " + to_string(second.kernel.shape()));
  }
  if (!first.writes.empty() || !second.reads.empty()) {
    refuse("layer 2 must read all channels of layer 1 in order, without writes and reads");
  }
  Composition<T> one = compose(first.kernel, second.kernel,
                               {.stride1 = first.stride,
                                .stride2 = second.stride,
                                .dilation1 = first.dilation,
                                .dilation2 = second.dilation,
                                .groups1 = first.groups,
                                .groups2 = second.groups,
                                .bias1 = view_or_none(first.bias),
                                .bias2 = view_or_none(second.bias),
                                .padding1 = first.padding,
                                .padding2 = second.padding,
                                .input_size = input_size,
                                .require_exact = true});
  const Dims& k1 = first.kernel.shape();
  const Dims& k2 = second.kernel.shape();
  const Pair step(step_of(k1[2], first.dilation.h, first.stride.h, k2[2], second.dilation.h),
                  step_of(k1[3], first.dilation.w, first.stride.w, k2[3], second.dilation.w));
  return {.kernel = every_tap(one.kernel, step),
          .bias = std::move(one.bias),
          .stride = one.stride,
          .padding = one.padding,
          .dilation = step,
          .groups = one.groups,
          .reads = first.reads,
          .writes = second.writes,
          .y_channels = second.y_channels};
}

template <class T>
ConvLayer<T> embed_pointwise(const ConvLayer<T>& layer, Pair window) {
  rewrite::check_layer("layer", layer);
  const Dims shape = layer.kernel.shape();
  if (!is_pointwise(layer)) {
    refuse("a 1x1 layer can be embedded but this one's kernel is " + to_string(shape));
  }
  if (window.h < 1 || window.w < 1) {
    refuse("the window must be at least 1 but is " + pair_text(window));
  }
  Tensor<T> kernel({shape[0], shape[1], window.h, window.w});
  const Pair tap((window.h - 1) / 2, (window.w - 1) / 2);
  const std::int64_t taps = window.h * window.w;
  for (std::int64_t i = 0; i < layer.kernel.size(); ++i) {
    kernel.data()[i * taps + tap.h * window.w + tap.w] = layer.kernel.data()[i];
  }
  const Padding& p = layer.padding;
  return with_kernel(layer, std::move(kernel),
                     {p.top + tap.h, p.bottom + window.h - 1 - tap.h, p.left + tap.w,
                      p.right + window.w - 1 - tap.w});
}

template <class T>
ConvLayer<T> extract_pointwise(const ConvLayer<T>& layer) {
  rewrite::check_layer("layer", layer);
  const Dims shape = layer.kernel.shape();
  const Padding& p = layer.padding;
  const std::int64_t found = single_tap(layer.kernel);
  // A kernel of zeros may keep any tap: the one that takes most of the padding above and on the
  // left.
  const Pair tap = found >= 0 ? Pair(found / shape[3], found % shape[3])
                              : Pair(std::min(p.top / layer.dilation.h, shape[2] - 1),
                                     std::min(p.left / layer.dilation.w, shape[3] - 1));
  const Padding padding(
      p.top - tap.h * layer.dilation.h, p.bottom - (shape[2] - 1 - tap.h) * layer.dilation.h,
      p.left - tap.w * layer.dilation.w, p.right - (shape[3] - 1 - tap.w) * layer.dilation.w);
  if (std::min({padding.top, padding.bottom, padding.left, padding.right}) < 0) {
    refuse("as a 1x1 layer, one of kernel " + to_string(shape) + ", dilation " +
           pair_text(layer.dilation) + " and padding " + sides_text(p) + " whose tap is (" +
           std::to_string(tap.h) + ", " + std::to_string(tap.w) +
           ") would need a negative padding, " + sides_text(padding));
  }
  Tensor<T> kernel({shape[0], shape[1], 1, 1});
  const std::int64_t taps = shape[2] * shape[3];
  for (std::int64_t i = 0; i < kernel.size(); ++i) {
    kernel.data()[i] = layer.kernel.data()[i * taps + tap.h * shape[3] + tap.w];
  }
  return with_kernel(layer, std::move(kernel), padding);
}

#define PLAIT_INSTANTIATE(T)                                                     \
  template ConvLayer<T> fold_pointwise(const ConvLayer<T>&, const ConvLayer<T>&, \
                                       const std::optional<Pair>&);              \
  template ConvLayer<T> embed_pointwise(const ConvLayer<T>&, Pair);              \
  template ConvLayer<T> extract_pointwise(const ConvLayer<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
