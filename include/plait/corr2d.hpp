// The four functions of the chapter "Multiple Input and Multiple Output Channels" of Dive into
// Deep Learning: cross-correlation with stride 1 and no padding. Shapes as the chapter gives them;
// a shape that does not fit throws Error. Each takes float or double tensors of any strides.
#pragma once

#include <plait/export.hpp>
#include <plait/tensor.hpp>

namespace plait {

// `threads` of each: 0 for the machine's default.

// X: h x w, K: k_h x k_w. Returns (h - k_h + 1) x (w - k_w + 1).
template <class T>
PLAIT_API Tensor<T> corr2d(TensorView<const T> x, TensorView<const T> kernel, int threads = 0);

// X: c_i x h x w, K: c_i x k_h x k_w: each channel with its own kernel, then summed over c_i.
template <class T>
PLAIT_API Tensor<T> corr2d_multi_in(TensorView<const T> x, TensorView<const T> kernel,
                                    int threads = 0);

// X: c_i x h x w (or n x c_i x h x w), K: c_o x c_i x k_h x k_w. Returns c_o maps (per image).
template <class T>
PLAIT_API Tensor<T> corr2d_multi_in_out(TensorView<const T> x, TensorView<const T> kernel,
                                        int threads = 0);

// X: c_i x h x w (or n x ...), K: c_o x c_i or c_o x c_i x 1 x 1: one fully connected layer over
// the channels, applied at every pixel.
template <class T>
PLAIT_API Tensor<T> corr2d_multi_in_out_1x1(TensorView<const T> x, TensorView<const T> kernel,
                                            int threads = 0);

template <class T>
Tensor<T> corr2d(const Tensor<T>& x, const Tensor<T>& kernel) {
  return corr2d<T>(x.view(), kernel.view());
}
template <class T>
Tensor<T> corr2d_multi_in(const Tensor<T>& x, const Tensor<T>& kernel) {
  return corr2d_multi_in<T>(x.view(), kernel.view());
}
template <class T>
Tensor<T> corr2d_multi_in_out(const Tensor<T>& x, const Tensor<T>& kernel) {
  return corr2d_multi_in_out<T>(x.view(), kernel.view());
}
template <class T>
Tensor<T> corr2d_multi_in_out_1x1(const Tensor<T>& x, const Tensor<T>& kernel) {
  return corr2d_multi_in_out_1x1<T>(x.view(), kernel.view());
}

}  // namespace plait
