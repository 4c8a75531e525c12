// Convolution as a matrix product of the weights with patches of the input.
#include <algorithm>
#include <array>
#include <cstring>

#include "algorithms/matmul/matmul.hpp"
#include "core/machine/cycles.hpp"
#include "core/problem/padding.hpp"
#include "core/problem/phases.hpp"

namespace plait::algorithm::im2col {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), p = (i, j):
//   y[o, p] = sum over k of K[o, k] * b[k, p],   K: c_o/g x (c_i/g k_h k_w),
//   b[k, p] = x[c, i*s_h + u*d_h - p_top, j*s_w + v*d_w - p_left], or 0 outside the input.
// b has k_h k_w times the elements of x. It is written into cache panel by panel, never as a whole.
// Source: Chellapilla, Puri, Simard 2006, High Performance Convolutional Neural Networks for
// Document Processing; the chapter's exercise 5.
//
// When it wins and loses, measured:
// The copy writes each pixel k_h k_w times, and c_o/g rows of weights then read it: the copy costs
// little with many output channels and much with few. Its time divided by that of direct/pixels is
// 0.8 for 512 channels of 4x4 pixels, 1 for 3x3 with stride 2 at 56 pixels, 1.1 to 1.3 for 3x3 with
// stride 1, and 3 to 5 with 1 to 4 channels in a group. It takes any kernel under any cap: without
// workspace, 3x3 layers of ResNet-50 take 1.6 to 2 times as long as with all that it asks for. One
// thread, medians of ten alternations [Zen 4 VM, AVX-512, GCC 12.2, 2026-11-22].

// Writes panels of b.
class Patches final : public kernels::PanelSource {
 public:
  Patches(const Problem& problem, const float* x)
      : problem_(problem),
        x_(x),
        strides_(problem.effective_x_strides()),
        w_o_(problem.w_o()),
        channels_(problem.c_i / problem.groups),
        outside_(padding_value(problem)) {}

  void fill(std::int64_t image_group, std::int64_t k_begin, std::int64_t k_end, std::int64_t column,
            std::int64_t count, float* panel, std::int64_t panel_cols) const override {
    std::array<Range, kernels::kMaxTile> ranges;
    const std::size_t range_count = split_into_ranges(column, count, ranges);
    const float* group_x = x_ + image_group / problem_.groups * strides_[0] +
                           image_group % problem_.groups * channels_ * strides_[1];
    const std::int64_t window = problem_.k_h * problem_.k_w;
    for (std::int64_t k = k_begin; k < k_end; ++k, panel += panel_cols) {
      const float* channel = group_x + k / window * strides_[1];
      const std::int64_t u = k % window / problem_.k_w;
      const std::int64_t v = k % problem_.k_w;
      float* to = panel;
      for (std::size_t r = 0; r < range_count; ++r) {
        fill_range(ranges[r], channel, u, v, to);
        to += ranges[r].count;
      }
      std::fill(to, panel + panel_cols, 0.0F);
    }
  }

 private:
  // `count` output pixels of one row. Tap (0, 0) of the first one reads input (row, col).
  struct Range {
    std::int64_t row, col, count;
  };

  std::size_t split_into_ranges(std::int64_t column, std::int64_t count,
                                std::array<Range, kernels::kMaxTile>& ranges) const {
    std::size_t size = 0;
    while (count > 0) {
      const std::int64_t i = column / w_o_;
      const std::int64_t j = column % w_o_;
      const std::int64_t length = std::min(count, w_o_ - j);
      ranges[size++] = {i * problem_.stride.h - problem_.padding.top,
                        j * problem_.stride.w - problem_.padding.left, length};
      column += length;
      count -= length;
    }
    return size;
  }

  void fill_range(const Range& range, const float* channel, std::int64_t u, std::int64_t v,
                  float* to) const {
    const std::int64_t row =
        source_position(problem_.padding_mode, range.row + u * problem_.dilation.h, problem_.h,
                        problem_.padding.bottom);
    if (row == kOutside) {
      std::fill(to, to + range.count, outside_);
      return;
    }
    const float* image_row = channel + row * strides_[2];
    const std::int64_t step = problem_.stride.w;
    const std::int64_t col = range.col + v * problem_.dilation.w;
    const InputRange input(col, step, problem_.w, range.count);
    fill_outside(image_row, col, 0, input.first, to);
    fill_outside(image_row, col, input.last, range.count, to);
    if (input.is_empty()) return;
    // A single pixel needs no stride, and a stride as long as huge padding could overflow here.
    const std::int64_t stride = input.last - input.first == 1 ? 1 : step * strides_[3];
    const float* from = image_row + (col + input.first * step) * strides_[3];
    if (stride == 1) {
      std::memcpy(to + input.first, from,
                  static_cast<std::size_t>(input.last - input.first) * sizeof(float));
    } else {
      for (std::int64_t j = input.first; j < input.last; ++j, from += stride) to[j] = *from;
    }
  }

  // Fills pixels [begin, end) of a range that begins at column `col`, all of which read padding.
  void fill_outside(const float* image_row, std::int64_t col, std::int64_t begin, std::int64_t end,
                    float* to) const {
    if (padding_is_one_value(problem_)) {
      std::fill(to + begin, to + end, outside_);
      return;
    }
    for (std::int64_t j = begin; j < end; ++j) {
      const std::int64_t column = source_position(
          problem_.padding_mode, col + j * problem_.stride.w, problem_.w, problem_.padding.right);
      to[j] = column == kOutside ? outside_ : image_row[column * strides_[3]];
    }
  }

  const Problem& problem_;
  const float* x_;
  Dims strides_;
  std::int64_t w_o_;
  std::int64_t channels_;
  float outside_;
};

// === config ===
PanelRequest config(const Problem& problem) {
  const bool copies = problem.stride.w == 1 && problem.effective_x_strides()[3] == 1;
  const auto width = static_cast<double>(problem.w_o());
  // A panel splits rows at both ends.
  const double range = width * costs::kTypicalTileColumns / (width + costs::kTypicalTileColumns);
  return {.algorithm = "im2col",
          .fill_cycles_per_element =
              (copies ? costs::im2col::kCopyCyclesPerFloat : costs::im2col::kGatherCyclesPerFloat) +
              costs::im2col::kBeginCyclesPerRange / range};
}

// === accepts ===
// It takes forward problems in f32, like every matrix product, under any workspace cap, even 0.

// === cost ===
// offer_panels takes the cost of the blocking from panel_cost.

// === pack ===
// TileExecution::pack packs the weights in the order of the tiles.

// === run ===
class Im2col final : public PanelExecution {
 public:
  using PanelExecution::PanelExecution;

  void run(const Args& args) const override {
    run_from(Patches(problem(), static_cast<const float*>(args.in)), args);
  }
};

// === ask ===
Answer ask(const Question& question) {
  if (auto refusal = refuse_as_product(question.problem)) return *std::move(refusal);
  return offer_panels<Im2col>(config(question.problem), question);
}

}  // namespace

std::span<const Algorithm> variants() {
  static const Algorithm algorithms[] = {
      {"im2col", "patches of the input times the weights, panel by panel in cache", ask}};
  return algorithms;
}

}  // namespace plait::algorithm::im2col
