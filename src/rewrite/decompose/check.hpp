// What decompose() asks of its arguments, and the kernel as it goes on with it.
#pragma once

#include <cstdint>
#include <vector>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/scaled_kernel.hpp"

namespace plait::rewrite {

// The layer of the kernel, with four axes. Throws Error, naming the shapes and the rule, for wrong
// shapes, options and values.
template <class T>
Layers<T> checked_layer(TensorView<const T> kernel, const DecomposeOptions& options);

template <class T>
ScaledKernel scaled_kernel(const ConvLayer<T>& layer);

// Throws Error, naming the ranges, unless some form has the rank.
void check_rank(std::int64_t rank, const std::vector<FormRanks>& forms);

}  // namespace plait::rewrite
