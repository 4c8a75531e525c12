// Plan::output_step: a window cut at its multiples has the bits of the whole image.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/plan.hpp>

#include "support/algorithms.hpp"
#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

// Sizes are no multiples of any step.
constexpr std::array kLines = {
    "2x8x29x43,16x8x3x3,p1,bias,act=relu",
    "1x6x37x33,12x6x3x3,s2,p1",
    "1x8x43x41,8x8x3x3,p2,d2",
    "1x8x33x35,8x8x5x5,p2",
    "1x8x24x61,8x8x1x7,p0x3",
    "1x24x19x21,8x24x1x1,bias",
    "1x24x20x21,24x1x3x3,p1,g24",
    "1x8x29x43,16x8x3x3,p1,nhwc",
    "1x8x2x2,8x8x5x5,p2",
};

struct Range {
  std::int64_t first, last;  // [first, last)
};

// Two cuts of an axis, at multiples of the step, where it has as many.
std::vector<Range> ranges_of(std::int64_t outputs, std::int64_t step) {
  const std::int64_t steps = (outputs + step - 1) / step;
  std::vector<Range> ranges;
  std::int64_t first = 0;
  for (const std::int64_t end : {steps / 3 * step, steps / 2 * step, outputs}) {
    if (end > first) ranges.push_back({first, end});
    first = std::max(first, end);
  }
  return ranges;
}

// What outputs `range` of an axis read of an input of `size`, and the padding that is left.
struct Reads {
  std::int64_t first, count, before, after;
};
Reads reads_of(const Range& range, std::int64_t stride, std::int64_t extent, std::int64_t before,
               std::int64_t size) {
  const std::int64_t first = range.first * stride - before;
  const std::int64_t end = (range.last - 1) * stride - before + extent;
  const std::int64_t from = std::clamp<std::int64_t>(first, 0, size);
  const std::int64_t to = std::clamp<std::int64_t>(end, 0, size);
  return {from, to - from, from - first, end - to};
}

void run_window(const Problem& whole, const std::string& algorithm, const Machine& machine,
                const Range& rows, const Range& columns, const Operands<float>& data,
                Tensor<float>& y) {
  const Reads down = reads_of(rows, whole.stride.h, whole.dilation.h * (whole.k_h - 1) + 1,
                              whole.padding.top, whole.h);
  const Reads across = reads_of(columns, whole.stride.w, whole.dilation.w * (whole.k_w - 1) + 1,
                                whole.padding.left, whole.w);
  const Dims x_strides = whole.effective_x_strides();
  const Dims y_strides = whole.effective_y_strides();
  Problem window = whole;
  window.h = down.count;
  window.w = across.count;
  window.padding.top = down.before;
  window.padding.bottom = down.after;
  window.padding.left = across.before;
  window.padding.right = across.after;
  window.x_strides = x_strides;
  window.y_strides = y_strides;
  ASSERT_EQ(window.y_shape()[2], rows.last - rows.first);
  ASSERT_EQ(window.y_shape()[3], columns.last - columns.first);
  const Plan plan = plait::plan(window, only(algorithm, 1), machine);
  plan.run(TensorView<const float>(
               data.x.data() + down.first * x_strides[2] + across.first * x_strides[3],
               window.x_shape(), x_strides),
           plan.pack(data.kernel, data.bias),
           TensorView<float>(y.data() + rows.first * y_strides[2] + columns.first * y_strides[3],
                             window.y_shape(), y_strides));
}

void check_windows(const Problem& problem, const std::string& algorithm, const Machine& machine) {
  const Plan plan = plait::plan(problem, only(algorithm), machine);
  Operands<float> data(problem);
  // Tiles that Winograd must not transform are the same in a window.
  for (std::int64_t i = 7; i < data.x.size(); i += 1009) data.x.data()[i] *= 1e7F;
  Tensor<float> whole(problem.y_shape());
  Tensor<float> cut(problem.y_shape());
  plan.run(TensorView<const float>(data.x.data(), problem.x_shape(), problem.effective_x_strides()),
           plan.pack(data.kernel, data.bias),
           TensorView<float>(whole.data(), problem.y_shape(), problem.effective_y_strides()));
  const Pair step = plan.output_step();
  for (const Range& rows : ranges_of(problem.h_o(), step.h)) {
    for (const Range& columns : ranges_of(problem.w_o(), step.w)) {
      run_window(problem, algorithm, machine, rows, columns, data, cut);
    }
  }
  EXPECT_TRUE(same_bytes(whole, cut))
      << to_string(problem) << " by " << algorithm << " on " << name_of(machine.target)
      << ", cut at multiples of " << step.h << " x " << step.w;
}

TEST(Windows, CutAtTheOutputStepHaveTheBitsOfTheWholeImage) {
  for (const Subject& subject : all_subjects()) {
    for (const std::string& line : lines_for(subject.algorithm, kLines)) {
      check_windows(parse_problem(line), subject.algorithm, on_target(subject.target));
    }
  }
}

TEST(Windows, OfTilesEndAtTheirMultiples) {
  const auto step_of = [](const char* line, const std::string& algorithm) {
    return plait::plan(line, {.algorithm = algorithm}).output_step();
  };
  EXPECT_EQ(step_of("1x8x29x43,16x8x3x3,p1", "winograd/f4x3"), Pair(4, 4));
  EXPECT_EQ(step_of("1x8x29x43,16x8x3x3,p3x2,d3x2", "winograd/f4x3"), Pair(12, 8));
  EXPECT_EQ(step_of("1x8x24x61,8x8x1x7,p0x3", "winograd/f2x7"), Pair(1, 2));
  EXPECT_EQ(step_of("1x8x29x43,16x8x3x3,p1", "im2col"), Pair(1));
}

}  // namespace
}  // namespace plait::test
