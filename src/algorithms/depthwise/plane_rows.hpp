// Copies the padded plane of one channel, block by block, into strips that the plane tiles read.
#pragma once

#include <cstdint>
#include <vector>

#include <plait/problem.hpp>

#include "core/problem/phases.hpp"
#include "kernels/depthwise/planes.hpp"

namespace plait::algorithm::depthwise {

// A strip holds the rows of the padded plane that a block of output rows reads. Row l of vertical
// phase i begins at (l * phases + i) * row_stride, its column j of phase p at lead + p * pitch + j.
struct Geometry {
  Geometry(const Problem& problem, std::int64_t lanes);

  // Floats in the strip of so many output rows, with what the last vectors read beyond them.
  std::int64_t strip_floats(std::int64_t output_rows) const;
  std::int64_t rows(std::int64_t output_rows) const {
    return (output_rows + vertical.extent) * vertical.phases;
  }
  std::int64_t output_row_stride() const { return vertical.phases * row_stride; }
  // The offset of window column v in a row.
  std::int64_t column_offset(std::int64_t v) const {
    return horizontal.phase_of(v) * pitch + horizontal.step_of(v);
  }
  // The offsets of the taps of a k_h x k_w window in a strip, in the order of K.
  std::vector<std::int32_t> tap_offsets(std::int64_t k_h, std::int64_t k_w) const;

  AxisPhases vertical, horizontal;
  std::int64_t columns;              // columns of a phase that are read: w_o + horizontal.extent
  std::vector<InputRange> in_input;  // the columns of each horizontal phase that are input
  bool has_input = false;            // whether any of these ranges is not empty
  std::int64_t lead;                 // floats before the first row, which align the input itself
  std::int64_t pitch;                // floats from one phase of a row to the next
  std::int64_t row_stride;           // floats from one row to the next
};

class PlaneRows {
 public:
  PlaneRows(const Problem& problem, const Geometry& geometry, const kernels::PlaneKernels& kernels,
            const float* x);

  // Writes the strip of output rows [first, first + rows) of x[n, c]. Without `borders` the strip
  // must hold the same rows of another plane, whose padding of zeros then stays as it is.
  void fill(std::int64_t n, std::int64_t c, std::int64_t first, std::int64_t rows, float* strip,
            bool borders) const;

 private:
  void fill_rows(const float* row, std::int64_t rows, std::int64_t step, float* to,
                 bool borders) const;
  void copy(const float* row, std::int64_t rows, std::int64_t step, float* to, bool borders) const;
  void split(const float* row, std::int64_t rows, std::int64_t step, float* to, bool borders) const;
  void gather(const float* row, const InputRange& range, float* to) const;
  void fill_outside(float* to) const;
  float at(const float* row, std::int64_t column) const;

  const Problem& problem_;
  const Geometry& geometry_;
  const kernels::PlaneKernels& kernels_;
  const float* x_;
  Dims strides_;
  bool fills_;     // all padding is one value
  float outside_;  // stands for positions without a source
};

}  // namespace plait::algorithm::depthwise
