#include "algorithms/winograd/direct.hpp"

#include <algorithm>

namespace plait::rooms::winograd {

DirectSums::DirectSums(const Cut& cut, const DirectArgs& args)
    : cut_(cut),
      args_(args),
      terms_(cut.channels * cut.taps()),
      most_columns_(cut.tiles->most_columns()) {
  const std::int64_t least_terms = std::min(terms_, kernels::kChunk);
  const auto fits = [&](int columns) {
    const std::int64_t width = cut.tiles->at_least(columns).cols;
    return width * cut.tiles->rows() <= args_.sums_floats &&
           width * least_terms <= args_.columns_floats;
  };
  while (most_columns_ > 1 && !fits(most_columns_)) --most_columns_;
  const std::int64_t rows_of_terms = args_.columns_floats / cut.tiles->at_least(most_columns_).cols;
  most_terms_ =
      terms_ <= rows_of_terms ? terms_ : rows_of_terms / kernels::kChunk * kernels::kChunk;
}

std::int64_t DirectSums::add_run(std::int64_t line, std::int64_t pixel) {
  const kernels::TileMark* const marks = args_.marks + line / cut_.down.m * args_.region.tile_cols;
  const auto marked = [&](std::int64_t at) {
    return marks[at / cut_.across.m] == kernels::kDirectTile;
  };
  if (!marked(pixel)) return (pixel / cut_.across.m + 1) * cut_.across.m;
  std::int64_t end = pixel;
  const std::int64_t last = std::min(args_.width, pixel + most_columns_ - columns_);
  while (end < last && marked(end)) ++end;
  const int columns = columns_ + static_cast<int>(end - pixel);
  list_[static_cast<std::size_t>(runs_++)] = {line, pixel, columns_, columns};
  columns_ = columns;
  return end;
}

void DirectSums::gather(std::int64_t first, std::int64_t count) {
  if (gathered_ == first) return;
  gathered_ = first;
  const std::int64_t width = tile_->cols;
  const std::int64_t taps = cut_.taps();
  for (std::int64_t term = first; term < first + count; ++term) {
    const std::int64_t channel = term / taps;
    const std::int64_t u = term % taps / cut_.across.r;
    const std::int64_t v = term % taps % cut_.across.r;
    const float* const x = args_.x + channel * args_.channel_stride;
    float* const to = args_.columns_of_terms + (term - first) * width;
    for (int r = 0; r < runs_; ++r) {
      const Run& run = list_[static_cast<std::size_t>(r)];
      const std::int64_t row = args_.rows[run.line + u];
      const std::int64_t* const columns = args_.columns + run.pixel + v;
      const int length = run.end - run.begin;
      const std::int64_t from = columns[0];
      const std::int64_t back = columns[length - 1];
      if (row == kernels::kNoOffset) {
        std::fill(to + run.begin, to + run.end, args_.outside);
      } else if (args_.pixel_stride == 1 && from != kernels::kNoOffset &&
                 back != kernels::kNoOffset && back - from == length - 1) {
        std::copy(x + row + from, x + row + from + length, to + run.begin);
      } else {
        for (int i = 0; i < length; ++i) {
          to[run.begin + i] =
              columns[i] == kernels::kNoOffset ? args_.outside : x[row + columns[i]];
        }
      }
    }
    std::fill(to + columns_, to + width, 0.0F);
  }
}

void DirectSums::multiply(std::int64_t block) {
  const std::int64_t rows = cut_.tiles->rows();
  const float* const weights = args_.weights + block * terms_ * rows;
  kernels::TileArgs args;
  args.b_stride = tile_->cols;
  args.sums = args_.sums;
  for (std::int64_t first = 0; first < terms_; first += most_terms_) {
    const std::int64_t count = std::min(most_terms_, terms_ - first);
    gather(first, count);
    for (std::int64_t term = first; term < first + count; term += kernels::kChunk) {
      args.depth = std::min(kernels::kChunk, first + count - term);
      args.a = weights + term * rows;
      args.b = args_.columns_of_terms + (term - first) * args.b_stride;
      args.partial = term == 0 ? nullptr : args_.sums;
      tile_->packed(args);
      if (args_.tally != nullptr) {
        args_.tally->multiply(args.depth * rows * tile_->cols);
        if (args.partial != nullptr) args_.tally->add(rows * tile_->cols);
      }
    }
  }
}

void DirectSums::store(DirectOutputs outputs) const {
  std::array<kernels::StoreRun, TilesOfRows::kMostColumns> runs;
  for (int r = 0; r < runs_; ++r) {
    const Run& run = list_[static_cast<std::size_t>(r)];
    runs[static_cast<std::size_t>(r)] = {
        run.line * outputs.line_stride + run.pixel * outputs.to.pixel_stride,
        run.line * outputs.residual_line_stride + run.pixel * outputs.to.residual_pixel_stride,
        run.begin, run.end};
  }
  outputs.to.runs = {runs.data(), static_cast<std::size_t>(runs_)};
  tile_->finish(args_.sums, tile_->rows, tile_->cols, outputs.epilogue, outputs.to);
}

}  // namespace plait::rooms::winograd
