#include "algorithms/direct/strip_lines.hpp"

#include <algorithm>
#include <cstring>

#include "core/integers.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::direct {
namespace {

// Of an axis of `size`, with `before` padding, every `step`-th position from `phase_first` on.
RealSpan real_span(std::int64_t phase_first, std::int64_t step, std::int64_t before,
                   std::int64_t size) {
  const std::int64_t start = phase_first - before;
  const std::int64_t first = start >= 0 ? 0 : ceil_div(-start, step);
  const std::int64_t last =
      std::max(first, ceil_div(std::max<std::int64_t>(0, size - start), step));
  return {first, last, start + first * step};
}

}  // namespace

RealInput::RealInput(const Problem& problem, const StripGeometry& geometry) {
  if (geometry.order != StripGeometry::Order::planes) return;
  for (std::int64_t i = 0; i < geometry.vertical.phases; ++i) {
    lines.push_back(
        real_span(geometry.vertical.first_of(i), problem.stride.h, problem.padding.top, problem.h));
  }
  for (std::int64_t j = 0; j < geometry.horizontal.phases; ++j) {
    RealSpan span = real_span(geometry.horizontal.first_of(j), problem.stride.w,
                              problem.padding.left, problem.w);
    span.first = std::min(span.first, geometry.shape.pitch);
    span.last = std::min(span.last, geometry.shape.pitch);
    columns.push_back(span);
  }
}

StripLines::StripLines(const Problem& problem, const StripGeometry& geometry, const RealInput& real,
                       Target target, const float* x)
    : problem_(problem),
      geometry_(geometry),
      real_(real),
      x_(x),
      strides_(problem.effective_x_strides()),
      copy_lines_(kernels::row_copy(target)),
      outside_(padding_value(problem)) {}

void StripLines::fill(std::int64_t unit, std::int64_t first_line, std::int64_t lines,
                      std::int64_t block_lines, float* strip) const {
  const float* channel = unit_x(unit);
  if (geometry_.order == StripGeometry::Order::pixels) {
    fill_pixels(channel, first_line, lines, strip);
    return;
  }
  const std::int64_t plane_stride = geometry_.plane_stride(block_lines);
  for (std::int64_t c = 0; c < channels(); ++c, channel += strides_[1]) {
    for (std::int64_t i = 0; i < geometry_.vertical.phases; ++i) {
      for (std::int64_t j = 0; j < geometry_.horizontal.phases; ++j) {
        fill_plane(channel, {i, j}, first_line, lines + geometry_.vertical.extent, strip);
        strip += plane_stride;
      }
    }
  }
}

const float* StripLines::in_place(std::int64_t unit, std::int64_t first_line) const {
  return unit_x(unit) + first_line * problem_.stride.h * strides_[2];
}

const float* StripLines::unit_x(std::int64_t unit) const {
  return x_ + unit / problem_.groups * strides_[0] +
         unit % problem_.groups * channels() * strides_[1];
}

// Rows of pixels, all channels of a pixel side by side, there as here.
void StripLines::fill_pixels(const float* x, std::int64_t first_line, std::int64_t lines,
                             float* to) const {
  const std::int64_t reach = (problem_.k_h - 1) * problem_.dilation.h;
  const std::int64_t first = first_line * problem_.stride.h - problem_.padding.top;
  const std::int64_t last = first + (lines - 1) * problem_.stride.h + reach;
  for (std::int64_t position = first; position <= last; ++position, to += geometry_.row_floats) {
    const std::int64_t row =
        source_position(problem_.padding_mode, position, problem_.h, problem_.padding.bottom);
    if (row == kOutside) {
      std::fill(to, to + geometry_.row_floats, outside_);
    } else {
      fill_row_of_pixels(x + row * strides_[2], to);
    }
  }
}

void StripLines::fill_row_of_pixels(const float* row, float* to) const {
  const std::int64_t pixel_floats = geometry_.pixel_floats;
  const std::int64_t count = geometry_.row_floats / pixel_floats;
  const std::int64_t first = std::min(count, problem_.padding.left);
  const std::int64_t last = std::max(first, std::min(count, problem_.padding.left + problem_.w));
  for (std::int64_t p = 0; p < first; ++p) fill_pixel(row, p, to);
  for (std::int64_t p = last; p < count; ++p) fill_pixel(row, p, to);
  const std::int64_t dense =
      strides_[3] == channels() && pixel_floats == channels() ? last - first : 1;
  for (std::int64_t p = first; p < last; p += dense) {
    std::memcpy(to + p * pixel_floats, row + (p - problem_.padding.left) * strides_[3],
                static_cast<std::size_t>(dense * channels()) * sizeof(float));
  }
}

