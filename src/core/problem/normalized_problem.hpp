// The same convolution without huge numbers that no output depends on.
#pragma once

#include <plait/problem.hpp>

namespace plait {

// A valid problem may hold any 64-bit number as the stride of an axis with one output, as the
// dilation of one tap, and as the element stride of an axis of size 1. An algorithm that multiplies
// or adds such a number would overflow. Here these are replaced by the smallest stride that leaves
// one output, by 1, and by the stride of the dense layout: all are below 2^62.
Problem normalized_problem(const Problem& problem);

}  // namespace plait
