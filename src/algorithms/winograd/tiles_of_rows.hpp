// The register tiles that the products of a cut may take.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/tile/tile.hpp"

namespace plait::algorithm::winograd {

// Register tiles of one number of rows, by their columns.
class TilesOfRows {
 public:
  static constexpr int kMostColumns = 32;

  TilesOfRows(const kernels::TileSet& set, int rows);

  // All there are of a target, the most rows first.
  static std::span<const TilesOfRows> of(Target target);

  int rows() const { return rows_; }
  int most_columns() const { return most_; }
  // The narrowest one of at least so many columns, of at most most_columns().
  const kernels::Tile& at_least(std::int64_t columns) const {
    return *by_columns_[static_cast<std::size_t>(columns)];
  }
  // Cuts `tiles` columns into pieces of as equal width as can be, the last of which may reach
  // beyond; calls piece(first, tile).
  template <class Piece>
  void cut(std::int64_t tiles, const Piece& piece) const {
    const int end = static_cast<int>(tiles);  // divisions of 64 bits take longer
    int first = 0;
    for (int pieces = (end + most_ - 1) / most_; first < end; --pieces) {
      const kernels::Tile& tile = at_least((end - first + pieces - 1) / pieces);
      piece(first, tile);
      first += tile.cols;
    }
  }

 private:
  int rows_ = 0;
  int most_ = 0;
  std::array<const kernels::Tile*, kMostColumns + 1> by_columns_{};
};

}  // namespace plait::algorithm::winograd
