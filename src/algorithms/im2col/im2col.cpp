// Convolution as a matrix product of the weights with patches of the input.
#include <algorithm>
#include <array>
#include <cstring>

#include "algorithms/matmul/matmul.hpp"
#include "core/integers.hpp"
#include "core/machine/cycles.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::im2col {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), p = (i, j):
//   y[o, p] = sum over k of K[o, k] * b[k, p],   K: c_o/g x (c_i/g k_h k_w),
//   b[k, p] = x[c, i*s_h + u*d_h - p_top, j*s_w + v*d_w - p_left], or 0 outside the input.
// b has k_h k_w times the elements of x; it is written panel by panel into cache, never as a whole.
// Source: Chellapilla, Puri, Simard 2006, High Performance Convolutional Neural Networks for
// Document Processing; the chapter's exercise 5.
//
// When it wins and loses, measured:
// Each pixel is written k_h k_w times and then read by c_o/g rows of weights: the copy weighs
// little where there are many output channels, and much where there are few. Against strips it
// takes 0.8 of the time for 512 channels of 4x4 pixels, as long for 3x3 with stride 2 at 56
// pixels, 1.1 to 1.3 times as long for 3x3 with stride 1, and 3 to 5 times as long with 1 to 4
// channels a group. It takes any kernel under any cap: in 3x3 layers of ResNet-50 it needs 1.6 to 2
// times as long without workspace as with all it asks for. One thread, medians of ten alternations
// [Zen 4 VM, AVX-512, GCC 12.2, 2026-11-22].

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

  void fill(std::int64_t unit, std::int64_t k_begin, std::int64_t k_end, std::int64_t column,
            std::int64_t count, float* panel, std::int64_t panel_cols) const override {
    std::array<Run, kernels::kMaxTile> runs;
    const std::size_t run_count = split_into_runs(column, count, runs);
    const float* unit_x = x_ + unit / problem_.groups * strides_[0] +
                          unit % problem_.groups * channels_ * strides_[1];
    const std::int64_t window = problem_.k_h * problem_.k_w;
    for (std::int64_t k = k_begin; k < k_end; ++k, panel += panel_cols) {
      const float* channel = unit_x + k / window * strides_[1];
      const std::int64_t u = k % window / problem_.k_w;
      const std::int64_t v = k % problem_.k_w;
      float* to = panel;
      for (std::size_t r = 0; r < run_count; ++r) {
        fill_run(runs[r], channel, u, v, to);
        to += runs[r].count;
      }
      std::fill(to, panel + panel_cols, 0.0F);
    }
  }

 private:
  // Output pixels side by side in one row: what window position (0, 0) sees for the first of them.
  struct Run {
    std::int64_t row, col, count;
  };

  std::size_t split_into_runs(std::int64_t column, std::int64_t count,
                              std::array<Run, kernels::kMaxTile>& runs) const {
    std::size_t size = 0;
    while (count > 0) {
      const std::int64_t i = column / w_o_;
      const std::int64_t j = column % w_o_;
      const std::int64_t length = std::min(count, w_o_ - j);
      runs[size++] = {i * problem_.stride.h - problem_.padding.top,
                      j * problem_.stride.w - problem_.padding.left, length};
      column += length;
      count -= length;
    }
    return size;
  }

  void fill_run(const Run& run, const float* channel, std::int64_t u, std::int64_t v,
                float* to) const {
    const std::int64_t row =
        source_position(problem_.padding_mode, run.row + u * problem_.dilation.h, problem_.h,
                        problem_.padding.bottom);
    if (row == kOutside) {
      std::fill(to, to + run.count, outside_);
      return;
    }
    const float* line = channel + row * strides_[2];
    const std::int64_t step = problem_.stride.w;
    const std::int64_t col = run.col + v * problem_.dilation.w;
    // Pixels [first, last) of the run read real input: 0 <= col + j * step < w.
    const std::int64_t first = std::min(run.count, col >= 0 ? 0 : ceil_div(-col, step));
    const std::int64_t last =
        std::max(first, std::min(run.count, ceil_div(problem_.w - col, step)));
    fill_outside(line, col, 0, first, to);
    fill_outside(line, col, last, run.count, to);
    // A step over huge padding is only taken from one real pixel to another.
    if (first == last) return;
    const std::int64_t stride = last - first == 1 ? 1 : step * strides_[3];
    const float* from = line + (col + first * step) * strides_[3];
    if (stride == 1) {
      std::memcpy(to + first, from, static_cast<std::size_t>(last - first) * sizeof(float));
    } else {
      for (std::int64_t j = first; j < last; ++j, from += stride) to[j] = *from;
    }
  }

  // Pixels [begin, end) of a run that starts at column `col`, none of which reads real input.
  void fill_outside(const float* line, std::int64_t col, std::int64_t begin, std::int64_t end,
                    float* to) const {
    if (padding_is_one_value(problem_)) {
      std::fill(to + begin, to + end, outside_);
      return;
    }
    for (std::int64_t j = begin; j < end; ++j) {
      const std::int64_t column = source_position(
          problem_.padding_mode, col + j * problem_.stride.w, problem_.w, problem_.padding.right);
      to[j] = column == kOutside ? outside_ : line[column * strides_[3]];
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
  const auto line = static_cast<double>(problem.w_o());
  const double run = line * costs::kTypicalTileColumns /
                     (line + costs::kTypicalTileColumns);  // both ends cut runs
  return {.algorithm = "im2col",
          .fill_cycles_per_element =
              (copies ? costs::im2col::kCopyCyclesPerFloat : costs::im2col::kGatherCyclesPerFloat) +
              costs::im2col::kBeginCyclesPerRange / run};
}

// === accepts ===
// What every matrix product takes: forward, f32. Any workspace cap, 0 included.
std::optional<Refusal> refuse(const Problem& problem) { return refuse_as_product(problem); }

// === cost ===
// Of the blocking that kernels::choose_blocking finds: panel_cost.

// === pack ===
// Weights in tile order: TileExecution::pack.

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
  if (auto refusal = refuse(question.problem)) return *std::move(refusal);
  return offer_panels<Im2col>(config(question.problem), question);
}

}  // namespace

std::span<const Algorithm> variants() {
  static const Algorithm algorithms[] = {
      {"im2col", "patches of the input times the weights, panel by panel in cache", ask}};
  return algorithms;
}

}  // namespace plait::algorithm::im2col
