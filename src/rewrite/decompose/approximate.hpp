// Two layers of low rank instead of one, and what that loses.
#pragma once

#include <cstdint>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/factor_pair.hpp"
#include "rewrite/decompose/low_rank.hpp"
#include "rewrite/decompose/plane.hpp"

namespace plait::rewrite {

// Products per position of the layers that approximation() makes; kCountLimit if they pass that.
std::int64_t products_per_position(const Unfolding& unfolding, const ScaledKernel& kernel,
                                   std::int64_t rank, const Pair& stride);

// The nearest layers of that form and rank, without their cost. Where the second layer reads the
// channels in another order than the first one computes them, `reads` has that order. The borders
// are exact: each layer has the padding of its own axes, and there is no bias.
template <class T>
Approximation<T> approximation(const ScaledKernel& kernel, const Unfolding& unfolding,
                               std::int64_t rank, const DecomposeOptions& options);

// The two kernels of one channel as layers: the padding is the first one's, the stride the
// second's.
template <class T>
Approximation<T> layers_of_factors(const ScaledKernel& kernel, const Factoring& factoring,
                                   const DecomposeOptions& options);

// Sets bound_share: the layers against the layer, both in f64, on random x of -1 and 1.
template <class T>
void check_bound(const ScaledKernel& kernel, const Layers<T>& layer,
                 const DecomposeOptions& options, Approximation<T>& approximation);

}  // namespace plait::rewrite
