// 1x1 convolution as a matrix product straight on the tensor.
#include <algorithm>

#include "algorithms/matmul/matmul.hpp"
#include "core/machine/cycles.hpp"
#include "kernels/copy/rows.hpp"

namespace plait::algorithm::pointwise {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, c < c_i/g, p = (i, j):
//   y[o, p] = sum over c of K[o, c] * x[c, i*s_h, j*s_w]
// This is one fully connected layer c_i/g -> c_o/g with the same weights at every pixel. With
// stride 1 the right operand is x itself. With a stride its pixels are gathered while panels are
// written, and dropped pixels cost nothing. Sources: the chapter's section on 1x1 convolution; Lin,
// Chen, Yan 2013, Network in Network.
//
// When it wins and loses, measured:
// Time of each other algorithm divided by that of pointwise (above 1: pointwise is faster). One
// thread, medians of ten alternations [Zen 4 VM, AVX-512, GCC 12.2, 2026-11-22].
//                              im2col   direct/pixels
//   64 -> 64 at 56 px            1.3      1.1
//   256 -> 64 at 56 px           1.6      1.7
//   1024 -> 256 at 14 px         1.2      1.2
//   2048 -> 512 at 7 px          1.1      1.1
//   8 groups of 8 -> 8, 56 px    2.3      1.4
//   3 -> 16 at 224 px            1.3      1.0
//   256 -> 512, stride 2, 56 px  1.0      1.0
// It wins because the others copy, and gains nothing where it must gather pixels itself. Without
// workspace it takes 1.3 to 1.4 times as long.

bool pixels_side_by_side(const Problem& problem) {
  const Dims strides = problem.effective_x_strides();
  return problem.stride == Pair(1) && strides[3] == 1 &&
         (strides[2] == problem.w || problem.h == 1);
}

// Writes panels of pixels of x, or says where these lie in x.
class Pixels final : public kernels::PanelSource {
 public:
  Pixels(const Problem& problem, Target target, const float* x)
      : problem_(problem),
        x_(x),
        strides_(problem.effective_x_strides()),
        w_o_(problem.w_o()),
        side_by_side_(pixels_side_by_side(problem)),
        copy_rows_(kernels::row_copy(target)) {}

  void fill(std::int64_t image_group, std::int64_t k_begin, std::int64_t k_end, std::int64_t column,
            std::int64_t count, float* panel, std::int64_t panel_cols) const override {
    // Each pass copies a range of a row in all channels. The last one fills the panel to its end.
    const float* const channel = channel_of(image_group, k_begin);
    const std::int64_t row_pixels = side_by_side_ ? problem_.h_o() * w_o_ : w_o_;
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t i = (column + done) / row_pixels;
      const std::int64_t j = (column + done) % row_pixels;
      const std::int64_t length = std::min(count - done, row_pixels - j);
      const bool is_last = done + length == count;
      const std::int64_t step = problem_.stride.w * strides_[3];
      copy_rows_({.from = channel + i * problem_.stride.h * strides_[2] + j * step,
                  .from_stride = strides_[1],
                  .step = step,
                  .rows = k_end - k_begin,
                  .last = length,
                  .columns = is_last ? panel_cols - done : length,
                  .to = panel + done,
                  .to_stride = panel_cols});
      done += length;
    }
  }

  const float* in_place(std::int64_t image_group, std::int64_t k,
                        std::int64_t column) const override {
    return side_by_side_ ? channel_of(image_group, k) + column : nullptr;
  }
  std::int64_t in_place_stride() const override { return strides_[1]; }

 private:
  const float* channel_of(std::int64_t image_group, std::int64_t k) const {
    const std::int64_t group_channels = problem_.c_i / problem_.groups;
    return x_ + image_group / problem_.groups * strides_[0] +
           (image_group % problem_.groups * group_channels + k) * strides_[1];
  }

  const Problem& problem_;
  const float* x_;
  Dims strides_;
  std::int64_t w_o_;
  bool side_by_side_;
  kernels::RowCopyFunction copy_rows_;
};

// === config ===
PanelRequest config(const Problem& problem) {
  const bool side_by_side = pixels_side_by_side(problem);
  const std::int64_t step = column_step(problem);
  const auto width = static_cast<double>(problem.w_o());
  // A panel splits rows at both ends.
  const double ranges_per_pixel =
      (width + costs::kTypicalTileColumns) / (width * costs::kTypicalTileColumns);
  const double cycles_per_range =
      costs::pointwise::kCopyCyclesPerRange +
      costs::pointwise::kBeginCyclesPerRange / static_cast<double>(problem.depth());
  const double cycles =
      side_by_side ? costs::pointwise::kCopyCyclesPerFloat
      : step == 1  ? costs::pointwise::kCopyCyclesPerFloat + cycles_per_range * ranges_per_pixel
      : step == 2  ? costs::pointwise::kGatherSecondCyclesPerFloat
                   : costs::pointwise::kGatherCyclesPerFloat;
  return {
      .algorithm = "pointwise", .fill_cycles_per_element = cycles, .source_in_place = side_by_side};
}

// === accepts ===
// It takes 1x1 kernels without padding, forward, in f32, under any workspace cap, even 0.
std::optional<Refusal> refuse(const Problem& problem) {
  if (problem.k_h != 1 || problem.k_w != 1) {
    return Refusal{"only 1x1 kernels, not " + std::to_string(problem.k_h) + "x" +
                   std::to_string(problem.k_w)};
  }
  if (problem.padding != Padding(0)) {
    return Refusal{"no padding, not " + std::to_string(problem.padding.top) + "_" +
                   std::to_string(problem.padding.bottom) + "_" +
                   std::to_string(problem.padding.left) + "_" +
                   std::to_string(problem.padding.right)};
  }
  return refuse_as_product(problem);
}

// === cost ===
// offer_panels takes the cost of the blocking from panel_cost.

// === pack ===
// TileExecution::pack packs the weights in the order of the tiles.

// === run ===
class Pointwise final : public PanelExecution {
 public:
  using PanelExecution::PanelExecution;

  void run(const Args& args) const override {
    run_from(Pixels(problem(), target(), static_cast<const float*>(args.in)), args);
  }
};

// === ask ===
Answer ask(const Question& question) {
  if (auto refusal = refuse(question.problem)) return *std::move(refusal);
  return offer_panels<Pointwise>(config(question.problem), question);
}

}  // namespace

std::span<const Algorithm> variants() {
  static const Algorithm algorithms[] = {
      {"pointwise", "1x1 kernels: a matrix product straight on the tensor", ask}};
  return algorithms;
}

}  // namespace plait::algorithm::pointwise
