#include "algorithms/winograd/direct_sums.hpp"
#include "core/integers.hpp"

#include <algorithm>
#include <cstring>

namespace plait::algorithm::winograd {
namespace {

// Copies a few floats without memmove, whose call would take as long as the products with them.
void copy_pixels(const float* from, int count, float* to) {
  int i = 0;
  for (; i + 4 <= count; i += 4) std::memcpy(to + i, from + i, 4 * sizeof(float));
  for (; i < count; ++i) to[i] = from[i];
}

}  // namespace

DirectBlocking::DirectBlocking(const Blocking& blocking)
    : terms(blocking.channels * blocking.taps()), columns(blocking.direct_tiles->most_columns()) {
  const std::int64_t rows = blocking.direct_tiles->rows();
  const std::int64_t copied_floats = blocking.points() * blocking.v_plane;
  const std::int64_t sums_floats = blocking.points() * blocking.m_plane;
  std::int64_t channels = 0;  // in one copy
  for (;; --columns) {
    const std::int64_t tile = blocking.direct_tiles->at_least(columns).cols;
    width = tile + blocking.across.r - 1;
    channels = copied_floats / (blocking.down.r * width);
    const bool fits = channels >= std::min(blocking.channels, channels_of_chunk(blocking));
    if (columns == 1 || (fits && tile * rows <= sums_floats)) break;
  }
  terms_at_once = terms;
  if (channels < blocking.channels) {  // a part of the first and of the last may be missing
    terms_at_once = (channels - 2) * blocking.taps() / kernels::kChunk * kernels::kChunk;
  }
  for (std::int64_t c = 0; c < std::min(channels, blocking.channels); ++c) {
    for (int u = 0; u < blocking.down.r; ++u) {
      for (int v = 0; v < blocking.across.r; ++v) {
        offsets.push_back(static_cast<std::int32_t>((c * blocking.down.r + u) * width + v));
      }
    }
  }
}

std::int64_t DirectBlocking::channels_of_chunk(const Blocking& blocking) {
  return ceil_div(kernels::kChunk, blocking.taps()) + 2;
}

// Neighbouring columns are at most one stride apart, and closer or in reverse where padding repeats
// them. If the first and the last column inside are as far apart as possible, none is repeated.
DirectSums::Inside DirectSums::inside(std::int64_t pixel, std::int64_t end) const {
  const std::int64_t* const columns = args_.columns + pixel;
  const auto count = static_cast<int>(end - pixel + blocking_.across.r - 1);
  Inside inside{0, count, false};
  while (inside.begin < count && columns[inside.begin] == kernels::kNoOffset) ++inside.begin;
  while (inside.end > inside.begin && columns[inside.end - 1] == kernels::kNoOffset) --inside.end;
  inside.side_by_side =
      inside.begin == inside.end ||
      (args_.pixel_stride == 1 &&
       columns[inside.end - 1] - columns[inside.begin] == inside.end - 1 - inside.begin);
  return inside;
}

std::int64_t DirectSums::add_range(std::int64_t row, std::int64_t pixel) {
  const kernels::TileMark* const marks =
      args_.marks + row / blocking_.down.m * args_.region.tile_cols;
  const auto marked = [&](std::int64_t at) {
    return marks[at / blocking_.across.m] == kernels::kDirectTile;
  };
  if (!marked(pixel)) return (pixel / blocking_.across.m + 1) * blocking_.across.m;
  const int begin = ranges_ == 0 ? 0 : columns_ + blocking_.across.r - 1;
  const std::int64_t last = std::min(args_.width, pixel + direct_.columns - begin);
  std::int64_t end = pixel;
  while (end < last && marked(end)) ++end;
  columns_ = begin + static_cast<int>(end - pixel);
  list_[static_cast<std::size_t>(ranges_++)] = {row, pixel, begin, columns_, inside(pixel, end)};
  return end;
}

void DirectSums::copy_row(const Range& range, const float* from, float* to) const {
  const std::int64_t* const columns = args_.columns + range.pixel;
  const auto [begin, end, side_by_side] = range.inside;
  const int count = range.end - range.begin + blocking_.across.r - 1;
  std::fill_n(to, begin, args_.outside);
  if (side_by_side) {
    if (begin < end) copy_pixels(from + columns[begin], end - begin, to + begin);
  } else {
    for (int j = begin; j < end; ++j) {
      to[j] = columns[j] == kernels::kNoOffset ? args_.outside : from[columns[j]];
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
    for (int u = 0; u < blocking_.down.r; ++u, to += direct_.width) {
      for (int r = 0; r < ranges_; ++r) {
        const Range& range = list_[static_cast<std::size_t>(r)];
        const std::int64_t offset = args_.rows[range.row + u];
        if (offset == kernels::kNoOffset) {
          std::fill_n(to + range.begin, range.end - range.begin + blocking_.across.r - 1,
                      args_.outside);
        } else {
          copy_row(range, x + offset, to + range.begin);
        }
      }
      const int read = columns_ + blocking_.across.r - 1;
      std::fill(to + read, to + direct_.width, 0.0F);
    }
  }
}

void DirectSums::multiply(std::int64_t block) {
  const std::int64_t rows = blocking_.direct_tiles->rows();
  const float* const weights = args_.weights + block * direct_.terms * rows;
  kernels::TileArgs args;
  args.b = args_.copied;
  args.sums = args_.sums;
  for (std::int64_t first = 0; first < direct_.terms; first += direct_.terms_at_once) {
    const std::int64_t end = std::min(direct_.terms, first + direct_.terms_at_once);
    const std::int64_t channel = first / blocking_.taps();
    copy(channel, ceil_div(end, blocking_.taps()));
    for (std::int64_t term = first; term < end; term += kernels::kChunk) {
      args.depth = std::min(kernels::kChunk, end - term);
      args.a = weights + term * rows;
      args.b_offsets = direct_.offsets.data() + (term - channel * blocking_.taps());
      args.partial = term == 0 ? nullptr : args_.sums;
      tile_->shifted(args);
      if (args_.counters != nullptr) {
        args_.counters->multiply(args.depth * rows * tile_->cols);
        if (args.partial != nullptr) args_.counters->add(rows * tile_->cols);
      }
    }
  }
}

void DirectSums::store(kernels::RegionOutputs outputs) const {
  std::array<kernels::StoreRange, TilesOfRows::kMostColumns> ranges;
  for (int r = 0; r < ranges_; ++r) {
    const Range& range = list_[static_cast<std::size_t>(r)];
    ranges[static_cast<std::size_t>(r)] = {
        range.row * outputs.line_stride + range.pixel * outputs.to.pixel_stride,
        range.row * outputs.residual_line_stride + range.pixel * outputs.to.residual_pixel_stride,
        range.begin, range.end};
  }
  outputs.to.ranges = {ranges.data(), static_cast<std::size_t>(ranges_)};
  tile_->store(args_.sums, tile_->rows, tile_->cols, outputs.epilogue, outputs.to);
}

}  // namespace plait::algorithm::winograd
