// The patches matrix of a layer: with it, a convolution is one matrix product.
//
//   X'[i w' + j, (c k_h + u) k_w + v] = x[c, i*s_h + u*d_h - p_top, j*s_w + v*d_w - p_left]
//
// for x of shape c x h x w, with the padding's values outside of x. X' is h'w' x (c k_h k_w). With
// W, the weight K of c_o x c x k_h x k_w read as a c_o x (c k_h k_w) matrix, the layer is W X'^T, a
// c_o x (h'w') matrix. With groups, each group takes the columns of its own channels. The matrix
// has about k_h k_w / (s_h s_w) times the elements of x, so plait's own algorithms never make it as
// a whole. Source: Dive into Deep Learning, "Multiple Input and Multiple Output Channels",
// exercise 5.
#pragma once

#include <atomic>
#include <cstdint>

#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

struct Im2colOptions {
  Pair kernel = 1;  // k_h x k_w
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  PaddingMode padding_mode = PaddingMode::zeros;
  double padding_value = 0;                   // for PaddingMode::constant
  const std::atomic<bool>* cancel = nullptr;  // once set, the call throws Error
};

// The shape of the matrix of x: h'w' x (c k_h k_w) for c x h x w, n x h'w' x (c k_h k_w) for
// n x c x h x w. Throws Error where im2col() would, naming the shapes and the rule, and also when
// the matrix of that dtype has 2^62 bytes or more.
PLAIT_API Dims im2col_shape(const Dims& x_shape, const Im2colOptions& options,
                            Dtype dtype = Dtype::f32);

// The matrix of x, which may have any strides. Runs on one thread, in time proportional to the
// elements of the matrix.
template <class T>
PLAIT_API Tensor<T> im2col(TensorView<const T> x, const Im2colOptions& options);
template <class T>
Tensor<T> im2col(const Tensor<T>& x, const Im2colOptions& options) {
  return im2col<T>(x.view(), options);
}

}  // namespace plait
