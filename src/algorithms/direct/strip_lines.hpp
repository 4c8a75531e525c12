// The source of strips: lines of x, phase by phase, with what the padding is around them.
#pragma once

#include <vector>

#include "algorithms/direct/strips.hpp"
#include "kernels/copy/rows.hpp"

namespace plait::algorithm::direct {

// Lines (or columns) [first, last) of a phase are those of the input, `position` the first of them.
struct RealSpan {
  std::int64_t first, last, position;
};

// Of every phase of the planes of a strip. Kept with the plan: a plane of few short lines takes no
// longer than the divisions.
struct RealInput {
  RealInput(const Problem& problem, const StripGeometry& geometry);

  std::vector<RealSpan> lines;  // counted from the first line of y on
  std::vector<RealSpan> columns;
};

class StripLines final : public kernels::StripSource {
 public:
  StripLines(const Problem& problem, const StripGeometry& geometry, const RealInput& real,
             Target target, const float* x);

  void fill(std::int64_t unit, std::int64_t first_line, std::int64_t lines,
            std::int64_t block_lines, float* strip) const override;
  const float* in_place(std::int64_t unit, std::int64_t first_line) const override;

 private:
  const float* unit_x(std::int64_t unit) const;
  std::int64_t channels() const { return problem_.c_i / problem_.groups; }

  void fill_pixels(const float* x, std::int64_t first_line, std::int64_t lines, float* to) const;
  void fill_row_of_pixels(const float* row, float* to) const;
  void fill_pixel(const float* row, std::int64_t p, float* to) const;

  struct Phase {
    std::int64_t vertical, horizontal;  // numbers
  };
  void fill_plane(const float* channel, const Phase& phase, std::int64_t first_line,
                  std::int64_t lines, float* to) const;
  void fill_line_by_line(const float* channel, const Phase& phase, std::int64_t first_line,
                         std::int64_t lines, float* to) const;
  void fill_around(const float* row, const Phase& phase, std::int64_t begin, std::int64_t end,
                   float* to) const;
  kernels::RowCopy copy_of(const float* channel, const Phase& phase, float* to) const;

  const Problem& problem_;
  const StripGeometry& geometry_;
  const RealInput& real_;
  const float* x_;
  Dims strides_;
  kernels::RowCopyFunction copy_lines_;
  float outside_;
};

}  // namespace plait::algorithm::direct
