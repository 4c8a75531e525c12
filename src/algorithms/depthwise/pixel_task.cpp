#include "algorithms/depthwise/pixel_task.hpp"

#include <algorithm>

#include "algorithms/matmul/matmul.hpp"
#include "core/integers.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::depthwise {
namespace {

// Elements `step` apart, each kTimes; count is a multiple of that.
template <int kTimes>
void repeat(const float* from, std::int64_t step, std::int64_t count, float* to) {
  for (float* const end = to + count; to < end; to += kTimes, from += step) {
    for (int m = 0; m < kTimes; ++m) to[m] = *from;
  }
}

}  // namespace

PixelTask::PixelTask(const Problem& problem, const PixelCut& cut, const Args& args,
                     const Weights& weights, const kernels::PixelKernels& kernels,
                     std::byte* workspace, kernels::LoopCounters* tally)
    : problem_(problem),
      cut_(cut),
      args_(args),
      weights_(weights),
      x_strides_(problem.effective_x_strides()),
      y_strides_(problem.effective_y_strides()),
      residual_strides_(problem.effective_residual_strides()),
      outputs_(problem.c_o / problem.c_i),
      outside_(padding_value(problem)),
      copy_pixels_(outputs_ == 1 && x_strides_[1] == 1 ? kernels.copy : nullptr),
      rows_(reinterpret_cast<const float**>(workspace)),
      copy_(reinterpret_cast<float*>(workspace) + cut.row_floats),
      tally_(tally) {
  tile_.weight_stride = problem.c_o;
  tile_.k_h = problem.k_h;
  tile_.k_w = problem.k_w;
  tile_.out_line = y_strides_[2];
  tile_.out_pixel = y_strides_[3];
  tile_.residual_line = residual_strides_[2];
  tile_.residual_pixel = residual_strides_[3];
  tile_.activation = problem.activation.kind;
  tile_.slope = static_cast<float>(problem.activation.slope);
  tile_.prefetch_output = cut.asks_early;
  tile_.rows = rows_;
  tile_.chunk_sums = copy_ + cut.copy_floats;
}

void PixelTask::run_block(std::int64_t n, std::int64_t line) {
  n_ = n;
  x_ = static_cast<const float*>(args_.in) + n * x_strides_[0];
  const std::int64_t lines = std::min(cut_.block_lines, problem_.h_o() - line);
  for (std::int64_t i = 0; i < lines;) {
    const kernels::PixelTile& tile = cut_.tile(lines - i);
    const bool all = has_all_rows(tile, line + i);
    const std::int64_t first = i;
    do {
      count(kLineTiles, i / cut_.tile_lines, tile.lines < cut_.tile_lines);
      i += tile.lines;
    } while (i < lines && &cut_.tile(lines - i) == &tile && has_all_rows(tile, line + i) == all);
    run_lines({tile, line + first, line + i}, all);
  }
  count(kLineBlocks, line / cut_.block_lines, lines < cut_.block_lines);
}

// Whether no window of the tiles at `line` reaches above the input or below.
bool PixelTask::has_all_rows(const kernels::PixelTile& tile, std::int64_t line) const {
  const std::int64_t top = line * problem_.stride.h - problem_.padding.top;
  const std::int64_t bottom =
      top + (tile.lines - 1) * problem_.stride.h + (problem_.k_h - 1) * problem_.dilation.h;
  return top >= 0 && bottom < problem_.h;
}

void PixelTask::run_lines(const Lines& lines, bool has_all_rows) {
  const std::int64_t w_o = problem_.w_o();
  const InnerPixels inner(problem_, lines.tile.pixels);
  if (!cut_.in_place || !has_all_rows || inner.first == inner.last) {
    run_copied(lines, {0, w_o});
    return;
  }
  run_in_place(lines, {inner.first, inner.last});
  run_copied(lines, {0, inner.first});
  run_copied(lines, {inner.last, w_o});
}

