// Copies of lines, per target, against their definition: borders, steps, and what is not touched.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "analysis/verify/guarded.hpp"
#include "kernels/copy/rows.hpp"

namespace plait::test {
namespace {

using kernels::RowCopy;

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

std::vector<float> expected(const RowCopy& copy, std::vector<float> to) {
  for (std::int64_t i = 0; i < copy.rows; ++i) {
    for (std::int64_t j = 0; j < copy.columns; ++j) {
      const bool inside = j >= copy.first && j < copy.last;
      to[static_cast<std::size_t>(i * copy.to_stride + j)] =
          inside ? copy.from[i * copy.from_stride + (j - copy.first) * copy.step] : copy.outside;
    }
  }
  return to;
}

void check(Target target, RowCopy copy, std::int64_t gap, GuardedBytes::Side side) {
  SCOPED_TRACE(std::string(name_of(target)) + ", columns " + std::to_string(copy.first) + " to " +
               std::to_string(copy.last) + " of " + std::to_string(copy.columns) + ", step " +
               std::to_string(copy.step));
  const std::int64_t line = std::max<std::int64_t>(0, (copy.last - copy.first - 1) * copy.step + 1);
  copy.from_stride = line + 2;
  Floats from((copy.rows - 1) * copy.from_stride + line, side);
  copy.to_stride = copy.columns + gap;
  Floats to((copy.rows - 1) * copy.to_stride + copy.columns, side);
  const std::vector<float> before = to.values();
  copy.from = from.data();
  copy.to = to.data();
  kernels::row_copy(target)(copy);
  EXPECT_EQ(to.values(), expected(copy, before));
  EXPECT_TRUE(to.slack_untouched());
}

class LineCopies : public testing::TestWithParam<Target> {};

TEST_P(LineCopies, AreWhatTheirDefinitionSays) {
  for (const std::int64_t columns : {1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 47, 50, 83}) {
    for (const std::int64_t before : {0, 1, 2, 15, 16, 17, 40}) {
      for (const std::int64_t after : {0, 1, 3, 16, 35}) {
        const std::int64_t first = std::min(before, columns);
        const std::int64_t last = std::max(first, columns - after);
        for (const std::int64_t step : {1, 2, 3, 4, 8}) {
          for (const auto side : {GuardedBytes::Side::behind, GuardedBytes::Side::before}) {
            check(GetParam(),
                  {.step = step,
                   .rows = 3,
                   .first = first,
                   .last = last,
                   .columns = columns,
                   .outside = -0.5F},
                  step - 1, side);
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
