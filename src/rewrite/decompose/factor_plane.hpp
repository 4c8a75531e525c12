// One channel in two dimensions: a kernel is a polynomial in two variables, and a product of two
// such kernels a product of polynomials.
#pragma once

#include <atomic>
#include <string>

#include "rewrite/decompose/factor_pair.hpp"

namespace plait::rewrite {

// Kernels with a longer side, without zeros at their borders, are left undecided.
inline constexpr int kLargestSide = 15;

// Factors the kernel with the values of `kernel` times 2^exponent.
Factoring factor_plane(const Plane& kernel, int exponent, double epsilon,
                       const std::atomic<bool>* cancel);

// Finds real factors of f from the null space of Ruppert's matrix, where f has no factor twice.
// Returns whether it has found any. (Gao 2003; Kaltofen and May 2003.)
struct Irreducibility;
bool factors_from_null_space(const Plane& f, const Irreducibility& found, double epsilon,
                             const std::string& reason, Factoring& result);

}  // namespace plait::rewrite
