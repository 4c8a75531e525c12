// The kernel that a chain of layers stands for, rebuilt and compared with a given one.
#pragma once

#include <atomic>

#include <plait/rewrite/layers.hpp>

namespace plait::rewrite {

struct KernelDifference {
  bool bitwise = false;  // equal values, every one of them without rounding
  double error = 0;      // max over o of ||K[o] - rebuilt[o]||_1, what rounding here adds included
};

// Follows each output of the chain down to the taps of x that it reads. The strides of the chain
// must multiply to the layer's, and it must have no bias. Throws Error when cancelled.
template <class T>
KernelDifference difference(const ConvLayer<T>& layer, const Layers<T>& chain,
                            const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
