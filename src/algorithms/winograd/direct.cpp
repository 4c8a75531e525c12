#include "algorithms/winograd/direct.hpp"
#include "core/integers.hpp"

#include <algorithm>
#include <cstring>

namespace plait::algorithm::winograd {
namespace {

// A few floats: calling memmove would take as long as the products with them.
void copy_pixels(const float* from, int count, float* to) {
  int i = 0;
  for (; i + 4 <= count; i += 4) std::memcpy(to + i, from + i, 4 * sizeof(float));
  for (; i < count; ++i) to[i] = from[i];
}

}  // namespace

DirectCut::DirectCut(const Cut& cut)
    : terms(cut.channels * cut.taps()), columns(cut.direct_tiles->most_columns()) {
  const std::int64_t rows = cut.direct_tiles->rows();
  const std::int64_t copied_floats = cut.points() * cut.v_plane;
  const std::int64_t sums_floats = cut.points() * cut.m_plane;
  std::int64_t channels = 0;  // copied at once
  for (;; --columns) {
    const std::int64_t tile = cut.direct_tiles->at_least(columns).cols;
    width = tile + cut.across.r - 1;
    channels = copied_floats / (cut.down.r * width);
    const bool fits = channels >= std::min(cut.channels, channels_of_chunk(cut));
    if (columns == 1 || (fits && tile * rows <= sums_floats)) break;
  }
  terms_at_once = terms;
  if (channels < cut.channels) {  // of which the first and the last may be there in part
    terms_at_once = (channels - 2) * cut.taps() / kernels::kChunk * kernels::kChunk;
  }
  for (std::int64_t c = 0; c < std::min(channels, cut.channels); ++c) {
    for (int u = 0; u < cut.down.r; ++u) {
      for (int v = 0; v < cut.across.r; ++v) {
        offsets.push_back(static_cast<std::int32_t>((c * cut.down.r + u) * width + v));
      }
    }
  }
}

std::int64_t DirectCut::channels_of_chunk(const Cut& cut) {
  return ceil_div(kernels::kChunk, cut.taps()) + 2;
}

// Steps of columns are at most their stride apart, at borders they are less or turn back: where the
// last one inside is as far from the first as it can be, all lie between.
DirectSums::Inside DirectSums::inside(std::int64_t pixel, std::int64_t end) const {
  const std::int64_t* const columns = args_.columns + pixel;
  const auto count = static_cast<int>(end - pixel + cut_.across.r - 1);
  Inside inside{0, count, false};
  while (inside.begin < count && columns[inside.begin] == kernels::kNoOffset) ++inside.begin;
  while (inside.end > inside.begin && columns[inside.end - 1] == kernels::kNoOffset) --inside.end;
  inside.side_by_side =
      inside.begin == inside.end ||
      (args_.pixel_stride == 1 &&
       columns[inside.end - 1] - columns[inside.begin] == inside.end - 1 - inside.begin);
  return inside;
}

std::int64_t DirectSums::add_run(std::int64_t line, std::int64_t pixel) {
  const kernels::TileMark* const marks = args_.marks + line / cut_.down.m * args_.region.tile_cols;
  const auto marked = [&](std::int64_t at) {
    return marks[at / cut_.across.m] == kernels::kDirectTile;
  };
  if (!marked(pixel)) return (pixel / cut_.across.m + 1) * cut_.across.m;
  const int begin = runs_ == 0 ? 0 : columns_ + cut_.across.r - 1;
  const std::int64_t last = std::min(args_.width, pixel + direct_.columns - begin);
  std::int64_t end = pixel;
  while (end < last && marked(end)) ++end;
  columns_ = begin + static_cast<int>(end - pixel);
  list_[static_cast<std::size_t>(runs_++)] = {line, pixel, begin, columns_, inside(pixel, end)};
  return end;
}

void DirectSums::copy_line(const Run& run, const float* row, float* to) const {
  const std::int64_t* const columns = args_.columns + run.pixel;
  const auto [begin, end, side_by_side] = run.inside;
  const int count = run.end - run.begin + cut_.across.r - 1;
  std::fill_n(to, begin, args_.outside);
  if (side_by_side) {
    if (begin < end) copy_pixels(row + columns[begin], end - begin, to + begin);
  } else {
    for (int j = begin; j < end; ++j) {
      to[j] = columns[j] == kernels::kNoOffset ? args_.outside : row[columns[j]];
    }
  }
  std::fill_n(to + end, count - end, args_.outside);
}

void DirectSums::copy(std::int64_t first, std::int64_t last) {
  if (copied_ == first) return;
  copied_ = first;
  float* to = args_.copied;
  for (std::int64_t c = first; c < last; ++c) {
    const float* const x = args_.x + c * args_.channel_stride;
    for (int u = 0; u < cut_.down.r; ++u, to += direct_.width) {
      for (int r = 0; r < runs_; ++r) {
        const Run& run = list_[static_cast<std::size_t>(r)];
        const std::int64_t row = args_.rows[run.line + u];
        if (row == kernels::kNoOffset) {
          std::fill_n(to + run.begin, run.end - run.begin + cut_.across.r - 1, args_.outside);
        } else {
          copy_line(run, x + row, to + run.begin);
        }
      }
      const int read = columns_ + cut_.across.r - 1;
      std::fill(to + read, to + direct_.width, 0.0F);
    }
  }
}

void DirectSums::multiply(std::int64_t block) {
  const std::int64_t rows = cut_.direct_tiles->rows();
  const float* const weights = args_.weights + block * direct_.terms * rows;
  kernels::TileArgs args;
  args.b = args_.copied;
  args.sums = args_.sums;
  for (std::int64_t first = 0; first < direct_.terms; first += direct_.terms_at_once) {
    const std::int64_t end = std::min(direct_.terms, first + direct_.terms_at_once);
    const std::int64_t channel = first / cut_.taps();
    copy(channel, ceil_div(end, cut_.taps()));
    for (std::int64_t term = first; term < end; term += kernels::kChunk) {
      args.depth = std::min(kernels::kChunk, end - term);
      args.a = weights + term * rows;
      args.b_offsets = direct_.offsets.data() + (term - channel * cut_.taps());
      args.partial = term == 0 ? nullptr : args_.sums;
      tile_->shifted(args);
      if (args_.tally != nullptr) {
        args_.tally->multiply(args.depth * rows * tile_->cols);
        if (args.partial != nullptr) args_.tally->add(rows * tile_->cols);
      }
    }
  }
}

void DirectSums::store(kernels::RegionOutputs outputs) const {
  std::array<kernels::StoreRange, TilesOfRows::kMostColumns> runs;
  for (int r = 0; r < runs_; ++r) {
    const Run& run = list_[static_cast<std::size_t>(r)];
    runs[static_cast<std::size_t>(r)] = {
        run.line * outputs.line_stride + run.pixel * outputs.to.pixel_stride,
        run.line * outputs.residual_line_stride + run.pixel * outputs.to.residual_pixel_stride,
        run.begin, run.end};
  }
  outputs.to.ranges = {runs.data(), static_cast<std::size_t>(runs_)};
  tile_->store(args_.sums, tile_->rows, tile_->cols, outputs.epilogue, outputs.to);
}

}  // namespace plait::algorithm::winograd
