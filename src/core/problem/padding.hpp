// Which value a window reads beyond the input.
#pragma once

#include <cstdint>

#include <plait/problem.hpp>

namespace plait {

inline constexpr std::int64_t kOutside = -1;

// The input position whose value `position` holds, on an axis of `size` inputs followed by `after`
// positions of padding; kOutside if it holds padding_value(). No window reads beyond the padding.
inline std::int64_t source_position(PaddingMode mode, std::int64_t position, std::int64_t size,
                                    std::int64_t after) {
  if (position >= 0 && position < size) return position;
  if (position >= size + after) return kOutside;
  switch (mode) {
    case PaddingMode::reflect:
      return position < 0 ? -position : 2 * (size - 1) - position;
    case PaddingMode::symmetric:
      return position < 0 ? -position - 1 : 2 * size - 1 - position;
    case PaddingMode::replicate:
      return position < 0 ? 0 : size - 1;
    case PaddingMode::circular:
      return (position % size + size) % size;
    case PaddingMode::zeros:
    case PaddingMode::constant:
      break;
  }
  return kOutside;
}

inline bool padding_is_one_value(PaddingMode mode) {
  return mode == PaddingMode::zeros || mode == PaddingMode::constant;
}
inline bool padding_is_one_value(const Problem& problem) {
  return padding_is_one_value(problem.padding_mode);
}
// The value of such padding.
inline float padding_value(const Problem& problem) {
  return problem.padding_mode == PaddingMode::constant ? static_cast<float>(problem.padding_value)
                                                       : 0.0F;
}

}  // namespace plait
