// The work of one thread in a run over planes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "algorithms/depthwise/plane_blocking.hpp"
#include "algorithms/depthwise/plane_rows.hpp"
#include "kernels/tile/loop_counters.hpp"

namespace plait::algorithm::depthwise {

// A prepared layer.
struct Layer {
  Layer(const Problem& problem, const PlaneBlocking& blocking, Target target);

  Problem problem;
  const kernels::PlaneKernels& kernels;
  Geometry geometry;
  PlaneBlocking blocking;
  Dims y_strides;
  Dims residual_strides;
  std::vector<std::int32_t> offsets;  // kernels::PlaneArgs::offsets, or none
};

struct Weights {
  const float* kernel = nullptr;  // dense
  const float* bias = nullptr;    // c_o values, or null
};

// The loops of tasks over planes and over pixels.
enum Loop : std::size_t {
  kRowTiles,
  kColumnBlocks,
  kOutputs,
  kPlanes,
  kRowBlocks,
  kPlaneBlocks,
  kPixelTiles,
  kCopiedChannels
};
constexpr std::array<kernels::LoopLevel, 8> kLoops = {{{"row tiles", true},
                                                       {"column blocks", true},
                                                       {"outputs", false},
                                                       {"planes", false},
                                                       {"row blocks", true},
                                                       {"plane blocks", false},
                                                       {"pixel tiles", false},
                                                       {"copied channels", false}}};

class Task {
 public:
  // `workspace` is the thread's own, `counters` may be null.
  Task(const Layer& layer, const Args& args, const Weights& weights, std::byte* workspace,
       kernels::LoopCounters* counters);

  // Computes output rows [row, row + block_rows) of all outputs of block_planes planes, each an
  // x[n, c], from number `plane` on.
  void run_block(std::int64_t plane, std::int64_t row);

 private:
  void count(std::size_t loop, std::int64_t round, bool partial = false) {
    if (counters_ != nullptr) counters_->round(loop, round, partial);
  }
  void run_plane(std::int64_t plane, std::int64_t row, std::int64_t rows);
  void run_output(std::int64_t n, std::int64_t o, std::int64_t row, std::int64_t rows);
  void run_tile(const kernels::PlaneTile& tile, std::int64_t n, std::int64_t o, std::int64_t row,
                std::int64_t column);
  const float* residual_row(std::int64_t n, std::int64_t o, std::int64_t row, std::int64_t column);

  const Layer& layer_;
  const Args& args_;
  const Problem& problem_;
  const PlaneBlocking& blocking_;
  std::int64_t h_o_, w_o_, depth_;
  PlaneRows source_;
  Weights weights_;
  float* strips_;  // one for each plane of a block
  float* strip_ = nullptr;
  std::int64_t bordered_ = 0;  // so many strips have the borders of a whole plane already
  float* output_buffer_;
  float* residual_buffer_;
  kernels::LoopCounters* counters_;  // or null
  kernels::RowEpilogue epilogue_;
  bool has_epilogue_;  // residual or activation take a pass of their own over a tile
  kernels::PlaneArgs tile_;
};

}  // namespace plait::algorithm::depthwise
