#include "algorithms/winograd/work.hpp"

#include <initializer_list>

#include "core/integers.hpp"

namespace plait::algorithm::winograd {
namespace {

// Calls f(count, tiles) for the sizes of an image's regions: those at the ends are smaller.
template <class F>
void for_each_region(const Cut& cut, const F& f) {
  const kernels::Region& region = cut.region;
  for (const Phases::Alike& lines : cut.lines.kinds()) {
    for (const Phases::Alike& columns : cut.columns.kinds()) {
      const std::int64_t phases = saturated_product({lines.count, columns.count});
      const std::int64_t tile_rows = ceil_div(lines.outputs, cut.down.m);
      const std::int64_t tile_cols = ceil_div(columns.outputs, cut.across.m);
      const std::int64_t rows = tile_rows / region.tile_rows;
      const std::int64_t rows_left = tile_rows % region.tile_rows;
      const std::int64_t cols = tile_cols / region.tile_cols;
      const std::int64_t cols_left = tile_cols % region.tile_cols;
      f(saturated_product({phases, rows, cols}), region.tiles());
      f(saturated_product({phases, rows}), region.tile_rows * cols_left);
      f(saturated_product({phases, cols}), rows_left * region.tile_cols);
      f(phases, rows_left * cols_left);
    }
  }
}

void add(std::int64_t& sum, std::initializer_list<std::int64_t> factors) {
  sum = saturated_sum(sum, saturated_product(factors));
}

}  // namespace

std::int64_t operations_in(const kernels::WinogradKernels& kernels, Lanes lanes, std::int64_t tiles,
                           std::int64_t channels) {
  return lanes == Lanes::tiles
             ? saturated_product({kernels.operations_in, round_up(tiles, kernels.lanes), channels})
             : saturated_product({kernels.operations_in, tiles, round_up(channels, kernels.lanes)});
}

std::int64_t operations_out(const kernels::WinogradKernels& kernels, std::int64_t tiles,
                            std::int64_t channels) {
  return saturated_product({kernels.operations_out, tiles, round_up(channels, kernels.lanes)});
}

Work work_of(const Problem& problem, const Cut& cut) {
  const kernels::WinogradKernels& kernels =
      kernels::winograd_kernels(cut.target, cut.down, cut.across);
  const std::int64_t outputs = problem.c_o / problem.groups;
  const std::int64_t rows = cut.tiles->rows();
  const std::int64_t parts = ceil_div(cut.row_blocks, cut.task_blocks);
  const std::int64_t last_rows = outputs - (cut.row_blocks - 1) * rows;
  const std::int64_t last_channels = cut.channels % cut.channel_block;
  std::int64_t tiles = 0;  // of an image
  std::int64_t columns = 0;
  std::int64_t operations = 0;  // of a group of an image
  for_each_region(cut, [&](std::int64_t times, std::int64_t of_region) {
    add(tiles, {times, of_region});
    cut.tiles->cut(of_region, [&](std::int64_t /*first*/, const kernels::Tile& tile) {
      add(columns, {times, tile.cols});
    });
    // Every part of the rows transforms its input anew.
    add(operations, {times, parts, cut.channels / cut.channel_block,
                     operations_in(kernels, cut.lanes, of_region, cut.channel_block)});
    add(operations, {times, parts, operations_in(kernels, cut.lanes, of_region, last_channels)});
    add(operations, {times, cut.row_blocks - 1, operations_out(kernels, of_region, rows)});
    add(operations, {times, operations_out(kernels, of_region, last_rows)});
  });
  const std::int64_t groups = saturated_product({problem.n, problem.groups});
  return {saturated_product({groups, cut.row_blocks, rows, cut.channels, cut.points(), columns}),
          saturated_product({groups, outputs, cut.channels, cut.points(), tiles}),
          saturated_product({groups, operations})};
}

}  // namespace plait::algorithm::winograd
