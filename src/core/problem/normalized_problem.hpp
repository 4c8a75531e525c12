// The same convolution without numbers so large that no output depends on how large.
#pragma once

#include <plait/problem.hpp>

namespace plait {

// A valid problem may hold any 64-bit number as a stride that leaves one output on its axis, as the
// dilation of one tap, or as the element stride of an axis of size 1. A room that multiplies or
// adds such a number before dropping it would overflow. Here they are the least stride that leaves
// one output, 1, and the stride of the dense layout: all below 2^62.
Problem normalized_problem(const Problem& problem);

}  // namespace plait
