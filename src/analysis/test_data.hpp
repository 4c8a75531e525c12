// Random operands for measuring and verifying.
#pragma once

#include <plait/tensor.hpp>

#include "core/random.hpp"

namespace plait {

// The data of the error classes: inputs like those behind a ReLU, max(0, normal), and weights as He
// et al. 2015 start training with, normal of variance 2 / depth.
template <class T>
void fill_relu_like(Tensor<T>& tensor, Random& random);
template <class T>
void fill_he(Tensor<T>& tensor, std::int64_t depth, Random& random);
// Integers in [-limit, limit]: sums of their products are exact.
template <class T>
void fill_integers(Tensor<T>& tensor, std::int64_t limit, Random& random);
// Normal numbers scaled by 2^-20 .. 2^20, each by its own power: sums that cancel.
template <class T>
void fill_wide_range(Tensor<T>& tensor, Random& random);

}  // namespace plait
