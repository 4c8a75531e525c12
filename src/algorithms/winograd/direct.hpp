// Outputs of marked tiles by the sums of the definition. Runs of them, from any lines, make the
// columns of one register tile: the lines of input that they read are copied side by side, and the
// tile reads a tap's inputs at an offset. Between two runs lie the taps - 1 inputs that they do not
// share, and columns that are dropped. Terms and chunks are in the order of the direct algorithms,
// and so their bits are those of these.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "algorithms/winograd/cut.hpp"
#include "kernels/tile/loop_counters.hpp"
#include "kernels/tile/tile.hpp"
#include "kernels/winograd/winograd.hpp"

namespace plait::algorithm::winograd {

// How a cut's direct sums are made, in the memory of its values at the points and of their sums.
struct DirectCut {
  explicit DirectCut(const Cut& cut);
  // That have the terms of a chunk, wherever it begins and ends.
  static std::int64_t channels_of_chunk(const Cut& cut);

  std::int64_t terms = 0;  // of an output
  int columns = 1;         // of a register tile at most
  std::int64_t width = 0;  // of a copied line
  // That are computed from what was copied at once: all, or a multiple of the chunk.
  std::int64_t terms_at_once = 0;
  std::vector<std::int32_t> offsets;  // of each term's inputs in what was copied
};

struct DirectArgs {
  const float* x = nullptr;  // of the first channel of the group
  std::int64_t channel_stride = 0;
  const std::int64_t* rows = nullptr;  // of the region, as kernels::TransformIn has them
  const std::int64_t* columns = nullptr;
  std::int64_t pixel_stride = 1;  // of neighbouring columns; at borders some may be repeated
  float outside = 0;
  const float* weights = nullptr;  // of the first block of rows: [block][term][row]
  kernels::Region region;
  const kernels::TileMark* marks = nullptr;
  std::int64_t height = 0;  // outputs of the region that exist
  std::int64_t width = 0;
  float* copied = nullptr;  // Cut::points() * v_plane
  float* sums = nullptr;    // and * m_plane
  std::int64_t blocks = 0;  // of rows
  kernels::LoopCounters* tally = nullptr;
};

class DirectSums {
 public:
  DirectSums(const Cut& cut, const DirectCut& direct, const DirectArgs& args)
      : cut_(cut), direct_(direct), args_(args) {}

  // Calls outputs(block) for the destination of each block; early if the run is cancelled.
  template <class Outputs>
  void run(const Args& run_args, const Outputs& outputs) {
    for (std::int64_t line = 0; line < args_.height; ++line) {
      for (std::int64_t pixel = 0; pixel < args_.width;) {
        pixel = add_run(line, pixel);
        if (!is_full()) continue;
        if (run_args.cancelled()) return;
        flush(outputs);
      }
    }
    if (columns_ > 0) flush(outputs);
  }

 private:
  // Of the inputs of a line that a run reads: those of x.
  struct Inside {
    int begin, end;
    bool side_by_side;
  };
  struct Run {
    std::int64_t line, pixel;
    int begin, end;  // columns of the tile
    Inside inside;
  };

  // No column is left behind the inputs that the last run reads beyond its own.
  bool is_full() const { return columns_ + cut_.across.r - 1 >= direct_.columns; }
  Inside inside(std::int64_t pixel, std::int64_t end) const;
  // Takes outputs of a line from `pixel` on that belong to marked tiles; returns where to go on.
  std::int64_t add_run(std::int64_t line, std::int64_t pixel);
  // What all runs read of channels [first, last).
  void copy(std::int64_t first, std::int64_t last);
  void copy_line(const Run& run, const float* row, float* to) const;
  void multiply(std::int64_t block);
  template <class Outputs>
  void flush(const Outputs& outputs) {
    tile_ = &cut_.direct_tiles->at_least(columns_);
    copied_ = -1;
    for (std::int64_t block = 0; block < args_.blocks; ++block) {
      multiply(block);
      store(outputs(block));
    }
    columns_ = 0;
    runs_ = 0;
  }
  void store(kernels::RegionOutputs outputs) const;

  const Cut& cut_;
  const DirectCut& direct_;
  const DirectArgs args_;
  const kernels::Tile* tile_ = nullptr;
  std::int64_t copied_ = -1;  // the first channel of those that are
  int columns_ = 0;
  int runs_ = 0;
  std::array<Run, TilesOfRows::kMostColumns> list_{};
};

}  // namespace plait::algorithm::winograd
