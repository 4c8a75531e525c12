// Fills strips with rows of x, phase by phase, and the padding around them.
#pragma once

#include <vector>

#include "algorithms/direct/strips.hpp"
#include "kernels/copy/rows.hpp"

namespace plait::algorithm::direct {

// The rows and the columns of each phase that are input. They are kept with the plan, because the
// divisions would take as long as copying a plane of a few short rows.
struct PhaseRanges {
  PhaseRanges(const Problem& problem, const StripGeometry& geometry);

  std::vector<InputRange> rows;  // row 0 is the first that output row 0 reads
  std::vector<InputRange> columns;
};

class StripRows final : public kernels::StripSource {
 public:
  StripRows(const Problem& problem, const StripGeometry& geometry, const PhaseRanges& ranges,
            Target target, const float* x);

  void fill(std::int64_t image_group, std::int64_t first_row, std::int64_t rows,
            std::int64_t block_rows, float* strip) const override;
  const float* in_place(std::int64_t image_group, std::int64_t first_row) const override;

 private:
  const float* group_x(std::int64_t image_group) const;
  std::int64_t channels() const { return problem_.c_i / problem_.groups; }

  void fill_pixels(const float* x, std::int64_t first_row, std::int64_t rows, float* to) const;
  void fill_row_of_pixels(const float* row, float* to) const;
  void fill_pixel(const float* row, std::int64_t p, float* to) const;

  struct Phase {
    std::int64_t vertical, horizontal;
  };
  void fill_plane(const float* channel, const Phase& phase, std::int64_t first_row,
                  std::int64_t rows, float* to) const;
  void fill_row_by_row(const float* channel, const Phase& phase, std::int64_t first_row,
                       std::int64_t rows, float* to) const;
  void fill_around(const float* row, const Phase& phase, std::int64_t begin, std::int64_t end,
                   float* to) const;
  kernels::RowCopy copy_of(const float* channel, const Phase& phase, float* to) const;

  const Problem& problem_;
  const StripGeometry& geometry_;
  const PhaseRanges& ranges_;
  const float* x_;
  Dims strides_;
  kernels::RowCopyFunction copy_rows_;
  float outside_;
};

}  // namespace plait::algorithm::direct
