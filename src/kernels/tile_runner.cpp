#include "kernels/tile_runner.hpp"

#include <algorithm>

namespace plait::kernels {

TileRunner::TileRunner(const Tile& tile, TileFunction function, const ProductOutput& output,
                       std::int64_t columns, std::int64_t depth)
    : tile_(tile),
      function_(function),
      output_(output),
      depth_(depth),
      lines_join_(output.pitch == output.width &&
                  (output.line_stride == output.width || columns <= output.width)) {}

void TileRunner::run(const TileArgs& operands, const Epilogue& epilogue, float* y,
                     const TilePlace& place, std::int64_t k, std::int64_t k_end,
                     LoopTally* tally) const {
  TileArgs tile = operands;
  alignas(64) std::array<float, kMaxTile> buffer;
  std::array<const float*, kMaxRows> a_rows;
  if (tile.a_rows != nullptr) {
    std::copy(tile.a_rows, tile.a_rows + tile_.rows, a_rows.begin());
    tile.a_rows = a_rows.data();
  }
  float* const tile_y = direct_address(y, place);
  const bool direct = tile_y != nullptr;
  if (k > 0) {
    if (!direct) gather(y, place, buffer.data());
    tile.partial = direct ? tile_y : buffer.data();
    tile.partial_stride = direct ? output_.row_stride : tile_.cols;
  }
  for (std::int64_t chunk = k; chunk < k_end; chunk += kChunk) {
    tile.depth = std::min(kChunk, k_end - chunk);
    const bool to_y = direct && chunk + tile.depth == k_end;
    tile.out = to_y ? tile_y : buffer.data();
    tile.out_stride = to_y ? output_.row_stride : tile_.cols;
    tile.epilogue = chunk + tile.depth == depth_ ? &epilogue : nullptr;
    function_(tile);
    if (tally != nullptr) {
      tally->round(kChunkLevel, (chunk - k) / kChunk, tile.depth < kChunk);
      tally->multiply(tile.depth * tile_.rows * tile_.cols);
    }
    tile.partial = buffer.data();
    tile.partial_stride = tile_.cols;
    if (tile.a != nullptr) tile.a += kChunk * tile_.rows;
    if (tile.a_rows != nullptr) {
      for (int r = 0; r < tile_.rows; ++r) a_rows[static_cast<std::size_t>(r)] += kChunk;
    }
    tile.b += kChunk * tile.b_stride;
    if (tile.b_offsets != nullptr) tile.b_offsets += kChunk;
  }
  if (!direct) scatter(y, place, buffer.data());
}

// Where the tile can be stored as it is: full, and its columns side by side in y. Else null.
float* TileRunner::direct_address(float* y, const TilePlace& place) const {
  if (output_.pixel_stride != 1 || place.rows != tile_.rows || place.columns != tile_.cols) {
    return nullptr;
  }
  float* const row = y + place.row * output_.row_stride;
  if (lines_join_) return row + place.column;
  const std::int64_t pixel = place.column % output_.pitch;
  if (pixel + place.columns > output_.width) return nullptr;
  return row + place.column / output_.pitch * output_.line_stride + pixel;
}

// Calls visit(offset in y, offset in the tile buffer, count) for the runs of pixels of a tile: side
// by side in one line of one row.
template <class Visit>
void TileRunner::for_each_run(const TilePlace& place, Visit visit) const {
  std::int64_t line = place.column / output_.pitch;
  std::int64_t pixel = place.column % output_.pitch;
  for (std::int64_t j = 0; j < place.columns; ++line, pixel = 0) {
    const std::int64_t columns = std::min(place.columns - j, output_.pitch - pixel);
    const std::int64_t count = std::min(columns, output_.width - pixel);
    const std::int64_t offset = line * output_.line_stride + pixel * output_.pixel_stride;
    for (std::int64_t r = 0; count > 0 && r < place.rows; ++r) {
      visit((place.row + r) * output_.row_stride + offset, r * tile_.cols + j, count);
    }
    j += columns;
  }
}

void TileRunner::gather(const float* y, const TilePlace& place, float* buffer) const {
  std::fill_n(buffer, tile_.rows * tile_.cols, 0.0F);
  const std::int64_t stride = output_.pixel_stride;
  for_each_run(place, [&](std::int64_t from, std::int64_t to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) buffer[to + i] = y[from + i * stride];
  });
}

void TileRunner::scatter(float* y, const TilePlace& place, const float* buffer) const {
  const std::int64_t stride = output_.pixel_stride;
  for_each_run(place, [&](std::int64_t to, std::int64_t from, std::int64_t count) {
    if (stride == 1) {
      std::copy(buffer + from, buffer + from + count, y + to);
      return;
    }
    for (std::int64_t i = 0; i < count; ++i) y[to + i * stride] = buffer[from + i];
  });
}

}  // namespace plait::kernels
