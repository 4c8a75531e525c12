// Largest magnitudes of windows, per target, against plain loops.
#include "kernels/winograd/magnitudes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "support/winograd.hpp"

namespace plait::test {
namespace {

constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();

TEST(Magnitudes, OrderNumbersThenInfinityThenNaN) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float values[] = {0.0F, 1e-45F, 1e-38F, 1.0F, 1.5F, 3e38F, kInfinity, kNan};
  for (std::size_t i = 0; i + 1 < std::size(values); ++i) {
    EXPECT_LT(kernels::magnitude_of(values[i]), kernels::magnitude_of(values[i + 1]));
    EXPECT_EQ(kernels::magnitude_of(-values[i]), kernels::magnitude_of(values[i]));
  }
}

// Some magnitudes, many of them 0, in `rows` lines of `pitch`.
void fill_magnitudes(std::int32_t* at, std::int64_t rows, std::int64_t pitch, Random& random) {
  for (std::int64_t i = 0; i < rows * pitch; ++i) {
    const bool zero = random.chance(0.7);
    at[i] = zero ? 0 : kernels::magnitude_of(static_cast<float>(random.normal()));
  }
}

TEST(Magnitudes, WindowsHaveTheLargestOfTheirTaps) {
  Random random(6);
  for (const Target target : runnable_targets()) {
    for (int round = 0; round < 300; ++round) {
      kernels::MagnitudeWindows windows;
      windows.rows = random.between(1, 13);
      windows.columns = random.between(1, 50);
      windows.rows_kept = random.between(1, windows.rows);
      windows.columns_kept = random.between(1, windows.columns);
      windows.taps_down = static_cast<int>(random.between(1, 7));
      windows.taps_across = static_cast<int>(random.between(1, 7));
      windows.pitch =
          (windows.columns + windows.taps_across + 14) / 16 * 16 + kernels::kMagnitudeSlack;
      const std::int64_t rows = windows.rows + windows.taps_down - 1;
      const Guarded given(rows * windows.pitch, 0);
      const Guarded taken(rows * windows.pitch, 0);
      auto* const before = reinterpret_cast<std::int32_t*>(given.data());
      windows.at = reinterpret_cast<std::int32_t*>(taken.data());
      fill_magnitudes(before, rows, windows.pitch, random);
      std::copy_n(before, rows * windows.pitch, windows.at);
      const kernels::MagnitudeExtremes extremes = kernels::take_windows(target, windows);
      kernels::MagnitudeExtremes expected{0, kNone, kNone};
      for (std::int64_t i = 0; i < windows.rows; ++i) {
        for (std::int64_t j = 0; j < windows.columns; ++j) {
          std::int32_t largest = 0;
          for (std::int64_t u = 0; u < windows.taps_down; ++u) {
            const std::int32_t* const line = before + (i + u) * windows.pitch + j;
            largest = std::max(largest, *std::max_element(line, line + windows.taps_across));
          }
          ASSERT_EQ(windows.at[i * windows.pitch + j], largest) << name_of(target);
          expected.largest = std::max(expected.largest, largest);
          if (i >= windows.rows_kept || j >= windows.columns_kept) continue;
          expected.least = std::min(expected.least, largest);
          if (largest > 0) expected.least_positive = std::min(expected.least_positive, largest);
        }
      }
      ASSERT_EQ(extremes.largest, expected.largest) << name_of(target);
      ASSERT_EQ(extremes.least, expected.least) << name_of(target);
      ASSERT_EQ(extremes.least_positive, expected.least_positive) << name_of(target);
      EXPECT_TRUE(taken.is_intact_around()) << name_of(target);
    }
  }
}

}  // namespace
}  // namespace plait::test
