// Copies of lines, per target, against their definition: borders, steps, and what is not touched.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "analysis/verify/guarded.hpp"
#include "kernels/lines.hpp"

namespace plait::test {
namespace {

using kernels::LineCopy;

// A buffer of floats that notices accesses beyond one side.
class Floats {
 public:
  Floats(std::int64_t count, GuardedBytes::Side side)
      : bytes_(static_cast<std::size_t>(count) * sizeof(float), sizeof(float), side),
        count_(static_cast<std::size_t>(count)) {
    for (std::size_t i = 0; i < count_; ++i) data()[i] = static_cast<float>(i + 1);
  }
  float* data() { return reinterpret_cast<float*>(bytes_.data()); }
  std::vector<float> values() { return {data(), data() + count_}; }
  bool slack_untouched() const { return bytes_.slack_untouched(); }

 private:
  GuardedBytes bytes_;
  std::size_t count_;
};

std::vector<float> expected(const LineCopy& copy) {
  std::vector<float> to;
  for (std::int64_t i = 0; i < copy.lines; ++i) {
    for (std::int64_t j = 0; j < copy.pitch; ++j) {
      const bool inside = j >= copy.first && j < copy.last;
      to.push_back(inside ? copy.from[i * copy.line_stride + (j - copy.first) * copy.step]
                          : copy.outside);
    }
  }
  return to;
}

void check(Target target, LineCopy copy, GuardedBytes::Side side) {
  SCOPED_TRACE(std::string(name_of(target)) + ", columns " + std::to_string(copy.first) + " to " +
               std::to_string(copy.last) + " of " + std::to_string(copy.pitch) + ", step " +
               std::to_string(copy.step));
  const std::int64_t line = std::max<std::int64_t>(0, (copy.last - copy.first - 1) * copy.step + 1);
  copy.line_stride = line + 2;
  Floats from((copy.lines - 1) * copy.line_stride + line, side);
  Floats to(copy.lines * copy.pitch, side);
  copy.from = from.data();
  copy.to = to.data();
  kernels::line_copy(target)(copy);
  EXPECT_EQ(to.values(), expected(copy));
  EXPECT_TRUE(to.slack_untouched());
}

class LineCopies : public testing::TestWithParam<Target> {};

TEST_P(LineCopies, AreWhatTheirDefinitionSays) {
  for (const std::int64_t pitch : {1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 47, 50, 83}) {
    for (const std::int64_t before : {0, 1, 2, 15, 16, 17, 40}) {
      for (const std::int64_t after : {0, 1, 3, 16, 35}) {
        const std::int64_t first = std::min(before, pitch);
        const std::int64_t last = std::max(first, pitch - after);
        for (const std::int64_t step : {1, 2, 3, 4, 8}) {
          for (const auto side : {GuardedBytes::Side::behind, GuardedBytes::Side::before}) {
            check(GetParam(),
                  {.step = step,
                   .lines = 3,
                   .first = first,
                   .last = last,
                   .pitch = pitch,
                   .outside = -0.5F},
                  side);
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, LineCopies, testing::ValuesIn(host_machine().targets),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace plait::test
