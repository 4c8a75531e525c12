// One channel in two dimensions: a kernel is a polynomial in two variables, and a product of two
// such kernels a product of polynomials.
#pragma once

#include <atomic>
#include <string>

#include "rewrite/decompose/factor_pair.hpp"

namespace plait::rewrite {

// The largest side for which anything is proved or searched, once zeros at the borders are off.
inline constexpr int kLargestSide = 15;

// `kernel` times 2^exponent is the kernel of which the numbers are told.
Factoring factor_plane(const Plane& kernel, int exponent, double epsilon,
                       const std::atomic<bool>* cancel);

// Factors of f, of which the null space of Ruppert's matrix is given, where f has no factor twice
// and real ones. False if none are found. (Gao 2003; Kaltofen and May 2003.)
struct Irreducibility;
bool factors_from_null_space(const Plane& f, const Irreducibility& found, double epsilon,
                             const std::string& reason, Factoring& result);

}  // namespace plait::rewrite
