// The bits of floating-point numbers, to compare NaNs and signed zeros too.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace plait {

template <class T>
using FloatBits = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;

template <class T>
FloatBits<T> bits_of(T value) {
  return std::bit_cast<FloatBits<T>>(value);
}

}  // namespace plait