void PixelTask::run_in_place(const Lines& lines, const Stretch& stretch) {
  const PixelWindow window(problem_);
  const std::int64_t column = stretch.first * problem_.stride.w - problem_.padding.left;
  const std::int64_t rows = lines.tile.lines - 1 + problem_.k_h;
  for (std::int64_t line = lines.first; line < lines.last; line += lines.tile.lines) {
    const std::int64_t top = line * problem_.stride.h - problem_.padding.top;
    for (std::int64_t r = 0; r < rows; ++r) {
      rows_[r] = x_ + (top + r * problem_.dilation.h) * x_strides_[2] + column * x_strides_[3];
    }
    run_tiles(lines.tile, line, stretch, {0, problem_.c_o}, window);
  }
}

void PixelTask::run_copied(const Lines& lines, const Stretch& stretch) {
  const std::int64_t pixels = cut_.segment_of(lines.tile);
  for (std::int64_t j = stretch.first; j < stretch.last; j += pixels) {
    const std::int64_t last = std::min(stretch.last, j + pixels);
    run_segment(lines, {std::min(j, last - lines.tile.pixels), last});
    count(kColumnBlocks, j / pixels, last - j < pixels);
  }
}

// Rows that the tile above has read are still there: row q of the windows lies in slot q % rows. A
// remainder of fewer channels than any vector joins those before it.
void PixelTask::run_segment(const Lines& lines, const Stretch& segment) {
  const PixelWindow window(problem_, segment.last - segment.first, cut_.column_floats);
  const std::int64_t rows = lines.tile.lines - 1 + problem_.k_h;
  const bool shares_rows = problem_.stride.h == problem_.dilation.h;
  for (std::int64_t c = 0; c < problem_.c_o;) {
    const std::int64_t left = problem_.c_o - c;
    const bool last = left < cut_.column_floats || left <= cut_.copied_channels;
    const Channels channels{c, last ? left : cut_.copied_channels};
    std::int64_t copied = 0;
    for (std::int64_t line = lines.first; line < lines.last; line += lines.tile.lines) {
      for (std::int64_t r = 0; r < rows; ++r) {
        if (args_.cancelled()) return;
        const std::int64_t q = shares_rows ? line + r : r;
        float* const slot = copy_ + q % rows * window.columns * cut_.column_floats;
        rows_[r] = slot;
        if (shares_rows && q < copied) continue;
        const std::int64_t top = line * problem_.stride.h - problem_.padding.top;
        copy_row(top + r * problem_.dilation.h, segment, channels, window, slot);
      }
      copied = line + rows;
      run_tiles(lines.tile, line, segment, channels, window);
    }
    count(kCopiedChannels, c / cut_.copied_channels);
    c += channels.count;
  }
}

// The first of `rows_` is what the window of the first output of the stretch reads.
void PixelTask::run_tiles(const kernels::PixelTile& tile, std::int64_t line, const Stretch& stretch,
                          const Channels& channels, const PixelWindow& window) {
  float* const y =
      static_cast<float*>(args_.out) + n_ * y_strides_[0] + line * y_strides_[2] + channels.first;
  const float* residual = nullptr;
  if (problem_.residual) {
    residual = static_cast<const float*>(args_.residual) + n_ * residual_strides_[0] +
               line * residual_strides_[2] + channels.first;
  }
  tile_.pixel_stride = window.pixel_stride;
  tile_.tap_stride = window.tap_stride;
  tile_.weights = weights_.kernel + channels.first;
  tile_.bias = weights_.bias == nullptr ? nullptr : weights_.bias + channels.first;
  tile_.channels = channels.count;
  std::int64_t products = 0;
  for (std::int64_t next = stretch.first; next < stretch.last; next += tile.pixels) {
    if (args_.cancelled()) return;
    const std::int64_t j = std::min(next, stretch.last - tile.pixels);
    tile_.offset = (j - stretch.first) * window.pixel_stride;
    tile_.out = y + j * y_strides_[3];
    tile_.residual = residual == nullptr ? nullptr : residual + j * residual_strides_[3];
    products += tile.function(tile_);
    count(kPixelTiles, (next - stretch.first) / tile.pixels);
  }
  if (tally_ != nullptr) {
    tally_->multiply(products);
    tally_->add(kernels::chunk_additions(products, problem_.depth(), kernels::kChunk));
  }
}

