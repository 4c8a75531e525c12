// Sums as a target promises to form them.
#pragma once

#include <cmath>

#include <plait/machine.hpp>

namespace plait::test {

inline bool has_fma(Target target) { return target == Target::avx2 || target == Target::avx3; }

// One term of a sum as the target adds it. -ffp-contract=off keeps the two roundings apart.
inline float add_term(Target target, float sum, float a, float b) {
  return has_fma(target) ? std::fma(a, b, sum) : a * b + sum;
}

}  // namespace plait::test
