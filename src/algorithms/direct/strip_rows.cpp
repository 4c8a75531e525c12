#include "algorithms/direct/strip_rows.hpp"

#include <algorithm>
#include <cstring>

#include "core/problem/padding.hpp"

namespace plait::algorithm::direct {
PhaseRanges::PhaseRanges(const Problem& problem, const StripGeometry& geometry) {
  if (geometry.order != StripGeometry::Order::planes) return;
  const AxisPhases& down = geometry.vertical;
  for (std::int64_t i = 0; i < down.phases; ++i) {
    rows.emplace_back(down.first_of(i) - problem.padding.top, down.stride, problem.h,
                      problem.h_o() + down.extent);
  }
  const AxisPhases& across = geometry.horizontal;
  for (std::int64_t j = 0; j < across.phases; ++j) {
    columns.emplace_back(across.first_of(j) - problem.padding.left, across.stride, problem.w,
                         geometry.shape.pitch);
  }
}

StripRows::StripRows(const Problem& problem, const StripGeometry& geometry,
                     const PhaseRanges& ranges, Target target, const float* x)
    : problem_(problem),
      geometry_(geometry),
      ranges_(ranges),
      x_(x),
      strides_(problem.effective_x_strides()),
      copy_rows_(kernels::row_copy(target)),
      outside_(padding_value(problem)) {}

void StripRows::fill(std::int64_t image_group, std::int64_t first_row, std::int64_t rows,
                     std::int64_t block_rows, float* strip) const {
  const float* channel = group_x(image_group);
  if (geometry_.order == StripGeometry::Order::pixels) {
    fill_pixels(channel, first_row, rows, strip);
    return;
  }
  const std::int64_t plane_stride = geometry_.plane_stride(block_rows);
  for (std::int64_t c = 0; c < channels(); ++c, channel += strides_[1]) {
    for (std::int64_t i = 0; i < geometry_.vertical.phases; ++i) {
      for (std::int64_t j = 0; j < geometry_.horizontal.phases; ++j) {
        fill_plane(channel, {i, j}, first_row, rows + geometry_.vertical.extent, strip);
        strip += plane_stride;
      }
    }
  }
}

const float* StripRows::in_place(std::int64_t image_group, std::int64_t first_row) const {
  return group_x(image_group) + first_row * problem_.stride.h * strides_[2];
}

const float* StripRows::group_x(std::int64_t image_group) const {
  return x_ + image_group / problem_.groups * strides_[0] +
         image_group % problem_.groups * channels() * strides_[1];
}

// Fills a strip of pixels from an x that also has the channels of a pixel side by side.
void StripRows::fill_pixels(const float* x, std::int64_t first_row, std::int64_t rows,
                            float* to) const {
  const std::int64_t extent = (problem_.k_h - 1) * problem_.dilation.h;
  const std::int64_t first = first_row * problem_.stride.h - problem_.padding.top;
  const std::int64_t last = first + (rows - 1) * problem_.stride.h + extent;
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

void StripRows::fill_row_of_pixels(const float* row, float* to) const {
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

// Fills pixel p of a row, which is padding.
void StripRows::fill_pixel(const float* row, std::int64_t p, float* to) const {
  const std::int64_t column = source_position(problem_.padding_mode, p - problem_.padding.left,
                                              problem_.w, problem_.padding.right);
  float* const pixel = to + p * geometry_.pixel_floats;
  if (column == kOutside) {
    std::fill(pixel, pixel + channels(), outside_);
  } else {
    std::copy_n(row + column * strides_[3], channels(), pixel);
  }
}

// The copy of the rows of a phase from `channel` on, without the columns that are padding.
kernels::RowCopy StripRows::copy_of(const float* channel, const Phase& phase, float* to) const {
  const InputRange& columns = ranges_.columns[static_cast<std::size_t>(phase.horizontal)];
  // A single pixel needs no stride, and a stride as long as huge padding could overflow here.
  const bool steps = columns.last - columns.first > 1;
  const std::int64_t column = columns.start + columns.first * problem_.stride.w;
  kernels::RowCopy copy;
  copy.from = columns.is_empty() ? channel : channel + column * strides_[3];
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

void StripRows::fill_plane(const float* channel, const Phase& phase, std::int64_t first_row,
                           std::int64_t rows, float* to) const {
  if (!padding_is_one_value(problem_)) {
    fill_row_by_row(channel, phase, first_row, rows, to);
    return;
  }
  const InputRange& input = ranges_.rows[static_cast<std::size_t>(phase.vertical)];
  const std::int64_t pitch = geometry_.shape.pitch;
  const std::int64_t begin = std::clamp(input.first, first_row, first_row + rows);
  const std::int64_t end = std::clamp(input.last, begin, first_row + rows);
  std::fill(to, to + (begin - first_row) * pitch, outside_);
  if (begin < end) {
    const std::int64_t source = input.start + begin * problem_.stride.h;
    kernels::RowCopy copy =
        copy_of(channel + source * strides_[2], phase, to + (begin - first_row) * pitch);
    copy.rows = end - begin;
    copy_rows_(copy);
  }
  std::fill(to + (end - first_row) * pitch, to + rows * pitch, outside_);
}

// Fills a plane whose padding repeats rows and columns of the input.
void StripRows::fill_row_by_row(const float* channel, const Phase& phase, std::int64_t first_row,
                                std::int64_t rows, float* to) const {
  const std::int64_t pitch = geometry_.shape.pitch;
  const std::int64_t start = ranges_.rows[static_cast<std::size_t>(phase.vertical)].start;
  for (std::int64_t row = first_row; row < first_row + rows; ++row, to += pitch) {
    const std::int64_t source =
        source_position(problem_.padding_mode, row * problem_.stride.h + start, problem_.h,
                        problem_.padding.bottom);
    if (source == kOutside) {
      std::fill(to, to + pitch, outside_);
      continue;
    }
    const kernels::RowCopy copy = copy_of(channel + source * strides_[2], phase, to);
    copy_rows_(copy);
    fill_around(channel + source * strides_[2], phase, 0, copy.first, to);
    fill_around(channel + source * strides_[2], phase, copy.last, pitch, to);
  }
}

// Fills columns [begin, end) of a row, all of which are padding.
void StripRows::fill_around(const float* row, const Phase& phase, std::int64_t begin,
                            std::int64_t end, float* to) const {
  const std::int64_t first_column =
      ranges_.columns[static_cast<std::size_t>(phase.horizontal)].start;
  for (std::int64_t j = begin; j < end; ++j) {
    const std::int64_t column =
        source_position(problem_.padding_mode, first_column + j * problem_.stride.w, problem_.w,
                        problem_.padding.right);
    to[j] = column == kOutside ? outside_ : row[column * strides_[3]];
  }
}

}  // namespace plait::algorithm::direct
