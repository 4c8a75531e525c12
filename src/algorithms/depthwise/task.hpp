// What one thread does in a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "algorithms/depthwise/cut.hpp"
#include "algorithms/depthwise/plane_lines.hpp"
#include "kernels/tile/loop_counters.hpp"

namespace plait::algorithm::depthwise {

// A layer as it was prepared.
struct Layer {
  Layer(const Problem& problem, const Cut& cut, Target target);

  Problem problem;
  const kernels::PlaneKernels& kernels;
  Geometry geometry;
  Cut cut;
  Dims y_strides;
  Dims residual_strides;
  std::vector<std::int32_t> offsets;  // as the form of the tile reads them
};

// Where they lie: K dense, one bias per output or none.
struct Weights {
  const float* kernel = nullptr;
  const float* bias = nullptr;
};

// Of the tasks over planes, and of those over pixels.
enum Loop : std::size_t {
  kLineTiles,
  kColumnBlocks,
  kOutputs,
  kPlanes,
  kLineBlocks,
  kPlaneBlocks,
  kPixelTiles,
  kCopiedChannels
};
constexpr std::array<kernels::LoopLevel, 8> kLoops = {{{"line tiles", true},
                                                       {"column blocks", true},
                                                       {"outputs", false},
                                                       {"planes", false},
                                                       {"line blocks", true},
                                                       {"plane blocks", false},
                                                       {"pixel tiles", false},
                                                       {"copied channels", false}}};

class Task {
 public:
  // `workspace` is the thread's own, `tally` may be null.
  Task(const Layer& layer, const Args& args, const Weights& weights, std::byte* workspace,
       kernels::LoopCounters* tally);

  // Output lines [line, line + block_lines) of all outputs of planes [plane, plane + block_planes).
  void run_block(std::int64_t plane, std::int64_t line);

 private:
  void count(std::size_t loop, std::int64_t round, bool partial = false) {
    if (tally_ != nullptr) tally_->round(loop, round, partial);
  }
  void run_plane(std::int64_t plane, std::int64_t line, std::int64_t lines);
  void run_output(std::int64_t n, std::int64_t o, std::int64_t line, std::int64_t lines);
  void run_tile(const kernels::PlaneTile& tile, std::int64_t n, std::int64_t o, std::int64_t line,
                std::int64_t column);
  const float* residual_line(std::int64_t n, std::int64_t o, std::int64_t line,
                             std::int64_t column);

  const Layer& layer_;
  const Args& args_;
  const Problem& problem_;
  const Cut& cut_;
  std::int64_t h_o_, w_o_, depth_;
  PlaneLines lines_;
  Weights weights_;
  float* strips_;  // of the planes of a block
  float* strip_ = nullptr;
  std::int64_t bordered_ = 0;  // strips with the borders of a whole plane
  float* line_buffer_;
  float* residual_buffer_;
  kernels::LoopCounters* tally_;  // or null
  kernels::RowEpilogue finish_;
  bool finishes_;  // residual or activation come in a pass of their own over a tile
  kernels::PlaneArgs tile_;
};

}  // namespace plait::algorithm::depthwise
