// What one thread does in a run.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "algorithms/winograd/cut.hpp"
#include "algorithms/winograd/direct.hpp"
#include "algorithms/winograd/guard.hpp"
#include "kernels/tile/loop_counters.hpp"

namespace plait::algorithm::winograd {

// A layer as it was prepared.
struct Layer {
  Layer(const Problem& problem, const Cut& cut);

  Problem problem;
  Cut cut;
  const kernels::WinogradKernels& kernels;
  Dims x_strides;
  Dims y_strides;
  Dims residual_strides;
  DirectCut direct;
  std::vector<std::int32_t> places;  // 0, 1, 2 ...: where the channels of a tile lie
};

enum Loop : std::size_t { kColumns, kChunks, kRowBlocks, kChannelBlocks };
constexpr std::array<kernels::LoopLevel, 4> kLoops = {{{"tile columns", false},
                                                       {"channel chunks", true},
                                                       {"row blocks", true},
                                                       {"channel blocks", true}}};

class Task {
 public:
  // `weights` as transformed, with the biases; `workspace` is the thread's own, `tally` may be
  // null.
  Task(const Layer& layer, const Args& args, const float* weights, std::byte* workspace,
       kernels::LoopCounters* tally);

  void run(std::int64_t task);

 private:
  void count(std::size_t loop, std::int64_t round, bool partial = false) {
    if (tally_ != nullptr) tally_->round(loop, round, partial);
  }
  // False if there are no outputs in it.
  bool set_region(std::int64_t phase, std::int64_t index);
  // Channel `channel` of a group of an image.
  const float* input(std::int64_t n, std::int64_t group, std::int64_t channel) const {
    return static_cast<const float*>(args_.in) + n * layer_.x_strides[0] +
           (group * cut_.channels + channel) * layer_.x_strides[1];
  }
  void transform_in(std::int64_t n, std::int64_t group, std::int64_t channel,
                    std::int64_t channels);
  void multiply(std::int64_t block, std::int64_t channel, std::int64_t channels, float* sums);
  void transform_out(std::int64_t n, std::int64_t group, std::int64_t block, const float* sums);
  // Marks the region's tiles, once its inputs have been seen.
  void judge(std::int64_t group, bool counts);
  // The outputs of marked tiles, blocks [block, block_end) of rows.
  void sum_directly(std::int64_t n, std::int64_t group, std::int64_t block, std::int64_t block_end);
  // Where the outputs of rows [first, first + rows) of a group go, those that there are.
  kernels::RegionOutputs outputs_of(std::int64_t n, std::int64_t group, std::int64_t first,
                                    std::int64_t rows) const;
  kernels::MagnitudeWindows magnitudes() const {
    kernels::MagnitudeWindows windows;
    windows.at = magnitudes_;
    windows.pitch = layer_.kernels.magnitude_pitch(region_);
    return windows;
  }
  // Outputs of the region that exist.
  std::int64_t height() const {
    return std::min(region_.tile_rows * cut_.down.m,
                    cut_.lines.outputs_of(phase_.h) - first_row_ * cut_.down.m);
  }
  std::int64_t width() const {
    return std::min(region_.tile_cols * cut_.across.m,
                    cut_.columns.outputs_of(phase_.w) - first_column_ * cut_.across.m);
  }

  const Layer& layer_;
  const Args& args_;
  const Problem& problem_;
  const Cut& cut_;
  const float* weights_;
  const float* biases_;
  kernels::LoopCounters* tally_;
  std::int64_t* rows_;  // of the region: see kernels::TransformIn
  std::int64_t* columns_;
  std::int32_t* magnitudes_;
  kernels::TileMark* marks_;
  float* scratch_;
  float* v_;
  float* m_;
  Pair phase_;
  kernels::Region region_;
  std::int64_t first_row_ = 0;  // of the region, in tiles
  std::int64_t first_column_ = 0;
  Judgement judgement_;
};

}  // namespace plait::algorithm::winograd