// A pixel that is not of the input.
void StripLines::fill_pixel(const float* row, std::int64_t p, float* to) const {
  const std::int64_t column = source_position(problem_.padding_mode, p - problem_.padding.left,
                                              problem_.w, problem_.padding.right);
  float* const pixel = to + p * geometry_.pixel_floats;
  if (column == kOutside) {
    std::fill(pixel, pixel + channels(), outside_);
  } else {
    std::copy_n(row + column * strides_[3], channels(), pixel);
  }
}

// All lines of a plane but for the columns that are not of the input, from its first real one on.
kernels::RowCopy StripLines::copy_of(const float* channel, const Phase& phase, float* to) const {
  const RealSpan& columns = real_.columns[static_cast<std::size_t>(phase.horizontal)];
  // A step over huge padding is only taken from one real pixel to another.
  const bool steps = columns.last - columns.first > 1;
  kernels::RowCopy copy;
  copy.from = columns.first == columns.last ? channel : channel + columns.position * strides_[3];
  copy.from_stride = problem_.stride.h * strides_[2];
  copy.step = steps ? problem_.stride.w * strides_[3] : 1;
  copy.first = columns.first;
  copy.last = columns.last;
  copy.columns = geometry_.shape.pitch;
  copy.outside = outside_;
  copy.to = to;
  copy.to_stride = geometry_.shape.pitch;
  return copy;
}

void StripLines::fill_plane(const float* channel, const Phase& phase, std::int64_t first_line,
                            std::int64_t lines, float* to) const {
  if (!padding_is_one_value(problem_)) {
    fill_line_by_line(channel, phase, first_line, lines, to);
    return;
  }
  const RealSpan& real = real_.lines[static_cast<std::size_t>(phase.vertical)];
  const std::int64_t pitch = geometry_.shape.pitch;
  const std::int64_t begin = std::clamp(real.first, first_line, first_line + lines);
  const std::int64_t end = std::clamp(real.last, begin, first_line + lines);
  std::fill(to, to + (begin - first_line) * pitch, outside_);
  if (begin < end) {
    const std::int64_t row = real.position + (begin - real.first) * problem_.stride.h;
    kernels::RowCopy copy =
        copy_of(channel + row * strides_[2], phase, to + (begin - first_line) * pitch);
    copy.rows = end - begin;
    copy_lines_(copy);
  }
  std::fill(to + (end - first_line) * pitch, to + lines * pitch, outside_);
}

// Where lines and columns beyond the input are others of the input.
void StripLines::fill_line_by_line(const float* channel, const Phase& phase,
                                   std::int64_t first_line, std::int64_t lines, float* to) const {
  const std::int64_t pitch = geometry_.shape.pitch;
  const std::int64_t first_row = geometry_.vertical.first_of(phase.vertical) - problem_.padding.top;
  for (std::int64_t line = first_line; line < first_line + lines; ++line, to += pitch) {
    const std::int64_t row =
        source_position(problem_.padding_mode, line * problem_.stride.h + first_row, problem_.h,
                        problem_.padding.bottom);
    if (row == kOutside) {
      std::fill(to, to + pitch, outside_);
      continue;
    }
    const kernels::RowCopy copy = copy_of(channel + row * strides_[2], phase, to);
    copy_lines_(copy);
    fill_around(channel + row * strides_[2], phase, 0, copy.first, to);
    fill_around(channel + row * strides_[2], phase, copy.last, pitch, to);
  }
}

// Columns [begin, end), none of which is real input.
void StripLines::fill_around(const float* row, const Phase& phase, std::int64_t begin,
                             std::int64_t end, float* to) const {
  const std::int64_t first_column =
      geometry_.horizontal.first_of(phase.horizontal) - problem_.padding.left;
  for (std::int64_t j = begin; j < end; ++j) {
    const std::int64_t column =
        source_position(problem_.padding_mode, first_column + j * problem_.stride.w, problem_.w,
                        problem_.padding.right);
    to[j] = column == kOutside ? outside_ : row[column * strides_[3]];
  }
}

}  // namespace plait::algorithm::direct
