#include "algorithms/depthwise/plane_rows.hpp"

#include <algorithm>

#include "core/integers.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::depthwise {

Geometry::Geometry(const Problem& problem, std::int64_t lanes)
    : vertical(problem.k_h, problem.stride.h, problem.dilation.h),
      horizontal(problem.k_w, problem.stride.w, problem.dilation.w),
      columns(problem.w_o() + horizontal.extent),
      lead(problem.stride.w == 1 ? round_up(problem.padding.left, lanes) - problem.padding.left
                                 : lanes),
      pitch(round_up(lead + columns, lanes)),
      row_stride(saturated_product({horizontal.phases, pitch})) {
  for (std::int64_t phase = 0; phase < horizontal.phases; ++phase) {
    in_input.emplace_back(horizontal.first_of(phase) - problem.padding.left, problem.stride.w,
                          problem.w, columns);
    has_input = has_input || !in_input.back().is_empty();
  }
}

std::int64_t Geometry::strip_floats(std::int64_t output_rows) const {
  const std::int64_t rows =
      saturated_product({saturated_sum(output_rows, vertical.extent), vertical.phases});
  return saturated_sum(saturated_product({rows, row_stride}), kernels::kPlaneSlack + lead);
}

std::vector<std::int32_t> Geometry::tap_offsets(std::int64_t k_h, std::int64_t k_w) const {
  std::vector<std::int32_t> list;
  list.reserve(static_cast<std::size_t>(k_h * k_w));
  for (std::int64_t u = 0; u < k_h; ++u) {
    const std::int64_t row =
        (vertical.step_of(u) * vertical.phases + vertical.phase_of(u)) * row_stride;
    for (std::int64_t v = 0; v < k_w; ++v) {
      list.push_back(static_cast<std::int32_t>(row + column_offset(v)));
    }
  }
  return list;
}

PlaneRows::PlaneRows(const Problem& problem, const Geometry& geometry,
                     const kernels::PlaneKernels& kernels, const float* x)
    : problem_(problem),
      geometry_(geometry),
      kernels_(kernels),
      x_(x),
      strides_(problem.effective_x_strides()),
      fills_(padding_is_one_value(problem)),
      outside_(padding_value(problem)) {}

// Rows are written in order, because each may overwrite the start of the next. One call writes all
// rows of the strip that lie equally far apart in the input.
void PlaneRows::fill(std::int64_t n, std::int64_t c, std::int64_t first, std::int64_t output_rows,
                     float* strip, bool borders) const {
  const AxisPhases& axis = geometry_.vertical;
  const float* channel = x_ + n * strides_[0] + c * strides_[1];
  const bool every_row = axis.phases == axis.stride && axis.dilation % axis.stride == 1;
  const std::int64_t step = axis.phases == 1 ? axis.stride : every_row ? 1 : 0;
  const std::int64_t rows = geometry_.rows(output_rows);
  float* to = strip + geometry_.lead;
  for (std::int64_t r = 0; r < rows;) {
    const std::int64_t step_down = axis.phases == 1 ? r : r / axis.phases;
    const std::int64_t phase = r - step_down * axis.phases;
    const std::int64_t position =
        (first + step_down) * axis.stride + axis.first_of(phase) - problem_.padding.top;
    const std::int64_t row =
        source_position(problem_.padding_mode, position, problem_.h, problem_.padding.bottom);
    std::int64_t count = 1;
    if (row == kOutside) {
      if (borders || outside_ != 0) fill_outside(to);
    } else {
      if (step > 0 && row == position) {
        const std::int64_t below = problem_.h - 1 - position;
        count = std::min(rows - r, (step == 1 ? below : below / step) + 1);
      }
      fill_rows(channel + row * strides_[2], count, step * strides_[2], to,
                borders || outside_ != 0);
    }
    r += count;
    to += count * geometry_.row_stride;
  }
}