// `position`: of the row, from the top of the input.
void PixelTask::copy_row(std::int64_t position, const Stretch& segment, const Channels& channels,
                         const PixelWindow& window, float* to) const {
  const std::int64_t row =
      source_position(problem_.padding_mode, position, problem_.h, problem_.padding.bottom);
  if (row == kOutside) {
    std::fill_n(to, window.columns * cut_.column_floats, outside_);
    return;
  }
  const std::int64_t pixels = segment.last - segment.first;
  const std::int64_t left = segment.first * problem_.stride.w - problem_.padding.left;
  const float* const from = x_ + row * x_strides_[2];
  if (!window.by_tap) {
    copy_columns(from, {left, window.step, window.columns}, channels, to);
    return;
  }
  for (std::int64_t v = 0; v < problem_.k_w; ++v) {
    copy_columns(from, {left + v * problem_.dilation.w, problem_.stride.w, pixels}, channels,
                 to + v * pixels * cut_.column_floats);
  }
}

// Those within the input as a row of pixels, those beside it one by one.
void PixelTask::copy_columns(const float* row, const Columns& columns, const Channels& channels,
                             float* to) const {
  const auto begin_at = [&](std::int64_t column) {  // the first that is `column` or behind it
    return std::clamp<std::int64_t>(ceil_div(column - columns.first, columns.step), 0,
                                    columns.count);
  };
  const bool many = copy_pixels_ != nullptr;
  const std::int64_t begin = many ? begin_at(std::max<std::int64_t>(0, columns.first)) : 0;
  const std::int64_t end = many && columns.first < problem_.w ? begin_at(problem_.w) : begin;
  const auto one_by_one = [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t q = first; q < last; ++q) {
      copy_pixel(row, columns.first + q * columns.step, channels, to + q * cut_.column_floats);
    }
  };
  one_by_one(0, begin);
  one_by_one(end, columns.count);
  if (begin == end) return;
  kernels::PixelRow inside;
  inside.from = row + (columns.first + begin * columns.step) * x_strides_[3] + channels.first;
  // A step over huge padding is only taken from one real pixel to another.
  inside.from_stride = end - begin == 1 ? 0 : columns.step * x_strides_[3];
  inside.to = to + begin * cut_.column_floats;
  inside.to_stride = cut_.column_floats;
  inside.pixels = end - begin;
  inside.channels = channels.count;
  copy_pixels_(inside);
}

// Every channel as often as it has outputs.
void PixelTask::copy_pixel(const float* row, std::int64_t column, const Channels& channels,
                           float* to) const {
  const std::int64_t source =
      source_position(problem_.padding_mode, column, problem_.w, problem_.padding.right);
  if (source == kOutside) {
    std::fill_n(to, channels.count, outside_);
    return;
  }
  const float* pixel = row + source * x_strides_[3] + channels.first / outputs_ * x_strides_[1];
  const bool whole = channels.first % outputs_ == 0 && channels.count % outputs_ == 0;
  if (whole && outputs_ == 1) return repeat<1>(pixel, x_strides_[1], channels.count, to);
  if (whole && outputs_ == 2) return repeat<2>(pixel, x_strides_[1], channels.count, to);
  std::int64_t done = channels.first % outputs_;
  for (float* const end = to + channels.count; to < end; pixel += x_strides_[1]) {
    const std::int64_t times = std::min<std::int64_t>(outputs_ - done, end - to);
    std::fill_n(to, times, *pixel);
    to += times;
    done = 0;
  }
}

}  // namespace plait::algorithm::depthwise
