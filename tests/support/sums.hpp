// Sums as a target promises to form them.
#pragma once

#include <cmath>

#include <plait/machine.hpp>

namespace plait::test {

// One term of a sum as the target adds it. -ffp-contract=off keeps the two roundings apart.
inline float add_term(Target target, float sum, float a, float b) {
  return has_fused_multiply_add(target) ? std::fma(a, b, sum) : a * b + sum;
}

}  // namespace plait::test
