// Floats for tests of kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/random.hpp"

namespace plait::test {

inline constexpr float kUntouched = -77;  // where nothing may be written

inline float& at(std::vector<float>& values, std::int64_t i) {
  return values[static_cast<std::size_t>(i)];
}

inline std::vector<float> random_floats(std::int64_t size, Random& random) {
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

}  // namespace plait::test
