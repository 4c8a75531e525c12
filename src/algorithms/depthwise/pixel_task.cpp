#include "algorithms/depthwise/pixel_task.hpp"

#include <algorithm>

#include "algorithms/matmul/matmul.hpp"
#include "core/integers.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::depthwise {
namespace {

// Writes `count` floats, each element of `from` kTimes; `count` is a multiple of kTimes.
template <int kTimes>
void repeat(const float* from, std::int64_t step, std::int64_t count, float* to) {
  for (float* const end = to + count; to < end; to += kTimes, from += step) {
    for (int m = 0; m < kTimes; ++m) to[m] = *from;
  }
}

}  // namespace

PixelTask::PixelTask(const Problem& problem, const PixelBlocking& blocking, const Args& args,
                     const Weights& weights, const kernels::PixelKernels& kernels,
                     std::byte* workspace, kernels::LoopCounters* counters)
    : problem_(problem),
      blocking_(blocking),
      args_(args),
      weights_(weights),
      x_strides_(problem.effective_x_strides()),
      y_strides_(problem.effective_y_strides()),
      residual_strides_(problem.effective_residual_strides()),
      outputs_(problem.c_o / problem.c_i),
      outside_(padding_value(problem)),
      copy_pixels_(outputs_ == 1 && x_strides_[1] == 1 ? kernels.copy : nullptr),
      window_rows_(reinterpret_cast<const float**>(workspace)),
      copy_(reinterpret_cast<float*>(workspace) + blocking.pointer_floats),
      counters_(counters) {
  tile_.weight_stride = problem.c_o;
  tile_.k_h = problem.k_h;
  tile_.k_w = problem.k_w;
  tile_.out_line = y_strides_[2];
  tile_.out_pixel = y_strides_[3];
  tile_.residual_line = residual_strides_[2];
  tile_.residual_pixel = residual_strides_[3];
  tile_.activation = problem.activation.kind;
  tile_.slope = static_cast<float>(problem.activation.slope);
  tile_.prefetch_output = blocking.prefetch_output;
  tile_.rows = window_rows_;
  tile_.chunk_sums = copy_ + blocking.copy_floats;
}

void PixelTask::run_block(std::int64_t n, std::int64_t row) {
  n_ = n;
  x_ = static_cast<const float*>(args_.in) + n * x_strides_[0];
  const std::int64_t rows = std::min(blocking_.block_rows, problem_.h_o() - row);
  for (std::int64_t i = 0; i < rows;) {
    const kernels::PixelTile& tile = blocking_.tile(rows - i);
    const bool all = has_all_rows(tile, row + i);
    const std::int64_t first = i;
    do {
      count(kRowTiles, i / blocking_.tile_rows, tile.lines < blocking_.tile_rows);
      i += tile.lines;
    } while (i < rows && &blocking_.tile(rows - i) == &tile && has_all_rows(tile, row + i) == all);
    run_rows({tile, row + first, row + i}, all);
  }
  count(kRowBlocks, row / blocking_.block_rows, rows < blocking_.block_rows);
}

// Whether the windows of the tiles at `row` begin and end inside the input.
bool PixelTask::has_all_rows(const kernels::PixelTile& tile, std::int64_t row) const {
  const std::int64_t top = row * problem_.stride.h - problem_.padding.top;
  const std::int64_t bottom =
      top + (tile.lines - 1) * problem_.stride.h + (problem_.k_h - 1) * problem_.dilation.h;
  return top >= 0 && bottom < problem_.h;
}

void PixelTask::run_rows(const Rows& rows, bool has_all_rows) {
  const std::int64_t w_o = problem_.w_o();
  const InnerPixels inner(problem_, rows.tile.pixels);
  if (!blocking_.in_place || !has_all_rows || inner.first == inner.last) {
    run_copied(rows, {0, w_o});
    return;
  }
  run_in_place(rows, {inner.first, inner.last});
  run_copied(rows, {0, inner.first});
  run_copied(rows, {inner.last, w_o});
}

void PixelTask::run_in_place(const Rows& rows, const Range& range) {
  const PixelWindow window(problem_);
  const std::int64_t column = range.first * problem_.stride.w - problem_.padding.left;
  const std::int64_t window_rows = rows.tile.lines - 1 + problem_.k_h;
  for (std::int64_t row = rows.first; row < rows.last; row += rows.tile.lines) {
    const std::int64_t top = row * problem_.stride.h - problem_.padding.top;
    for (std::int64_t r = 0; r < window_rows; ++r) {
      window_rows_[r] =
          x_ + (top + r * problem_.dilation.h) * x_strides_[2] + column * x_strides_[3];
    }
    run_tiles(rows.tile, row, range, {0, problem_.c_o}, window);
  }
}

void PixelTask::run_copied(const Rows& rows, const Range& range) {
  const std::int64_t pixels = blocking_.copied_pixels_of(rows.tile);
  for (std::int64_t j = range.first; j < range.last; j += pixels) {
    const std::int64_t last = std::min(range.last, j + pixels);
    run_copied_range(rows, {std::min(j, last - rows.tile.pixels), last});
    count(kColumnBlocks, j / pixels, last - j < pixels);
  }
}

