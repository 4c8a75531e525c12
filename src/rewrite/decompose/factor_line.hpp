// One channel along one axis: a kernel of n taps is a polynomial of degree n - 1, and a product of
// two such kernels a product of polynomials.
#pragma once

#include <vector>

#include "rewrite/decompose/factor_pair.hpp"

namespace plait::rewrite {

// Longer polynomials have real factors as well, but these are not computed.
inline constexpr int kMostTapsOnALine = 129;

// Factors the kernel with the values taps[i] 2^exponent. The factors are planes of 1 x n.
Factoring factor_line(const std::vector<double>& taps, int exponent, double epsilon);

}  // namespace plait::rewrite
