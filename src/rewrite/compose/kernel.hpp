// The values of the kernel and the bias that stand for two layers.
#pragma once

#include <atomic>

#include <plait/rewrite/layers.hpp>
#include <plait/tensor.hpp>

namespace plait::rewrite {

// W of c_o x c_i/gcd(g1, g2) x K_h x K_w, which is `shape`, by the formula of compose.hpp.
template <class T>
Tensor<double> composed_kernel(const ConvLayer<T>& first, const ConvLayer<T>& second,
                               const Dims& shape, const std::atomic<bool>* cancel);

// b2[o] + sum over m, u2, v2 of K2[o, m, u2, v2] b1[m]; a bias that is not there is 0.
template <class T>
Tensor<double> composed_bias(const ConvLayer<T>& first, const ConvLayer<T>& second);

}  // namespace plait::rewrite
