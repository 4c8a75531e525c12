// Layers folded into one kernel: batch norms, 1x1 layers and parallel branches, and the kernels of
// what is a convolution without being called one. What comes out computes what the layers computed,
// for every finite x of every size and at the borders too; where that cannot be, the call is
// refused. Values are computed in f64 and rounded once.
//
// Every function throws Error, naming the shapes and the rule, for a layer that is none, for values
// that are not finite ("kernel[0,1,2,0] is nan"), and for results that pass T's range.
#pragma once

#include <cstdint>
#include <optional>

#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/rewrite/layers.hpp>
#include <plait/tensor.hpp>

namespace plait {

// A batch norm as it is after training, scale[c] x[c] + shift[c] at every pixel, with
//   scale = gamma / sqrt(variance + epsilon),  shift = beta - scale mean.
// Source: Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 2.
template <class T>
struct BatchNorm {
  Tensor<T> gamma = {};  // c, or empty: 1
  Tensor<T> beta = {};   // c, or empty: 0
  Tensor<T> mean;        // c
  Tensor<T> variance;    // c, not negative
  double epsilon = 1e-5;
};

// The layer with the batch norm behind it, always exact: kernel scale[o] K, bias scale[o] bias[o] +
// shift[o]. Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
// Integer-Arithmetic-Only Inference", 2018, section 3.2. Throws Error unless the norm has y's
// channels, and where the norm would shift a channel that the layer does not write.
template <class T>
PLAIT_API ConvLayer<T> fold_batch_norm(const ConvLayer<T>& layer, const BatchNorm<T>& norm);

// The layer with the batch norm in front of it: kernel K[o, c] scale[c], bias bias[o] + sum over
// c, u, v of K[o, c, u, v] shift[c]. The layer's padding stays zeros, which the norm would not have
// shifted: so it is exact without padding, or where no channel is shifted. Otherwise the outputs at
// the borders would be wrong, and Error is thrown. The norm has x's channels.
template <class T>
PLAIT_API ConvLayer<T> fold_batch_norm_before(const BatchNorm<T>& norm, const ConvLayer<T>& layer);

// One layer for two in a row, of which one is 1x1, by compose(); a dilation of the other one stays.
// A 1x1 layer without padding behind another is always exact; one in front is where it has no bias,
// or the other no padding. Throws Error, saying why, where outputs can differ: for some size of x,
// or, if input_size (h x w) is given, for that one, with their number.
template <class T>
PLAIT_API ConvLayer<T> fold_pointwise(const ConvLayer<T>& first, const ConvLayer<T>& second,
                                      const std::optional<Pair>& input_size = {});

// A 1x1 layer as one of k_h x k_w taps, zero but for the one at ((k_h - 1) / 2, (k_w - 1) / 2),
// with as much more padding: so it can be added to other layers of that window.
template <class T>
PLAIT_API ConvLayer<T> embed_pointwise(const ConvLayer<T>& layer, Pair window);

// The inverse: a layer whose kernel is zero but for one tap (u, v), the same for all its channels,
// as a 1x1 layer with less padding: p_top - u d_h above, p_bottom - (k_h - 1 - u) d_h below, w
// alike. Throws Error where another tap is not zero, or that padding would be negative.
template <class T>
PLAIT_API ConvLayer<T> extract_pointwise(const ConvLayer<T>& layer);

// One layer for branches that read the same x and whose outputs are added, such as 1x1 + 3x3 +
// identity_kernel() or 1x3 + 3x1 + 3x3. Tap u of a branch reads x[i s + u d - p_top]: the merged
// kernel has a tap for each offset u d - p_top of any branch, dilated where all offsets are
// multiples of some steps apart; its padding is the largest of each side; it has gcd(groups)
// groups, and zeros where a branch has no weight. Branches must have the same channels and strides,
// and p_top + p_bottom - d_h (k_h - 1), w alike: else their outputs differ in size. Two layers in
// a row are composed first. Sources: Ding et al., "RepVGG", 2021; "ACNet", 2019.
template <class T>
PLAIT_API ConvLayer<T> merge_branches(const Layers<T>& branches);

// Likewise where the outputs are concatenated over channels, in the order of the branches, as in
// the Inception module. They may differ in number; the result has one group.
template <class T>
PLAIT_API ConvLayer<T> concatenate_branches(const Layers<T>& branches);

// y = x: channels x channels/groups x k_h x k_w, ones at tap ((k_h - 1) / 2, (k_w - 1) / 2), so
// that with padding (k_h - 1) / 2 above and k_h / 2 below, w alike, the size stays.
template <class T>
PLAIT_API Tensor<T> identity_kernel(std::int64_t channels, std::int64_t groups = 1,
                                    Pair window = 1);

// Average pooling of each channel: channels x 1 x k_h x k_w of 1 / (k_h k_w), for a layer in
// `channels` groups. The padding's zeros are counted in the averages: where they are not
// (count_include_pad false) the averages at the borders have other divisors, which no kernel has,
// and Error is thrown, unless there is no padding. The padding serves for that check only.
template <class T>
PLAIT_API Tensor<T> average_pool_kernel(std::int64_t channels, Pair window,
                                        const Padding& padding = 0, bool count_include_pad = true);

// channel_shuffle() as a 1x1 kernel: channels x channels x 1 x 1 in one group.
template <class T>
PLAIT_API Tensor<T> channel_shuffle_kernel(std::int64_t channels, std::int64_t groups);

}  // namespace plait
