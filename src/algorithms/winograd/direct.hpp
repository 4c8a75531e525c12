// Outputs of marked tiles by the sums of the definition, as products of the weights and of columns
// of inputs copied together: register tiles take any outputs side by side. Terms and chunks are in
// the order of the direct algorithms, and so their bits are those of these.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "algorithms/winograd/cut.hpp"
#include "core/algorithm.hpp"
#include "kernels/loop_tally.hpp"
#include "kernels/tile.hpp"
#include "kernels/winograd.hpp"

namespace plait::rooms::winograd {

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
  // Room for so many floats: at least for the narrowest tile's columns of a chunk of terms.
  float* columns_of_terms = nullptr;
  std::int64_t columns_floats = 0;
  float* sums = nullptr;  // likewise
  std::int64_t sums_floats = 0;
  std::int64_t blocks = 0;  // of rows
  kernels::LoopTally* tally = nullptr;
};

// Where the outputs of a block of rows go: of the region's first output, with no runs yet.
struct DirectOutputs {
  kernels::Epilogue epilogue;
  kernels::Destination to;
  std::int64_t line_stride = 0;
  std::int64_t residual_line_stride = 0;
};

class DirectSums {
 public:
  DirectSums(const Cut& cut, const DirectArgs& args);

  // Calls outputs(block) for the destination of each block; early if the run is cancelled.
  template <class Outputs>
  void run(const Args& run_args, const Outputs& outputs) {
    for (std::int64_t line = 0; line < args_.height; ++line) {
      for (std::int64_t pixel = 0; pixel < args_.width;) {
        pixel = add_run(line, pixel);
        if (columns_ < most_columns_) continue;
        if (run_args.cancelled()) return;
        flush(outputs);
      }
    }
    if (columns_ > 0) flush(outputs);
  }

 private:
  struct Run {
    std::int64_t line, pixel;
    int begin, end;
  };

  // Takes outputs of a line from `pixel` on that belong to marked tiles; returns where to go on.
  std::int64_t add_run(std::int64_t line, std::int64_t pixel);
  // Copies what terms [first, first + count) of all columns read.
  void gather(std::int64_t first, std::int64_t count);
  void multiply(std::int64_t block);
  template <class Outputs>
  void flush(const Outputs& outputs) {
    tile_ = &cut_.tiles->at_least(columns_);
    gathered_ = -1;
    for (std::int64_t block = 0; block < args_.blocks; ++block) {
      multiply(block);
      store(outputs(block));
    }
    columns_ = 0;
    runs_ = 0;
  }
  void store(DirectOutputs outputs) const;

  const Cut& cut_;
  const DirectArgs args_;
  std::int64_t terms_;
  int most_columns_;
  std::int64_t most_terms_;     // that are copied at once: a multiple of the chunk, or all
  std::int64_t gathered_ = -1;  // the first term of those that are
  const kernels::Tile* tile_ = nullptr;
  int columns_ = 0;
  int runs_ = 0;
  std::array<Run, TilesOfRows::kMostColumns> list_{};
};

}  // namespace plait::rooms::winograd
