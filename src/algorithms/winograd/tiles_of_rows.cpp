#include "algorithms/winograd/tiles_of_rows.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace plait::algorithm::winograd {

TilesOfRows::TilesOfRows(const kernels::TileSet& set, int rows) : rows_(rows) {
  for (const kernels::Tile& tile : set.tiles) {
    if (tile.rows != rows || tile.cols >= static_cast<int>(by_columns_.size())) continue;
    for (int columns = 0; columns <= tile.cols; ++columns) {
      const kernels::Tile*& slot = by_columns_[static_cast<std::size_t>(columns)];
      if (slot == nullptr || slot->cols > tile.cols) slot = &tile;
    }
    most_ = std::max(most_, tile.cols);
  }
}

std::span<const TilesOfRows> TilesOfRows::of(Target target) {
  static const auto all = [] {
    std::map<Target, std::vector<TilesOfRows>> sets;
    for (const Target each : {Target::emu128, Target::sse4, Target::avx2, Target::avx3}) {
      const kernels::TileSet& set = kernels::channel_tile_set(each);
      std::set<int, std::greater<>> rows;
      for (const kernels::Tile& tile : set.tiles) rows.insert(tile.rows);
      for (const int count : rows) sets[each].emplace_back(set, count);
    }
    return sets;
  }();
  return all.at(target);
}

}  // namespace plait::algorithm::winograd
