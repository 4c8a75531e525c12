// The Inception module (Szegedy et al., "Going Deeper with Convolutions", 2015, figure 2b) on a
// picture: kernels of several sizes side by side at one level, each branch reduced by a 1x1
// convolution first, and concatenated over channels. x: n x 3 x h x w, y: n x 16 x h x w.
//
//   x ------------------> 1x1, 3 -> 4 ------------------+
//   x -> 1x1, 3 -> 2 ---> 3x3, 2 -> 4 ------------------+-> y
//   x -> 1x1, 3 -> 2 ---> 5x5, 2 -> 4 ------------------+
//   x -> 3x3 max pool --> 1x1, 3 -> 4 ------------------+
//
// Every convolution is followed by a ReLU. The weights follow from formulas, not from training.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait::cli {

struct InceptionWeights {
  Tensor<float> only_1x1;                  // 4 x 3 x 1 x 1
  Tensor<float> reduce_3x3;                // 2 x 3 x 1 x 1
  Tensor<float> conv_3x3;                  // 4 x 2 x 3 x 3
  Tensor<float> reduce_5x5;                // 2 x 3 x 1 x 1
  Tensor<float> conv_5x5;                  // 4 x 2 x 5 x 5
  Tensor<float> after_pool;                // 4 x 3 x 1 x 1
  std::vector<std::string> channel_names;  // 16
};
InceptionWeights inception_weights();

// What computes one convolution of the module: x, K and their problem in, y out.
using Convolve = std::function<Tensor<float>(const std::string& name, const Problem& problem,
                                             const Tensor<float>& x, const Tensor<float>& kernel)>;

// x: n x 3 x h x w. Calls `convolve` six times, with "same" padding and ReLU in the problem.
// Throws Error unless x has 3 channels.
Tensor<float> inception(const Tensor<float>& x, const InceptionWeights& weights,
                        const Convolve& convolve);

// 3x3 max pooling with stride 1: y[n, c, i, j] is the largest x within one row and column; outside
// the map there is nothing. NaN wins. x: n x c x h x w.
Tensor<float> max_pool_3x3(const Tensor<float>& x);

// Stacks tensors of equal n, h, w over their channels, in order.
Tensor<float> concatenate_channels(const std::vector<const Tensor<float>*>& parts);

}  // namespace plait::cli
