// Computes outputs of marked tiles by the sums of the definition. Ranges of such outputs, from any
// rows, are the columns of one register tile. The input rows that they read are copied side by
// side, and the tile reads the inputs of a tap at an offset. Between two ranges lie the taps - 1
// inputs that they do not share; the columns there are dropped. Terms and chunks have the order of
// the direct algorithms, and the outputs have their bits.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "algorithms/winograd/blocking.hpp"
#include "kernels/tile/loop_counters.hpp"
#include "kernels/tile/tile.hpp"
#include "kernels/winograd/winograd.hpp"

namespace plait::algorithm::winograd {

// The blocking of direct sums, which use the memory of values at the points and of their sums.
struct DirectBlocking {
  explicit DirectBlocking(const Blocking& blocking);
  // The most channels that the terms of one chunk belong to, wherever it begins.
  static std::int64_t channels_of_chunk(const Blocking& blocking);

  std::int64_t terms = 0;  // in the sum of an output
  int columns = 1;         // the most columns of a register tile
  std::int64_t width = 0;  // floats in a copied row
  // So many terms are computed from one copy: all, or a multiple of the chunk.
  std::int64_t terms_at_once = 0;
  std::vector<std::int32_t> offsets;  // of the inputs of each term in the copy
};

struct DirectArgs {
  const float* x = nullptr;  // x[n, c] of the group's first channel c
  std::int64_t channel_stride = 0;
  const std::int64_t* rows = nullptr;  // offsets of rows of the region, as in kernels::TransformIn
  const std::int64_t* columns = nullptr;
  std::int64_t pixel_stride = 1;  // of neighbouring columns, unless padding repeats some
  float outside = 0;
  const float* weights = nullptr;  // [block][term][row]
  kernels::Region region;
  const kernels::TileMark* marks = nullptr;
  std::int64_t height = 0;  // outputs of the region that exist
  std::int64_t width = 0;
  float* copied = nullptr;  // Blocking::points() * v_plane floats
  float* sums = nullptr;    // Blocking::points() * m_plane floats
  std::int64_t blocks = 0;  // blocks of rows
  kernels::LoopCounters* counters = nullptr;
};

class DirectSums {
 public:
  DirectSums(const Blocking& blocking, const DirectBlocking& direct, const DirectArgs& args)
      : blocking_(blocking), direct_(direct), args_(args) {}

  // outputs(block) returns the destination of a block. Returns early if the run is cancelled.
  template <class Outputs>
  void run(const Args& run_args, const Outputs& outputs) {
    for (std::int64_t row = 0; row < args_.height; ++row) {
      for (std::int64_t pixel = 0; pixel < args_.width;) {
        pixel = add_range(row, pixel);
        if (!is_full()) continue;
        if (run_args.cancelled()) return;
        flush(outputs);
      }
    }
    if (columns_ > 0) flush(outputs);
  }

 private:
  // Those of the inputs that a range reads from one row which lie in x, [begin, end).
  struct Inside {
    int begin, end;
    bool side_by_side;
  };
  struct Range {
    std::int64_t row, pixel;
    int begin, end;  // columns [begin, end) of the tile
    Inside inside;
  };

  // Whether the inputs of the last range leave no column for another range.
  bool is_full() const { return columns_ + blocking_.across.r - 1 >= direct_.columns; }
  Inside inside(std::int64_t pixel, std::int64_t end) const;
  // Adds the outputs of marked tiles from (row, pixel) on, and returns the pixel at which to go on.
  std::int64_t add_range(std::int64_t row, std::int64_t pixel);
  // Copies what all ranges read of channels [first, last).
  void copy(std::int64_t first, std::int64_t last);
  void copy_row(const Range& range, const float* from, float* to) const;
  void multiply(std::int64_t block);
  template <class Outputs>
  void flush(const Outputs& outputs) {
    tile_ = &blocking_.direct_tiles->at_least(columns_);
    copied_ = -1;
    for (std::int64_t block = 0; block < args_.blocks; ++block) {
      multiply(block);
      store(outputs(block));
    }
    columns_ = 0;
    ranges_ = 0;
  }
  void store(kernels::RegionOutputs outputs) const;

  const Blocking& blocking_;
  const DirectBlocking& direct_;
  const DirectArgs args_;
  const kernels::Tile* tile_ = nullptr;
  std::int64_t copied_ = -1;  // the first channel in the copy, or -1
  int columns_ = 0;
  int ranges_ = 0;
  std::array<Range, TilesOfRows::kMostColumns> list_{};
};

}  // namespace plait::algorithm::winograd
