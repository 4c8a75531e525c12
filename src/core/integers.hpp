// Counts of elements, bytes and operations, which are checked, saturated or rounded.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>

namespace plait {

__extension__ typedef __int128 Int128;

std::string to_string(Int128 value);

// No count of elements, bytes or operations passes this limit, so that the sum of two fits in 64
// bits.
inline constexpr std::int64_t kCountLimit = std::int64_t{1} << 62;

// The product of factors >= 0, or nothing if it passes `limit`. It is 0 if any factor is 0. Inline,
// because planning multiplies counts thousands of times.
inline std::optional<std::int64_t> bounded_product(std::initializer_list<std::int64_t> factors,
                                                   std::int64_t limit = kCountLimit) {
  std::int64_t product = 1;
  bool passed = false;
  for (const std::int64_t factor : factors) {
    if (factor == 0) return 0;  // even if the product of the others passes the limit
    passed |= __builtin_mul_overflow(product, factor, &product) || product > limit;
  }
  if (passed) return std::nullopt;
  return product;
}

// The product of factors >= 0, at most kCountLimit: for costs, which may be huge.
inline std::int64_t saturated_product(std::initializer_list<std::int64_t> factors) {
  return bounded_product(factors).value_or(kCountLimit);
}
// The sum of two counts, at most kCountLimit.
inline std::int64_t saturated_sum(std::int64_t a, std::int64_t b) {
  return a > kCountLimit - b ? kCountLimit : a + b;
}

// a / b rounded up; b > 0, a of either sign.
template <std::integral T>
constexpr T ceil_div(T a, std::type_identity_t<T> b) {
  const T quotient = a / b;
  return a % b > 0 ? quotient + 1 : quotient;
}
template <std::integral T>
constexpr T round_up(T a, std::type_identity_t<T> multiple) {
  return ceil_div(a, multiple) * multiple;
}

inline constexpr std::int64_t kCacheLineBytes = 64;  // of x86-64 and most ARM cores
inline constexpr std::int64_t kCacheLineFloats = kCacheLineBytes / std::int64_t{sizeof(float)};

}  // namespace plait
