// The padded plane of one channel, line block by line block, as the plane tiles read it.
#pragma once

#include <cstdint>
#include <vector>

#include <plait/problem.hpp>

#include "core/problem/phases.hpp"
#include "kernels/depthwise/planes.hpp"

namespace plait::algorithm::depthwise {

// The columns [first, last) of a phase that are real input; column j is input column + j * stride.
struct Span {
  std::int64_t first, last, column;
};

// A strip holds the rows of the padded plane that a block of output lines reads: row (line l, phase
// i) at (l * phases + i) * row_stride, in it column j of horizontal phase p at lead + p * pitch +
// j.
struct Geometry {
  Geometry(const Problem& problem, std::int64_t lanes);

  // Floats of a strip of `lines` output lines, with what the last vectors read beyond them.
  std::int64_t strip_floats(std::int64_t lines) const;
  std::int64_t rows(std::int64_t lines) const {
    return (lines + vertical.extent) * vertical.phases;
  }
  std::int64_t line_stride() const { return vertical.phases * row_stride; }
  // Offset of window column v in a row.
  std::int64_t column_offset(std::int64_t v) const {
    return horizontal.phase_of(v) * pitch + horizontal.step_of(v);
  }
  // Of every tap, in the order of K; or of the columns of one row of the window.
  std::vector<std::int32_t> tap_offsets(std::int64_t k_h, std::int64_t k_w) const;

  AxisPhases vertical, horizontal;
  std::vector<Span> spans;  // of the horizontal phases
  bool has_input = false;   // any of them is not empty
  std::int64_t columns;     // of a phase that are read: output width and reach
  std::int64_t lead;        // floats in front, so that the input itself is aligned
  std::int64_t pitch;       // of a phase
  std::int64_t row_stride;
};

// Writes strips from x.
class PlaneLines {
 public:
  PlaneLines(const Problem& problem, const Geometry& geometry, const kernels::PlaneKernels& kernels,
             const float* x);

  // The strip of output lines [first, first + lines) of channel c of image n. Without `borders`
  // those of another plane's same lines are there already; then zeros around them stay.
  void fill(std::int64_t n, std::int64_t c, std::int64_t first, std::int64_t lines, float* strip,
            bool borders) const;

 private:
  void fill_rows(const float* row, std::int64_t rows, std::int64_t step, float* to,
                 bool borders) const;
  void copy(const float* row, std::int64_t rows, std::int64_t step, float* to, bool borders) const;
  void split(const float* row, std::int64_t rows, std::int64_t step, float* to, bool borders) const;
  void pick(const float* row, const Span& span, float* to) const;
  void fill_outside(float* to) const;
  float at(const float* row, std::int64_t column) const;

  const Problem& problem_;
  const Geometry& geometry_;
  const kernels::PlaneKernels& kernels_;
  const float* x_;
  Dims strides_;
  bool fills_;     // padding is one value
  float outside_;  // what stands for positions without a source
};

}  // namespace plait::algorithm::depthwise
