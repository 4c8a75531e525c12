// What one thread does in a run over pixels whose channels lie side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "algorithms/algorithm.hpp"
#include "algorithms/depthwise/pixel_cut.hpp"
#include "algorithms/depthwise/task.hpp"
#include "kernels/tile/loop_counters.hpp"

namespace plait::algorithm::depthwise {

class PixelTask {
 public:
  // `workspace` is the thread's own, `tally` may be null. weights.kernel: [k_h k_w][c_o].
  PixelTask(const Problem& problem, const PixelCut& cut, const Args& args, const Weights& weights,
            const kernels::PixelKernels& kernels, std::byte* workspace,
            kernels::LoopCounters* tally);

  // Output lines [line, line + block_lines) of image n.
  void run_block(std::int64_t n, std::int64_t line);

 private:
  // Outputs [first, last) of a line; channels [channel, channel + count).
  struct Stretch {
    std::int64_t first, last;
  };
  struct Channels {
    std::int64_t first, count;
  };

  void count(std::size_t loop, std::int64_t round, bool partial = false) {
    if (tally_ != nullptr) tally_->round(loop, round, partial);
  }
  // Consecutive lines of outputs, tiles of the same kind.
  struct Lines {
    const kernels::PixelTile& tile;
    std::int64_t first, last;
  };
  bool has_all_rows(const kernels::PixelTile& tile, std::int64_t line) const;
  void run_lines(const Lines& lines, bool has_all_rows);
  void run_in_place(const Lines& lines, const Stretch& stretch);
  void run_copied(const Lines& lines, const Stretch& stretch);
  void run_segment(const Lines& lines, const Stretch& segment);
  void run_tiles(const kernels::PixelTile& tile, std::int64_t line, const Stretch& stretch,
                 const Channels& channels, const PixelWindow& window);
  void copy_row(std::int64_t position, const Stretch& segment, const Channels& channels,
                const PixelWindow& window, float* to) const;
  // Columns of a copy: column q is column `first` + q * step of the input.
  struct Columns {
    std::int64_t first, step, count;
  };
  void copy_columns(const float* row, const Columns& columns, const Channels& channels,
                    float* to) const;
  void copy_pixel(const float* row, std::int64_t column, const Channels& channels, float* to) const;

  const Problem& problem_;
  const PixelCut& cut_;
  const Args& args_;
  Weights weights_;
  Dims x_strides_, y_strides_, residual_strides_;
  std::int64_t outputs_;                     // of an input channel
  float outside_;                            // what stands for positions without a source
  kernels::CopyPixelsFunction copy_pixels_;  // null if pixels are put together one by one
  const float** rows_;                       // of the tiles that run
  float* copy_;
  kernels::LoopCounters* tally_;  // or null
  kernels::PixelArgs tile_;
  std::int64_t n_ = 0;        // of the tiles that run
  const float* x_ = nullptr;  // of the image
};

}  // namespace plait::algorithm::depthwise
