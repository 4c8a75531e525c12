// How many products and terms the plain sums have, by direction.
#pragma once

#include <cstdint>

#include <plait/problem.hpp>

namespace plait::algorithm::reference {

// Products that are executed: those with the padding too, but in the gradient of x, where only what
// x itself meets is summed.
std::int64_t products_of(const Problem& problem);
// Every product is added, from nothing on; of the bias, every dy.
std::int64_t additions_of(const Problem& problem, std::int64_t products);
// Terms of a result's sum, at most.
double most_terms(const Problem& problem);

}  // namespace plait::algorithm::reference
