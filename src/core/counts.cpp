#include "core/counts.hpp"

#include <algorithm>

namespace plait {

std::string to_string(Int128 value) {
  const bool negative = value < 0;
  std::string digits;
  do {
    const int digit = static_cast<int>(value % 10);
    digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    value /= 10;
  } while (value != 0);
  if (negative) digits.push_back('-');
  return {digits.rbegin(), digits.rend()};
}

std::optional<std::int64_t> bounded_product(std::initializer_list<std::int64_t> factors,
                                            std::int64_t limit) {
  // A zero factor first: the others may overflow on the way to a product of 0.
  if (std::find(factors.begin(), factors.end(), 0) != factors.end()) return 0;
  std::int64_t product = 1;
  for (const std::int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product) || product > limit) return std::nullopt;
  }
  return product;
}

std::int64_t saturated_product(std::initializer_list<std::int64_t> factors) {
  return bounded_product(factors).value_or(kCountLimit);
}

std::int64_t saturated_sum(std::int64_t a, std::int64_t b) {
  return a > kCountLimit - b ? kCountLimit : a + b;
}

}  // namespace plait
