// One-call convolution. Plans are cached by problem and limits; packed weights never are, so K may
// be changed in place between calls.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include <plait/executor.hpp>
#include <plait/export.hpp>
#include <plait/plan.hpp>

namespace plait {

template <class T>
struct Conv2dOptions {
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  std::int64_t groups = 1;
  TensorView<const T> bias = {};      // c_o, or none
  TensorView<const T> residual = {};  // shape of the output, or none; added before the activation
  Activation activation = {};
  PaddingMode padding_mode = PaddingMode::zeros;
  double padding_value = 0;      // of PaddingMode::constant
  Layout layout = Layout::nchw;  // nhwc: x, residual and output have shape n x h x w x c
  Accuracy accuracy = Accuracy::fp32;
  std::size_t max_workspace_bytes = kNoWorkspaceCap;
  int threads = 0;             // 0: the machine's default
  std::string algorithm = {};  // empty: the planner chooses
  bool reproducible = false;
  Executor* executor = nullptr;               // as in RunOptions; the plan does not depend on it
  const std::atomic<bool>* cancel = nullptr;  // as in RunOptions
};

// x: n x c_i x h x w (or c_i x h x w, and the output then has rank 3 too), K: c_o x c_i/groups x
// k_h x k_w, any strides: an n x c_i x h x w view of NHWC memory is planned as nhwc. Returns
// n x c_o x h' x w', empty if n is 0. Throws Error naming both shapes and the rule.
template <class T>
PLAIT_API Tensor<T> conv2d(TensorView<const T> x, TensorView<const T> kernel,
                           const Conv2dOptions<T>& options = {});
template <class T>
Tensor<T> conv2d(const Tensor<T>& x, const Tensor<T>& kernel,
                 const std::type_identity_t<Conv2dOptions<T>>& options = {}) {
  return conv2d<T>(x.view(), kernel.view(), options);
}

// The same into the caller's output, of any strides.
template <class T>
PLAIT_API void conv2d_into(TensorView<T> y, TensorView<const T> x, TensorView<const T> kernel,
                           const Conv2dOptions<T>& options = {});

// The plan of such a call, from the cache: what it will compute, how, at what predicted cost, and
// the shape of y; of one image for an empty batch. The output is planned to lie in memory like x:
// NHWC where x does.
template <class T>
PLAIT_API Plan conv2d_plan(TensorView<const T> x, TensorView<const T> kernel,
                           const Conv2dOptions<T>& options = {});

// Drops all cached plans and the calling thread's workspace.
PLAIT_API void clear_cache();

}  // namespace plait
