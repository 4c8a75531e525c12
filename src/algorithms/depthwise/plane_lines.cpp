#include "algorithms/depthwise/plane_lines.hpp"

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
  const std::int64_t step = problem.stride.w;
  for (std::int64_t phase = 0; phase < horizontal.phases; ++phase) {
    const std::int64_t column = horizontal.first_of(phase) - problem.padding.left;
    const std::int64_t first = std::min(columns, column >= 0 ? 0 : ceil_div(-column, step));
    const std::int64_t last = std::min(columns, ceil_div(problem.w - column, step));
    spans.push_back({first, std::max(first, last), column});
    has_input = has_input || last > first;
  }
}

std::int64_t Geometry::strip_floats(std::int64_t lines) const {
  const std::int64_t rows =
      saturated_product({saturated_sum(lines, vertical.extent), vertical.phases});
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

PlaneLines::PlaneLines(const Problem& problem, const Geometry& geometry,
                       const kernels::PlaneKernels& kernels, const float* x)
    : problem_(problem),
      geometry_(geometry),
      kernels_(kernels),
      x_(x),
      strides_(problem.effective_x_strides()),
      fills_(padding_is_one_value(problem)),
      outside_(padding_value(problem)) {}

// Rows are written in order, as each may overwrite the start of the next. All rows of the strip
// that lie equally far apart in the input are written at once.
void PlaneLines::fill(std::int64_t n, std::int64_t c, std::int64_t first, std::int64_t lines,
                      float* strip, bool borders) const {
  const AxisPhases& axis = geometry_.vertical;
  const float* channel = x_ + n * strides_[0] + c * strides_[1];
  const bool every_row = axis.phases == axis.stride && axis.dilation % axis.stride == 1;
  const std::int64_t step = axis.phases == 1 ? axis.stride : every_row ? 1 : 0;
  const std::int64_t rows = geometry_.rows(lines);
  float* to = strip + geometry_.lead;
  for (std::int64_t r = 0; r < rows;) {
    const std::int64_t line = axis.phases == 1 ? r : r / axis.phases;
    const std::int64_t position =
        (first + line) * axis.stride + axis.first_of(r - line * axis.phases) - problem_.padding.top;
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

void PlaneLines::fill_outside(float* to) const {
  kernels::PlaneRows row;
  row.after = geometry_.columns;
  row.value = outside_;
  row.rows = 1;
  for (std::int64_t p = 0; p < geometry_.horizontal.phases; ++p) {
    row.to = to + p * geometry_.pitch;
    kernels_.copy(row);
  }
}

// Rows of the strip from rows of the input, `step` floats apart.
void PlaneLines::fill_rows(const float* row, std::int64_t rows, std::int64_t step, float* to,
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
      const Span& span = geometry_.spans[static_cast<std::size_t>(p)];
      float* const phase = to + p * geometry_.pitch;
      for (std::int64_t j = 0; j < span.first; ++j) {
        phase[j] = at(row, span.column + j * axis.stride);
      }
      for (std::int64_t j = span.last; j < geometry_.columns; ++j) {
        phase[j] = at(row, span.column + j * axis.stride);
      }
      if (!copies && !splits) pick(row, span, phase);
    }
  }
}

float PlaneLines::at(const float* row, std::int64_t column) const {
  const std::int64_t source =
      source_position(problem_.padding_mode, column, problem_.w, problem_.padding.right);
  return source == kOutside ? outside_ : row[source * strides_[3]];
}

void PlaneLines::copy(const float* row, std::int64_t rows, std::int64_t step, float* to,
                      bool borders) const {
  const Span& span = geometry_.spans.front();
  kernels::PlaneRows copied;
  copied.from = row + span.column + span.first;
  copied.from_stride = step;
  copied.count = span.last - span.first;
  copied.to = to + span.first;
  copied.to_stride = geometry_.row_stride;
  copied.before = span.first;
  copied.after = geometry_.columns - span.last;
  copied.rows = rows;
  copied.value = outside_;
  if (!borders) copied.before = copied.after = 0;
  kernels_.copy(copied);
}

// Input column 0 is the first in its phase, number left % 2, behind left / 2 padded ones.
void PlaneLines::split(const float* row, std::int64_t rows, std::int64_t step, float* to,
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

void PlaneLines::pick(const float* row, const Span& span, float* to) const {
  if (span.first == span.last) return;
  const float* from = row + (span.column + span.first * problem_.stride.w) * strides_[3];
  // A step over huge padding is only taken from one real pixel to another.
  const std::int64_t stride = span.last - span.first == 1 ? 1 : problem_.stride.w * strides_[3];
  for (std::int64_t j = span.first; j < span.last; ++j, from += stride) to[j] = *from;
}

}  // namespace plait::algorithm::depthwise
