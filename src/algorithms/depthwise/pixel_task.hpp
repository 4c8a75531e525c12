// The work of one thread in a run over pixels, where the channels of a pixel of y lie side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "algorithms/algorithm.hpp"
#include "algorithms/depthwise/pixel_blocking.hpp"
#include "algorithms/depthwise/plane_task.hpp"
#include "kernels/tile/loop_counters.hpp"

namespace plait::algorithm::depthwise {

class PixelTask {
 public:
  // `workspace` is the thread's own, `counters` may be null. weights.kernel is [k_h k_w][c_o].
  PixelTask(const Problem& problem, const PixelBlocking& blocking, const Args& args,
            const Weights& weights, const kernels::PixelKernels& kernels, std::byte* workspace,
            kernels::LoopCounters* counters);

  // Computes output rows [row, row + block_rows) of image n.
  void run_block(std::int64_t n, std::int64_t row);

 private:
  struct Range {  // outputs [first, last) of a row
    std::int64_t first, last;
  };
  struct Channels {
    std::int64_t first, count;
  };

  void count(std::size_t loop, std::int64_t round, bool partial = false) {
    if (counters_ != nullptr) counters_->round(loop, round, partial);
  }
  struct Rows {  // output rows [first, last), computed by one kind of tile
    const kernels::PixelTile& tile;
    std::int64_t first, last;
  };
  bool has_all_rows(const kernels::PixelTile& tile, std::int64_t row) const;
  void run_rows(const Rows& rows, bool has_all_rows);
  void run_in_place(const Rows& rows, const Range& range);
  void run_copied(const Rows& rows, const Range& range);
  void run_copied_range(const Rows& rows, const Range& range);
  void run_tiles(const kernels::PixelTile& tile, std::int64_t row, const Range& range,
                 const Channels& channels, const PixelWindow& window);
  void copy_row(std::int64_t position, const Range& range, const Channels& channels,
                const PixelWindow& window, float* to) const;
  struct Columns {  // column q of a copy is input column first + q * step
    std::int64_t first, step, count;
  };
  void copy_columns(const float* row, const Columns& columns, const Channels& channels,
                    float* to) const;
  void copy_pixel(const float* row, std::int64_t column, const Channels& channels, float* to) const;

  const Problem& problem_;
  const PixelBlocking& blocking_;
  const Args& args_;
  Weights weights_;
  Dims x_strides_, y_strides_, residual_strides_;
  std::int64_t outputs_;                     // output channels of an input channel
  float outside_;                            // stands for positions without a source
  kernels::CopyPixelsFunction copy_pixels_;  // null if pixels are copied channel by channel
  const float** window_rows_;                // the input rows of the tiles that run
  float* copy_;
  kernels::LoopCounters* counters_;  // or null
  kernels::PixelArgs tile_;
  std::int64_t n_ = 0;        // the image of the block
  const float* x_ = nullptr;  // x[n_]
};

}  // namespace plait::algorithm::depthwise
