// The work of one thread in a run.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "algorithms/winograd/blocking.hpp"
#include "algorithms/winograd/direct_sums.hpp"
#include "algorithms/winograd/guard.hpp"
#include "kernels/tile/loop_counters.hpp"

namespace plait::algorithm::winograd {

// A prepared layer.
struct Layer {
  Layer(const Problem& problem, const Blocking& blocking);

  Problem problem;
  Blocking blocking;
  const kernels::WinogradKernels& kernels;
  Dims x_strides;
  Dims y_strides;
  Dims residual_strides;
  DirectBlocking direct;
  std::vector<std::int32_t> places;  // 0, 1, 2 ...: the places of a chunk's channels
};

enum Loop : std::size_t { kColumns, kChunks, kRowBlocks, kChannelBlocks };
constexpr std::array<kernels::LoopLevel, 4> kLoops = {{{"tile columns", false},
                                                       {"channel chunks", true},
                                                       {"row blocks", true},
                                                       {"channel blocks", true}}};

class Task {
 public:
  // transform_weights() packed the weights. The workspace is the thread's own. `counters` may be
  // null.
  Task(const Layer& layer, const Args& args, const float* weights, std::byte* workspace,
       kernels::LoopCounters* counters);

  void run(std::int64_t task);

 private:
  void count(std::size_t loop, std::int64_t round, bool partial = false) {
    if (counters_ != nullptr) counters_->round(loop, round, partial);
  }
  // Returns false if the region has no outputs, as in a shorter phase.
  bool set_region(std::int64_t phase, std::int64_t index);
  // x[n, c] of the given channel of a group.
  const float* input(std::int64_t n, std::int64_t group, std::int64_t channel) const {
    return static_cast<const float*>(args_.in) + n * layer_.x_strides[0] +
           (group * blocking_.channels + channel) * layer_.x_strides[1];
  }
  void transform_in(std::int64_t n, std::int64_t group, std::int64_t channel,
                    std::int64_t channels);
  void multiply(std::int64_t block, std::int64_t channel, std::int64_t channels, float* sums);
  void transform_out(std::int64_t n, std::int64_t group, std::int64_t block, const float* sums);
  // Marks the region's tiles; the magnitudes of all its inputs must be known.
  void judge(std::int64_t group, bool counts);
  // Computes the outputs of marked tiles, for blocks [block, block_end) of rows.
  void sum_directly(std::int64_t n, std::int64_t group, std::int64_t block, std::int64_t block_end);
  // The destination of the outputs of those rows [first, first + rows) of a group that exist.
  kernels::RegionOutputs outputs_of(std::int64_t n, std::int64_t group, std::int64_t first,
                                    std::int64_t rows) const;
  kernels::MagnitudeWindows magnitudes() const {
    kernels::MagnitudeWindows windows;
    windows.at = magnitudes_;
    windows.pitch = layer_.kernels.magnitude_pitch(region_);
    return windows;
  }
  // The region has height() x width() outputs.
  std::int64_t height() const {
    return std::min(region_.tile_rows * blocking_.down.m,
                    blocking_.down_phases.outputs_of(phase_.h) - first_row_ * blocking_.down.m);
  }
  std::int64_t width() const {
    return std::min(
        region_.tile_cols * blocking_.across.m,
        blocking_.across_phases.outputs_of(phase_.w) - first_column_ * blocking_.across.m);
  }

  const Layer& layer_;
  const Args& args_;
  const Problem& problem_;
  const Blocking& blocking_;
  const float* weights_;
  const float* biases_;
  kernels::LoopCounters* counters_;
  std::int64_t* rows_;  // offsets of the region's rows, see kernels::TransformIn
  std::int64_t* columns_;
  std::int32_t* magnitudes_;
  kernels::TileMark* marks_;
  float* scratch_;
  float* v_;
  float* m_;
  Pair phase_;
  kernels::Region region_;
  std::int64_t first_row_ = 0;  // the region's first row of tiles
  std::int64_t first_column_ = 0;
  Judgement judgement_;
};

}  // namespace plait::algorithm::winograd
