// Sums as a target promises to form them.
#pragma once

#include <cmath>
#include <cstdint>

#include <plait/machine.hpp>

#include "kernels/tile/tile.hpp"

namespace plait::test {

// One term of a sum as the target adds it. -ffp-contract=off keeps the two roundings apart.
inline float add_term(Target target, float sum, float a, float b) {
  return has_fused_multiply_add(target) ? std::fma(a, b, sum) : a * b + sum;
}

// A sum of products as kernels form it: chunks of kChunk terms, each summed from zero, are added
// up. term(k) gives the two factors of term k.
template <class Term>
float chunked_sum(Target target, std::int64_t terms, const Term& term) {
  float total = 0;
  float sum = 0;
  for (std::int64_t k = 0; k < terms; ++k) {
    if (k > 0 && k % kernels::kChunk == 0) {
      total = k == kernels::kChunk ? sum : total + sum;
      sum = 0;
    }
    const auto [a, b] = term(k);
    sum = add_term(target, sum, a, b);
  }
  return terms > kernels::kChunk ? total + sum : sum;
}

}  // namespace plait::test