void PlaneRows::fill_outside(float* to) const {
  kernels::PlaneRows row;
  row.after = geometry_.columns;
  row.value = outside_;
  row.rows = 1;
  for (std::int64_t p = 0; p < geometry_.horizontal.phases; ++p) {
    row.to = to + p * geometry_.pitch;
    kernels_.copy(row);
  }
}

// Writes `rows` rows of the strip from rows of the input that lie `step` floats apart.
void PlaneRows::fill_rows(const float* row, std::int64_t rows, std::int64_t step, float* to,
                          bool borders) const {
  const AxisPhases& axis = geometry_.horizontal;
  const bool dense = strides_[3] == 1 && geometry_.has_input;
  const bool copies = dense && axis.stride == 1;
  const bool splits = dense && axis.stride == 2 && axis.phases == 2;
  if (copies) copy(row, rows, step, to, borders);
  if (splits) split(row, rows, step, to, borders);
  if ((copies || splits) && fills_) return;
  for (std::int64_t r = 0; r < rows; ++r, row += step, to += geometry_.row_stride) {
    for (std::int64_t p = 0; p < axis.phases; ++p) {
      const InputRange& range = geometry_.in_input[static_cast<std::size_t>(p)];
      float* const phase = to + p * geometry_.pitch;
      for (std::int64_t j = 0; j < range.first; ++j) {
        phase[j] = at(row, range.start + j * axis.stride);
      }
      for (std::int64_t j = range.last; j < geometry_.columns; ++j) {
        phase[j] = at(row, range.start + j * axis.stride);
      }
      if (!copies && !splits) gather(row, range, phase);
    }
  }
}

float PlaneRows::at(const float* row, std::int64_t column) const {
  const std::int64_t source =
      source_position(problem_.padding_mode, column, problem_.w, problem_.padding.right);
  return source == kOutside ? outside_ : row[source * strides_[3]];
}

void PlaneRows::copy(const float* row, std::int64_t rows, std::int64_t step, float* to,
                     bool borders) const {
  const InputRange& range = geometry_.in_input.front();
  kernels::PlaneRows copied;
  copied.from = row + range.start + range.first;
  copied.from_stride = step;
  copied.count = range.last - range.first;
  copied.to = to + range.first;
  copied.to_stride = geometry_.row_stride;
  copied.before = range.first;
  copied.after = geometry_.columns - range.last;
  copied.rows = rows;
  copied.value = outside_;
  if (!borders) copied.before = copied.after = 0;
  kernels_.copy(copied);
}

// Input column 0 is the first of phase left % 2, where left / 2 columns of padding precede it.
void PlaneRows::split(const float* row, std::int64_t rows, std::int64_t step, float* to,
                      bool borders) const {
  const std::int64_t left = problem_.padding.left;
  const std::int64_t columns = geometry_.columns;
  const std::int64_t count =
      std::min({problem_.w, 2 * (columns - left / 2), 2 * (columns - (left + 1) / 2) + 1});
  kernels::PlaneRows even;
  even.from = row;
  even.from_stride = step;
  even.count = count;
  even.before = left / 2;
  even.to = to + left % 2 * geometry_.pitch + even.before;
  even.to_stride = geometry_.row_stride;
  even.after = columns - even.before - (count + 1) / 2;
  even.rows = rows;
  even.value = outside_;
  kernels::OddColumns odd;
  odd.before = (left + 1) / 2;
  odd.to = to + (1 - left % 2) * geometry_.pitch + odd.before;
  odd.after = columns - odd.before - count / 2;
  if (!borders) even.before = even.after = odd.before = odd.after = 0;
  kernels_.split(even, odd);
}

void PlaneRows::gather(const float* row, const InputRange& range, float* to) const {
  if (range.is_empty()) return;
  const float* from = row + (range.start + range.first * problem_.stride.w) * strides_[3];
  // A single pixel needs no stride, and a stride as long as huge padding could overflow here.
  const std::int64_t stride = range.last - range.first == 1 ? 1 : problem_.stride.w * strides_[3];
  for (std::int64_t j = range.first; j < range.last; ++j, from += stride) to[j] = *from;
}

}  // namespace plait::algorithm::depthwise
