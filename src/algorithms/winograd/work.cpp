#include "algorithms/winograd/work.hpp"

#include <initializer_list>

#include "core/integers.hpp"

namespace plait::algorithm::winograd {
namespace {

// Calls f(count, tiles) for each size of region in an image. Regions at the ends are smaller.
template <class F>
void for_each_region(const Blocking& blocking, const F& f) {
  const kernels::Region& region = blocking.region;
  for (const Phases::Alike& down : blocking.down_phases.kinds()) {
    for (const Phases::Alike& across : blocking.across_phases.kinds()) {
      const std::int64_t phases = saturated_product({down.count, across.count});
      const std::int64_t tile_rows = ceil_div(down.outputs, blocking.down.m);
      const std::int64_t tile_cols = ceil_div(across.outputs, blocking.across.m);
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

Work work_of(const Problem& problem, const Blocking& blocking) {
  const kernels::WinogradKernels& kernels =
      kernels::winograd_kernels(blocking.target, blocking.down, blocking.across);
  const std::int64_t outputs = problem.c_o / problem.groups;
  const std::int64_t rows = blocking.tiles->rows();
  const std::int64_t parts = ceil_div(blocking.row_blocks, blocking.task_blocks);
  const std::int64_t last_rows = outputs - (blocking.row_blocks - 1) * rows;
  const std::int64_t last_channels = blocking.channels % blocking.channel_block;
  std::int64_t tiles = 0;  // in an image
  std::int64_t columns = 0;
  std::int64_t operations = 0;  // for a group of an image
  for_each_region(blocking, [&](std::int64_t times, std::int64_t of_region) {
    add(tiles, {times, of_region});
    blocking.tiles->split(of_region, [&](std::int64_t /*first*/, const kernels::Tile& tile) {
      add(columns, {times, tile.cols});
    });
    // Every part of the rows transforms the input again.
    add(operations, {times, parts, blocking.channels / blocking.channel_block,
                     operations_in(kernels, blocking.lanes, of_region, blocking.channel_block)});
    add(operations,
        {times, parts, operations_in(kernels, blocking.lanes, of_region, last_channels)});
    add(operations, {times, blocking.row_blocks - 1, operations_out(kernels, of_region, rows)});
    add(operations, {times, operations_out(kernels, of_region, last_rows)});
  });
  const std::int64_t groups = saturated_product({problem.n, problem.groups});
  return {saturated_product(
              {groups, blocking.row_blocks, rows, blocking.channels, blocking.points(), columns}),
          saturated_product({groups, outputs, blocking.channels, blocking.points(), tiles}),
          saturated_product({groups, operations})};
}

}  // namespace plait::algorithm::winograd
