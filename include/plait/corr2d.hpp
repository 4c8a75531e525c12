// The four functions of the chapter "Multiple Input and Multiple Output Channels" of Dive into
// Deep Learning: cross-correlation with stride 1 and no padding. The chapter's X and K are x and
// weight here. Each takes float or double tensors of any strides, and throws Error when a shape
// does not fit. `threads` is 0 for the machine's default.
#pragma once

#include <plait/export.hpp>
#include <plait/tensor.hpp>

namespace plait {

// x[h, w], weight[k_h, k_w]. Returns y[h - k_h + 1, w - k_w + 1].
template <class T>
PLAIT_API Tensor<T> corr2d(TensorView<const T> x, TensorView<const T> weight, int threads = 0);

// x[c_i, h, w], weight[c_i, k_h, k_w]: each channel is correlated with its own kernel, and the
// results are summed over c_i. Returns y[h - k_h + 1, w - k_w + 1].
template <class T>
PLAIT_API Tensor<T> corr2d_multi_in(TensorView<const T> x, TensorView<const T> weight,
                                    int threads = 0);

// x[c_i, h, w] or x[n, c_i, h, w], weight[c_o, c_i, k_h, k_w]. Returns c_o maps, for each image.
template <class T>
PLAIT_API Tensor<T> corr2d_multi_in_out(TensorView<const T> x, TensorView<const T> weight,
                                        int threads = 0);

// x[c_i, h, w] or x[n, c_i, h, w], weight[c_o, c_i] or weight[c_o, c_i, 1, 1]: one fully connected
// layer over the channels, applied at every pixel. Returns c_o maps, for each image.
template <class T>
PLAIT_API Tensor<T> corr2d_multi_in_out_1x1(TensorView<const T> x, TensorView<const T> weight,
                                            int threads = 0);

template <class T>
Tensor<T> corr2d(const Tensor<T>& x, const Tensor<T>& weight) {
  return corr2d<T>(x.view(), weight.view());
}
template <class T>
Tensor<T> corr2d_multi_in(const Tensor<T>& x, const Tensor<T>& weight) {
  return corr2d_multi_in<T>(x.view(), weight.view());
}
template <class T>
Tensor<T> corr2d_multi_in_out(const Tensor<T>& x, const Tensor<T>& weight) {
  return corr2d_multi_in_out<T>(x.view(), weight.view());
}
template <class T>
Tensor<T> corr2d_multi_in_out_1x1(const Tensor<T>& x, const Tensor<T>& weight) {
  return corr2d_multi_in_out_1x1<T>(x.view(), weight.view());
}

}  // namespace plait
