// The register tiles that the products of a blocking may use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/tile/tile.hpp"

namespace plait::algorithm::winograd {

// All register tiles with the same number of rows, by their columns.
class TilesOfRows {
 public:
  static constexpr int kMostColumns = 32;

  TilesOfRows(const kernels::TileSet& set, int rows);

  // One for each number of rows on a target, in descending order.
  static std::span<const TilesOfRows> of(Target target);

  int rows() const { return rows_; }
  int most_columns() const { return most_; }
  // The narrowest tile with at least so many columns, which must not exceed most_columns().
  const kernels::Tile& at_least(std::int64_t columns) const {
    return *by_columns_[static_cast<std::size_t>(columns)];
  }
  // Splits `count` columns into ranges of about equal width and calls f(first, tile) for each. The
  // last tile may extend beyond `count`.
  template <class F>
  void split(std::int64_t count, const F& f) const {
    const int end = static_cast<int>(count);  // 64-bit divisions take longer
    int first = 0;
    for (int ranges = (end + most_ - 1) / most_; first < end; --ranges) {
      const kernels::Tile& tile = at_least((end - first + ranges - 1) / ranges);
      f(first, tile);
      first += tile.cols;
    }
  }

 private:
  int rows_ = 0;
  int most_ = 0;
  std::array<const kernels::Tile*, kMostColumns + 1> by_columns_{};
};

}  // namespace plait::algorithm::winograd
