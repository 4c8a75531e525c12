#include "kernels/tile/tile_runner.hpp"

#include <algorithm>

#include "kernels/simd/prefetch.hpp"

namespace plait::kernels {
namespace {

bool lines_join(const ProductOutput& output, const ProductOutput::Strides& strides) {
  return strides.line == output.width * strides.pixel;
}

}  // namespace

TileRunner::TileRunner(const Tile& tile, TileFunction function, const ProductOutput& output,
                       std::int64_t columns, std::int64_t depth)
    : tile_(tile),
      function_(function),
      output_(output),
      depth_(depth),
      lines_join_(output.pitch == output.width &&
                  (columns <= output.width || (lines_join(output, output.strides) &&
                                               lines_join(output, output.residual_strides)))) {}

void TileRunner::run(const TileArgs& operands, const Epilogue& epilogue, const UnitOutput& unit,
                     const TilePlace& place, std::int64_t k, std::int64_t k_end, float* kept,
                     LoopTally* tally) const {
  alignas(64) std::array<float, kMaxTile> here;
  float* const sums = kept != nullptr ? kept : here.data();
  std::array<const float*, kMaxPixelRows> a_rows;
  Runs runs;
  const Destination to = destination(unit, place, runs);
  TileArgs tile = operands;
  tile.epilogue = &epilogue;
  tile.to = &to;
  if (tile.a_rows != nullptr) {
    std::copy(tile.a_rows, tile.a_rows + tile_.rows, a_rows.begin());
    tile.a_rows = a_rows.data();
  }
  if (k > 0) {
    if (kept == nullptr) gather(to, sums);
    tile.partial = sums;
  }
  // What lies in y as in the lanes is stored from the registers.
  const bool lanes_lie_side_by_side =
      (tile_.lanes_are_channels ? output_.strides.row : output_.strides.pixel) == 1;
  const bool stores = k_end == depth_ && lanes_lie_side_by_side && epilogue.is_simple();
  if (k_end == depth_) prefetch(to);
  for (std::int64_t chunk = k; chunk < k_end; chunk += kChunk) {
    tile.depth = std::min(kChunk, k_end - chunk);
    tile.sums = stores && chunk + tile.depth == k_end ? nullptr : sums;
    function_(tile);
    if (tally != nullptr) {
      tally->round(kChunkLevel, (chunk - k) / kChunk, tile.depth < kChunk);
      tally->multiply(tile.depth * tile_.rows * tile_.cols);
      if (tile.partial != nullptr) tally->add(std::int64_t{tile_.rows} * tile_.cols);
    }
    tile.partial = sums;
    if (tile.a != nullptr) tile.a += kChunk * tile_.rows;
    if (tile.a_rows != nullptr) {
      for (int r = 0; r < tile_.rows; ++r) a_rows[static_cast<std::size_t>(r)] += kChunk;
    }
    tile.b += kChunk * tile.b_stride;
    if (tile.ahead != nullptr) tile.ahead += kChunk * tile.b_stride;
    if (tile.b_offsets != nullptr) tile.b_offsets += kChunk;
  }
  if (stores || (kept != nullptr && k_end < depth_)) return;
  tile_.finish(sums, tile_.rows, tile_.cols, k_end == depth_ ? epilogue : Epilogue{}, to);
}

// Asks for the lines of y that the tile will store, to own them by then: a store that misses costs
// as much as a load. 1x1 layers with 64 channels at 56 px take 0.91 to 0.93 of the time for it,
// other layers up to 1 % less [Emerald Rapids VM, one thread, y in L3, 2026-11-26].
void TileRunner::prefetch(const Destination& to) const {
  if (output_.strides.pixel != 1) return;
  constexpr int kLineFloats = 16;
  for (const StoreRun& run : to.runs) {
    for (int r = 0; r < to.rows; ++r) {
      const float* line = to.y + r * to.row_stride + run.offset;
      for (int i = 0; i < run.end - run.begin; i += kLineFloats) prefetch_to_write(line + i);
    }
  }
}

Destination TileRunner::destination(const UnitOutput& unit, const TilePlace& place,
                                    Runs& runs) const {
  const ProductOutput::Strides& strides = output_.strides;
  Destination to;
  to.y = unit.y + place.row * strides.row;
  to.row_stride = strides.row;
  to.pixel_stride = strides.pixel;
  to.rows = static_cast<int>(place.rows);
  to.runs = runs_of(place, runs);
  to.streams = output_.streams;
  if (unit.residual != nullptr) {
    to.residual = unit.residual + place.row * output_.residual_strides.row;
    to.residual_row_stride = output_.residual_strides.row;
    to.residual_pixel_stride = output_.residual_strides.pixel;
  }
  return to;
}

// The runs of pixels of a tile: side by side in one line.
std::span<const StoreRun> TileRunner::runs_of(const TilePlace& place, Runs& runs) const {
  const ProductOutput::Strides& y = output_.strides;
  const ProductOutput::Strides& residual = output_.residual_strides;
  if (lines_join_) {
    runs[0] = {place.column * y.pixel, place.column * residual.pixel, 0,
               static_cast<int>(place.columns)};
    return {runs.data(), 1};
  }
  std::size_t count = 0;
  std::int64_t line = place.column / output_.pitch;
  std::int64_t pixel = place.column % output_.pitch;
  for (std::int64_t j = 0; j < place.columns; ++line) {
    const std::int64_t columns = std::min(place.columns - j, output_.pitch - pixel);
    const std::int64_t pixels = std::min(columns, output_.width - pixel);
    if (pixels > 0) {
      runs[count++] = {line * y.line + pixel * y.pixel,
                       line * residual.line + pixel * residual.pixel, static_cast<int>(j),
                       static_cast<int>(j + pixels)};
    }
    j += columns;
    pixel = 0;
  }
  return {runs.data(), count};
}

void TileRunner::gather(const Destination& from, float* sums) const {
  std::fill_n(sums, tile_.rows * tile_.cols, 0.0F);
  for (const StoreRun& run : from.runs) {
    for (int r = 0; r < from.rows; ++r) {
      const float* line = from.y + r * from.row_stride + run.offset;
      for (int j = run.begin; j < run.end; ++j, line += from.pixel_stride) {
        sums[r * tile_.row_step() + j * tile_.col_step()] = *line;
      }
    }
  }
}

}  // namespace plait::kernels
