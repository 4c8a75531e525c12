// The numbers of products and terms of the plain sums, by direction.
#pragma once

#include <cstdint>

#include <plait/problem.hpp>

namespace plait::algorithm::reference {

// Products that are executed. Those with padding count, except in the gradient of x, which sums
// only over positions that read x itself.
std::int64_t products_of(const Problem& problem);
// Additions for so many products: one for each, or for the gradient of the bias one for each dy.
std::int64_t additions_of(const Problem& problem, std::int64_t products);
// The largest number of terms in the sum of one result.
double most_terms(const Problem& problem);

}  // namespace plait::algorithm::reference
