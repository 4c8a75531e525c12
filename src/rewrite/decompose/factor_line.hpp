// One channel along one axis: a kernel of n taps is a polynomial of degree n - 1, and a product of
// two such kernels a product of polynomials.
#pragma once

#include <vector>

#include "rewrite/decompose/factor_pair.hpp"

namespace plait::rewrite {

// Longer ones do have factors, but these are not looked for.
inline constexpr int kMostTapsOnALine = 129;

// `taps` times 2^exponent are the kernel's; the numbers told are those of the kernel. The factors
// are 1 x n planes.
Factoring factor_line(const std::vector<double>& taps, int exponent, double epsilon);

}  // namespace plait::rewrite
