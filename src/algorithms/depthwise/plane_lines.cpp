#include "algorithms/depthwise/plane_lines.hpp"

#include <algorithm>
#include <numeric>

#include "core/counts.hpp"
#include "kernels/tile_cost.hpp"

namespace plait::depthwise {
namespace {

constexpr std::int64_t kOutside = -1;

// The input position that stands for `position` on an axis of `size` with `after` padding behind
// it, or kOutside for a fill value. Beyond the padding nothing is read by any window.
std::int64_t source_position(PaddingMode mode, std::int64_t position, std::int64_t size,
                             std::int64_t after) {
  if (position >= 0 && position < size) return position;
  if (position >= size + after) return kOutside;
  switch (mode) {
    case PaddingMode::reflect:
      return position < 0 ? -position : 2 * (size - 1) - position;
    case PaddingMode::replicate:
      return position < 0 ? 0 : size - 1;
    case PaddingMode::circular:
      return (position % size + size) % size;
    case PaddingMode::zeros:
    case PaddingMode::constant:
      break;
  }
  return kOutside;
}

}  // namespace

Axis::Axis(std::int64_t taps, std::int64_t stride_, std::int64_t dilation_)
    : stride(stride_),
      dilation(dilation_),
      phases(std::min(taps, stride_ / std::gcd(stride_, dilation_))),
      reach((taps - 1) * dilation_ / stride_) {}

Geometry::Geometry(const Problem& problem, std::int64_t lanes)
    : vertical(problem.k_h, problem.stride.h, problem.dilation.h),
      horizontal(problem.k_w, problem.stride.w, problem.dilation.w),
      columns(problem.w_o() + horizontal.reach),
      lead(problem.stride.w == 1
               ? kernels::round_up(problem.padding.left, lanes) - problem.padding.left
               : 0),
      pitch(kernels::round_up(lead + columns, lanes)),
      row_stride(saturated_product({horizontal.phases, pitch})) {}

std::int64_t Geometry::strip_floats(std::int64_t lines) const {
  const std::int64_t rows =
      saturated_product({saturated_sum(lines, vertical.reach), vertical.phases});
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
      outside_(problem.padding_mode == PaddingMode::constant
                   ? static_cast<float>(problem.padding_value)
                   : 0.0F) {}

void PlaneLines::fill(std::int64_t n, std::int64_t c, std::int64_t first, std::int64_t lines,
                      float* strip) const {
  const float* channel = x_ + n * strides_[0] + c * strides_[1];
  float* to = strip + geometry_.lead;
  for (std::int64_t line = first; line < first + lines + geometry_.vertical.reach; ++line) {
    for (std::int64_t i = 0; i < geometry_.vertical.phases; ++i, to += geometry_.row_stride) {
      const std::int64_t position =
          line * problem_.stride.h + geometry_.vertical.first_of(i) - problem_.padding.top;
      const std::int64_t row =
          source_position(problem_.padding_mode, position, problem_.h, problem_.padding.bottom);
      if (row != kOutside) {
        fill_row(channel + row * strides_[2], to);
        continue;
      }
      for (std::int64_t p = 0; p < geometry_.horizontal.phases; ++p) {
        std::fill_n(to + p * geometry_.pitch, geometry_.columns, outside_);
      }
    }
  }
}

float PlaneLines::at(const float* row, std::int64_t column) const {
  const std::int64_t source =
      source_position(problem_.padding_mode, column, problem_.w, problem_.padding.right);
  return source == kOutside ? outside_ : row[source * strides_[3]];
}

void PlaneLines::fill_row(const float* row, float* to) const {
  const Axis& axis = geometry_.horizontal;
  const std::int64_t left = problem_.padding.left;
  const bool split = axis.stride == 2 && axis.phases == 2 && strides_[3] == 1;
  if (split) {
    // Input column 0 is the first in its phase, number left % 2, behind left / 2 padded ones.
    const std::int64_t count = std::min({problem_.w, 2 * (geometry_.columns - left / 2),
                                         2 * (geometry_.columns - (left + 1) / 2) + 1});
    kernels_.split(row, count, to + left % 2 * geometry_.pitch + left / 2,
                   to + (1 - left % 2) * geometry_.pitch + (left + 1) / 2);
  }
  for (std::int64_t p = 0; p < axis.phases; ++p, to += geometry_.pitch) {
    fill_phase(row, p, split, to);
  }
}

// One phase of a row; its middle, the input itself, may be there already.
void PlaneLines::fill_phase(const float* row, std::int64_t phase, bool middle_done,
                            float* to) const {
  const std::int64_t step = problem_.stride.w;
  const std::int64_t columns = geometry_.columns;
  const std::int64_t column = geometry_.horizontal.first_of(phase) - problem_.padding.left;
  // Columns [first, last) are real input: 0 <= column + j * step < w.
  const std::int64_t first = std::min(columns, column >= 0 ? 0 : (-column + step - 1) / step);
  const std::int64_t last =
      std::max(first, std::min(columns, (problem_.w - column + step - 1) / step));
  for (std::int64_t j = 0; j < first; ++j) to[j] = at(row, column + j * step);
  for (std::int64_t j = last; j < columns; ++j) to[j] = at(row, column + j * step);
  if (middle_done || first == last) return;
  const float* from = row + (column + first * step) * strides_[3];
  // A step over huge padding is only taken from one real pixel to another.
  const std::int64_t stride = last - first == 1 ? 1 : step * strides_[3];
  if (stride == 1) {
    kernels_.copy(from, last - first, to + first);
  } else {
    for (std::int64_t j = first; j < last; ++j, from += stride) to[j] = *from;
  }
}

}  // namespace plait::depthwise
