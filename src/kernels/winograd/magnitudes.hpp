// Magnitudes of inputs: the bits of |x| as an integer, whose order is that of the numbers, with
// infinity above them and NaN above all. A maximum of them does not depend on the order in which it
// is taken, so what is decided by it is the same for any threads, blocks, layouts and targets.
#pragma once

#include <bit>
#include <cstdint>

#include <plait/machine.hpp>

namespace plait::kernels {

inline std::int32_t magnitude_of(float value) {
  return std::bit_cast<std::int32_t>(value) & 0x7FFFFFFF;
}

// Magnitudes at[i * pitch + j], aligned to 64 bytes, of the rows and columns that rows x columns
// windows of taps_down x taps_across read.
struct MagnitudeWindows {
  std::int32_t* at = nullptr;
  std::int64_t pitch = 0;  // a multiple of kMagnitudeSlack that has one of them to spare
  std::int64_t rows = 0;   // of windows
  std::int64_t columns = 0;
  std::int64_t rows_kept = 0;  // windows of outputs that exist
  std::int64_t columns_kept = 0;
  int taps_down = 1;
  int taps_across = 1;
};
inline constexpr std::int64_t kMagnitudeSlack = 16;

struct MagnitudeExtremes {
  std::int32_t largest = 0;         // of all windows
  std::int32_t least = 0;           // of the windows that are kept
  std::int32_t least_positive = 0;  // and above 0: the largest integer if none is
};

// Puts the largest magnitude of every window in the place of its first one.
MagnitudeExtremes take_windows(Target target, const MagnitudeWindows& windows);

}  // namespace plait::kernels
