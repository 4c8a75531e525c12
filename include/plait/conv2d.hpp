// Convolution in one call. Plans are cached by problem and limits; packed weights are not, so that
// the weight may be changed in place between calls.
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
  TensorView<const T> bias = {};      // [c_o], or none
  TensorView<const T> residual = {};  // shaped like the output, or none; added before activation
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

// Returns y[n, c_o, h', w'], dense, of x[n, c_i, h, w] and weight[c_o, c_i/groups, k_h, k_w].
// Without n in x there is none in y; an empty batch gives an empty y. Views may have any strides:
// one of shape n x c_i x h x w over NHWC memory is planned as nhwc. Throws Error, naming both
// shapes and the rule, when they do not fit.
template <class T>
PLAIT_API Tensor<T> conv2d(TensorView<const T> x, TensorView<const T> weight,
                           const Conv2dOptions<T>& options = {});
template <class T>
Tensor<T> conv2d(const Tensor<T>& x, const Tensor<T>& weight,
                 const std::type_identity_t<Conv2dOptions<T>>& options = {}) {
  return conv2d<T>(x.view(), weight.view(), options);
}

// The same, into the caller's y of any strides.
template <class T>
PLAIT_API void conv2d_into(TensorView<T> y, TensorView<const T> x, TensorView<const T> weight,
                           const Conv2dOptions<T>& options = {});

// The plan of such a call, from the cache: what it computes, how, at what predicted cost, and the
// shape of y. For an empty batch it is the plan of one image. The output is planned to lie in
// memory like x: NHWC where x does.
template <class T>
PLAIT_API Plan conv2d_plan(TensorView<const T> x, TensorView<const T> weight,
                           const Conv2dOptions<T>& options = {});

// Drops all cached plans and the calling thread's workspace.
PLAIT_API void clear_cache();

}  // namespace plait