// Rows that the tile above has read are still there: window row q lies in slot q % window_rows. A
// remainder of fewer channels than a vector joins the channels before it.
void PixelTask::run_copied_range(const Rows& rows, const Range& range) {
  const PixelWindow window(problem_, range.last - range.first, blocking_.column_floats);
  const std::int64_t window_rows = rows.tile.lines - 1 + problem_.k_h;
  const bool shares_rows = problem_.stride.h == problem_.dilation.h;
  for (std::int64_t c = 0; c < problem_.c_o;) {
    const std::int64_t left = problem_.c_o - c;
    const bool last = left < blocking_.column_floats || left <= blocking_.copied_channels;
    const Channels channels{c, last ? left : blocking_.copied_channels};
    std::int64_t copied = 0;
    for (std::int64_t row = rows.first; row < rows.last; row += rows.tile.lines) {
      for (std::int64_t r = 0; r < window_rows; ++r) {
        if (args_.cancelled()) return;
        const std::int64_t q = shares_rows ? row + r : r;
        float* const slot = copy_ + q % window_rows * window.columns * blocking_.column_floats;
        window_rows_[r] = slot;
        if (shares_rows && q < copied) continue;
        const std::int64_t top = row * problem_.stride.h - problem_.padding.top;
        copy_row(top + r * problem_.dilation.h, range, channels, window, slot);
      }
      copied = row + window_rows;
      run_tiles(rows.tile, row, range, channels, window);
    }
    count(kCopiedChannels, c / blocking_.copied_channels);
    c += channels.count;
  }
}

// window_rows_[r] points to row r of the window of the first output of the range.
void PixelTask::run_tiles(const kernels::PixelTile& tile, std::int64_t row, const Range& range,
                          const Channels& channels, const PixelWindow& window) {
  float* const y =
      static_cast<float*>(args_.out) + n_ * y_strides_[0] + row * y_strides_[2] + channels.first;
  const float* residual = nullptr;
  if (problem_.residual) {
    residual = static_cast<const float*>(args_.residual) + n_ * residual_strides_[0] +
               row * residual_strides_[2] + channels.first;
  }
  tile_.pixel_stride = window.pixel_stride;
  tile_.tap_stride = window.tap_stride;
  tile_.weights = weights_.kernel + channels.first;
  tile_.bias = weights_.bias == nullptr ? nullptr : weights_.bias + channels.first;
  tile_.channels = channels.count;
  std::int64_t products = 0;
  for (std::int64_t next = range.first; next < range.last; next += tile.pixels) {
    if (args_.cancelled()) return;
    const std::int64_t j = std::min(next, range.last - tile.pixels);
    tile_.offset = (j - range.first) * window.pixel_stride;
    tile_.out = y + j * y_strides_[3];
    tile_.residual = residual == nullptr ? nullptr : residual + j * residual_strides_[3];
    products += tile.function(tile_);
    count(kPixelTiles, (next - range.first) / tile.pixels);
  }
  if (counters_ != nullptr) {
    counters_->multiply(products);
    counters_->add(kernels::chunk_additions(products, problem_.depth(), kernels::kChunk));
  }
}

// `position` counts rows from the top of the input and may lie in the padding.
void PixelTask::copy_row(std::int64_t position, const Range& range, const Channels& channels,
                         const PixelWindow& window, float* to) const {
  const std::int64_t row =
      source_position(problem_.padding_mode, position, problem_.h, problem_.padding.bottom);
  if (row == kOutside) {
    std::fill_n(to, window.columns * blocking_.column_floats, outside_);
    return;
  }
  const std::int64_t pixels = range.last - range.first;
  const std::int64_t left = range.first * problem_.stride.w - problem_.padding.left;
  const float* const from = x_ + row * x_strides_[2];
  if (!window.by_tap) {
    copy_columns(from, {left, window.step, window.columns}, channels, to);
    return;
  }
  for (std::int64_t v = 0; v < problem_.k_w; ++v) {
    copy_columns(from, {left + v * problem_.dilation.w, problem_.stride.w, pixels}, channels,
                 to + v * pixels * blocking_.column_floats);
  }
}

// Copies the columns inside the input in one call, and those beside it one by one.
void PixelTask::copy_columns(const float* row, const Columns& columns, const Channels& channels,
                             float* to) const {
  const auto begin_at = [&](std::int64_t column) {  // the first that is not before `column`
    return std::clamp<std::int64_t>(ceil_div(column - columns.first, columns.step), 0,
                                    columns.count);
  };
  const bool many = copy_pixels_ != nullptr;
  const std::int64_t begin = many ? begin_at(std::max<std::int64_t>(0, columns.first)) : 0;
  const std::int64_t end = many && columns.first < problem_.w ? begin_at(problem_.w) : begin;
  const auto one_by_one = [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t q = first; q < last; ++q) {
      copy_pixel(row, columns.first + q * columns.step, channels, to + q * blocking_.column_floats);
    }
  };
  one_by_one(0, begin);
  one_by_one(end, columns.count);
  if (begin == end) return;
  kernels::PixelRow inside;
  inside.from = row + (columns.first + begin * columns.step) * x_strides_[3] + channels.first;
  // A single pixel needs no stride, and a stride as long as huge padding could overflow here.
  inside.from_stride = end - begin == 1 ? 0 : columns.step * x_strides_[3];
  inside.to = to + begin * blocking_.column_floats;
  inside.to_stride = blocking_.column_floats;
  inside.pixels = end - begin;
  inside.channels = channels.count;
  copy_pixels_(inside);
}

// Repeats every input channel once for each of its output channels.
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
