#include "algorithms/depthwise/pixel_blocking.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "algorithms/matmul/matmul.hpp"
#include "core/integers.hpp"
#include "core/machine/cycles.hpp"

namespace plait::algorithm::depthwise {
namespace {

using kernels::PixelTile;

constexpr std::int64_t kPointerFloats = 2;
static_assert(kPointerFloats * sizeof(float) >= sizeof(const float*));

class Chooser {
 public:
  Chooser(const Problem& problem, const Limits& limits, const Machine& machine)
      : problem_(problem),
        limits_(limits),
        machine_(machine),
        kernels_(kernels::pixel_kernels(machine.target)),
        h_o_(problem.h_o()),
        w_o_(problem.w_o()),
        reads_pixels_(problem.effective_x_strides()[1] == 1 && problem.c_o == problem.c_i) {}

  PixelBlocking best() const {
    PixelBlocking best;
    if (problem_.effective_y_strides()[1] != 1) return best;
    if (problem_.residual && problem_.effective_residual_strides()[1] != 1) return best;
    for (const PixelTile& tile : kernels_.tiles) {
      if (!suits(tile)) continue;
      if (limits_.tile_columns != 0 && tile.pixels != limits_.tile_columns) continue;
      for (const int threads : {1, limits_.threads}) {
        consider(tile, threads, best);
        if (limits_.threads == 1) break;
      }
    }
    return best;
  }

 private:
  bool suits(const PixelTile& tile) const {
    if (tile.lines > problem_.k_h || tile.lines > h_o_ || tile.pixels > w_o_) return false;
    if (tile.lines > 1 && problem_.stride.h != problem_.dilation.h) return false;
    if (tile.k_w == 0) return true;
    return problem_.k_w == tile.k_w && problem_.depth() <= kernels::kChunk &&
           problem_.stride.w == tile.stride * problem_.dilation.w && problem_.c_o >= kernels_.lanes;
  }

  // Tries copies that fill half of L1, a quarter of L2, and the least; of all, 64 or 16 channels.
  void consider(const PixelTile& tile, int threads, PixelBlocking& best) const {
    const std::int64_t all = round_up(problem_.c_o, kCacheLineFloats);
    for (const std::int64_t budget :
         {machine_.caches.l1_bytes / 2, machine_.caches.l2_bytes / 4, std::int64_t{1}}) {
      for (const std::int64_t channels :
           {all, std::min(all, 4 * kCacheLineFloats), kCacheLineFloats}) {
        PixelBlocking blocking = blocking_of(tile, budget, channels, threads);
        if (blocking.copy_floats > std::numeric_limits<std::int32_t>::max()) continue;
        if (blocking.workspace_bytes() > limits_.max_workspace_bytes) {
          if (blocking.weight_floats > 0 || blocking.thread_bytes() > kStackBytes) continue;
          blocking.on_stack = true;
        }
        if (!best.fits() || blocking.seconds() < best.seconds()) best = blocking;
        if (blocking.copy_floats == 0) return;
      }
    }
  }

  PixelBlocking blocking_of(const PixelTile& tile, std::int64_t budget, std::int64_t channels,
                            int threads) const {
    PixelBlocking blocking;
    find_tiles(tile, blocking);
    const std::int64_t fair = std::max<std::int64_t>(
        1, saturated_product({problem_.n, h_o_}) / (costs::kBlocksPerThread * threads));
    const std::int64_t blocks = ceil_div(h_o_, threads == 1 ? h_o_ : std::min(h_o_, fair));
    blocking.block_rows = std::min(h_o_, round_up(ceil_div(h_o_, blocks), tile.lines));
    blocking.threads = static_cast<int>(std::min<std::int64_t>(threads, blocks_of(blocking)));
    blocking.in_place = reads_pixels_;
    blocking.prefetch_output =
        operand_bytes(problem_) / blocking.threads > machine_.caches.l2_bytes;
    blocking.pointer_floats = round_up(window_rows_of(tile) * kPointerFloats, kCacheLineFloats);
    if (copies()) size_copies(tile, budget, channels, blocking);
    if (problem_.depth() > kernels::kChunk) blocking.chunk_floats = kernels::kMaxPlaneTile;
    if (!limits_.prepacked) {
      blocking.weight_floats = round_up(element_count(problem_.weight_shape()), kCacheLineFloats);
    }
    predict(blocking);
    return blocking;
  }

  bool copies() const { return !reads_pixels_ || problem_.padding != Padding(0); }

  // Copies for as many outputs of a row as the budget holds, at least for one tile.
  void size_copies(const PixelTile& tile, std::int64_t budget, std::int64_t channels,
                   PixelBlocking& blocking) const {
    const bool all = channels >= problem_.c_o;
    blocking.copied_channels = channels;
    blocking.column_floats = all ? channels : channels + kCacheLineFloats;
    blocking.copied_pixels = tile.pixels;
    const auto bytes = [&](std::int64_t pixels) {
      return saturated_product({window_rows_of(tile), PixelWindow(problem_, pixels, 1).columns,
                                blocking.column_floats, std::int64_t{sizeof(float)}});
    };
    while (blocking.copied_pixels < w_o_ && bytes(2 * blocking.copied_pixels) <= budget) {
      blocking.copied_pixels *= 2;
    }
    for (const PixelTile* other : blocking.tiles) {
      if (other == nullptr) continue;
      const std::int64_t columns =
          PixelWindow(problem_, blocking.copied_pixels_of(*other), 1).columns;
      blocking.copy_floats =
          std::max(blocking.copy_floats,
                   saturated_product({window_rows_of(*other), columns, blocking.column_floats}));
    }
  }

  std::int64_t window_rows_of(const PixelTile& tile) const { return tile.lines - 1 + problem_.k_h; }

  // Finds the fastest tile of at most r rows for each number r of rows left in a block.
  void find_tiles(const PixelTile& tile, PixelBlocking& blocking) const {
    blocking.tile_rows = tile.lines;
    for (int rows = 1; rows < tile.lines; ++rows) {
      const PixelTile*& slot = blocking.tiles[static_cast<std::size_t>(rows)];
      for (const PixelTile& other : kernels_.tiles) {
        if (other.lines > rows || !suits(other)) continue;
        if (slot == nullptr || output_cycles(other) < output_cycles(*slot)) slot = &other;
      }
    }
    blocking.tiles[static_cast<std::size_t>(tile.lines)] = &tile;
  }

  std::int64_t blocks_of(const PixelBlocking& blocking) const {
    return saturated_product({problem_.n, ceil_div(h_o_, blocking.block_rows)});
  }

  // Cycles of a tile for one vector of channels: those of the multiply-adds, or of the loads if
  // these take longer. Loads straddle two cache lines if c_o is no multiple of a line.
  double tile_cycles(const PixelTile& tile) const {
    const bool aligned = problem_.c_o % kCacheLineFloats == 0;
    const double per_load =
        aligned ? 1 : 1 + static_cast<double>(kernels_.lanes) / kCacheLineFloats;
    const auto k_w = static_cast<double>(problem_.k_w);
    const double taps = static_cast<double>(problem_.k_h) * k_w;
    const auto window_rows = static_cast<double>(window_rows_of(tile));
    const double columns =
        tile.k_w > 0 ? (tile.pixels - 1) * tile.stride + tile.k_w : k_w * tile.pixels;
    const double sums = tile.lines * tile.pixels;
    const double loads = (window_rows * columns + tile.lines * taps) * per_load;
    const double fmas_per_cycle = machine_.rates.vector_fmas_per_cycle;
    // Too few sums do not hide the latency of the multiply-adds behind each other.
    const double wait = std::max(1.0, costs::kMultiplyAddLatencyCycles * fmas_per_cycle / sums);
    const double row = costs::pixels::kLoopCyclesPerWindowRow * (tile.k_w > 0 ? 1 : 2);
    return std::max(sums * taps * wait, loads) / fmas_per_cycle +
           costs::pixels::kTileCyclesPerVector + costs::pixels::kStoreCyclesPerVector * sums +
           row * window_rows;
  }
  double output_cycles(const PixelTile& tile) const {
    const auto tiles = static_cast<double>(ceil_div(w_o_, tile.pixels));
    return tile_cycles(tile) * tiles / tile.lines;
  }

  void predict(PixelBlocking& blocking) const {
    const auto vectors = static_cast<double>(ceil_div(problem_.c_o, kernels_.lanes));
    const PixelTile& tile = *blocking.tiles[static_cast<std::size_t>(blocking.tile_rows)];
    const std::int64_t all = blocks_of(blocking);
    const double share =
        static_cast<double>(ceil_div(all, blocking.threads)) / static_cast<double>(all);
    const double rows = static_cast<double>(saturated_product({problem_.n, h_o_})) * share;
    const double cycle = 1e-9 / machine_.rates.ghz;
    const double tiles =
        static_cast<double>(ceil_div(w_o_, tile.pixels)) / tile.lines;  // per output row
    const double columns = copied_columns(blocking, tile);
    const double calls =
        1 +
        std::min(1.0, columns / static_cast<double>(w_o_)) *
            static_cast<double>(
                ceil_div(problem_.c_o, std::max<std::int64_t>(1, blocking.copied_channels)) - 1);
    blocking.product_seconds = rows * cycle * tiles *
                               (vectors * tile_cycles(tile) * copy_times(blocking, columns) +
                                calls * costs::pixels::kCallCyclesPerTile);
    double gather =
        columns * copied_rows(blocking) *
        (reads_pixels_ ? costs::pixels::kCopyCyclesPerVector * vectors
                       : costs::pixels::kGatherCyclesPerFloat * static_cast<double>(problem_.c_o));
    if (problem_.activation.kind > ActivationKind::hswish) {
      gather += costs::pixels::kDoubleCyclesPerOutput *
                static_cast<double>(saturated_product({w_o_, problem_.c_o}));
    }
    blocking.gather_seconds = rows * cycle * gather;
    if (blocking.weight_floats > 0) {
      blocking.gather_seconds += static_cast<double>(blocking.weight_floats) *
                                 costs::pixels::kGatherCyclesPerFloat * cycle;
    }
    blocking.thread_seconds = blocking.threads == 1 ? 0 : machine_.rates.fork_join_seconds;
  }

  // The time of the tiles, divided by that with copies that stay in L1.
  double copy_times(const PixelBlocking& blocking, double columns) const {
    const std::int64_t bytes = blocking.copy_floats * std::int64_t{sizeof(float)};
    if (bytes <= machine_.caches.l1_bytes / 2) return 1;
    const double copied = std::min(1.0, columns / static_cast<double>(w_o_));
    return 1 + copied * ((bytes <= machine_.caches.l2_bytes / 2 ? costs::pixels::kTimesFromL2
                                                                : costs::pixels::kTimesBeyondL2) -
                         1);
  }

  // Input rows that are copied for each output row. Rows that the output row before read stay.
  double copied_rows(const PixelBlocking& blocking) const {
    if (problem_.stride.h != problem_.dilation.h) return static_cast<double>(problem_.k_h);
    return 1 + static_cast<double>(problem_.k_h - 1) / static_cast<double>(blocking.block_rows);
  }

  // Input columns that are copied in each copied row, on average.
  double copied_columns(const PixelBlocking& blocking, const PixelTile& tile) const {
    if (!copies()) return 0;
    const auto columns = [&](std::int64_t pixels) {
      return static_cast<double>(PixelWindow(problem_, pixels, 1).columns);
    };
    const std::int64_t pixels_at_once = std::min(w_o_, blocking.copied_pixels_of(tile));
    const double whole =
        static_cast<double>(ceil_div(w_o_, pixels_at_once)) * columns(pixels_at_once);
    if (!blocking.in_place) return whole;
    const InnerPixels inner(problem_, tile.pixels);
    const std::int64_t ends = w_o_ - (inner.last - inner.first);
    const double inside = ends == 0 ? 0 : std::min(whole, columns(ends));
    const std::int64_t padded = saturated_sum(problem_.padding.top, problem_.padding.bottom);
    const double rows_outside =
        padded == 0 ? 0 : static_cast<double>(padded) + 2.0 * (tile.lines - 1);
    const double outside = std::min(1.0, rows_outside / static_cast<double>(h_o_));
    return outside * whole + (1 - outside) * inside;
  }

  const Problem& problem_;
  const Limits& limits_;
  const Machine& machine_;
  const kernels::PixelKernels& kernels_;
  std::int64_t h_o_, w_o_;
  bool reads_pixels_;  // x has the channels of a pixel side by side, as tiles read them
};

}  // namespace

PixelWindow::PixelWindow(const Problem& problem) {
  const Dims strides = problem.effective_x_strides();
  pixel_stride = problem.stride.w * strides[3];
  tap_stride = problem.dilation.w * strides[3];
}

PixelWindow::PixelWindow(const Problem& problem, std::int64_t pixels, std::int64_t channels) {
  step = std::gcd(problem.stride.w, problem.dilation.w);
  const std::int64_t pixel = problem.stride.w / step;
  const std::int64_t tap = problem.dilation.w / step;
  const std::int64_t dense = saturated_sum(saturated_sum(saturated_product({pixels - 1, pixel}),
                                                         saturated_product({problem.k_w - 1, tap})),
                                           1);
  columns = saturated_product({pixels, problem.k_w});
  by_tap = columns < dense;
  if (!by_tap) columns = dense;
  pixel_stride = saturated_product({by_tap ? 1 : pixel, channels});
  tap_stride = saturated_product({by_tap ? pixels : tap, channels});
}

InnerPixels::InnerPixels(const Problem& problem, std::int64_t tile_pixels) {
  const std::int64_t step = problem.stride.w;
  const std::int64_t w_o = problem.w_o();
  const std::int64_t extent = saturated_product({problem.k_w - 1, problem.dilation.w});
  // Output j reads columns j * step - left to j * step - left + extent.
  const std::int64_t last_start = problem.w - 1 - extent + problem.padding.left;
  const std::int64_t inside = last_start < 0 ? 0 : std::min(w_o, last_start / step + 1);
  first = round_up(ceil_div(problem.padding.left, step), tile_pixels);
  last = inside == w_o ? w_o : inside / tile_pixels * tile_pixels;
  if (last - first < tile_pixels) first = last = 0;
}

std::size_t PixelBlocking::thread_bytes() const {
  return static_cast<std::size_t>(
      saturated_product({saturated_sum(copy_floats, saturated_sum(chunk_floats, pointer_floats)),
                         std::int64_t{sizeof(float)}}));
}

std::size_t PixelBlocking::workspace_bytes() const {
  if (on_stack) return 0;
  return static_cast<std::size_t>(weight_floats) * sizeof(float) +
         thread_bytes() * static_cast<std::size_t>(threads);
}

// A tile, copied or not, starts at a multiple of its pixels or so many before the end of a row.
std::int64_t products_of(const PixelBlocking& blocking, const Problem& problem,
                         std::int64_t lanes) {
  const std::int64_t h_o = problem.h_o();
  const auto outputs = [&](std::int64_t rows) {
    std::int64_t sum = 0;
    while (rows > 0) {
      const PixelTile& tile = blocking.tile(rows);
      const std::int64_t times = rows / tile.lines;
      rows -= times * tile.lines;
      sum = saturated_sum(
          sum, saturated_product({times, tile.lines, round_up(problem.w_o(), tile.pixels)}));
    }
    return sum;
  };
  const std::int64_t in_all =
      saturated_sum(saturated_product({h_o / blocking.block_rows, outputs(blocking.block_rows)}),
                    outputs(h_o % blocking.block_rows));
  return saturated_product({problem.n, in_all, round_up(problem.c_o, lanes), problem.depth()});
}

PixelBlocking choose_pixel_blocking(const Problem& problem, const Limits& limits,
                                    const Machine& machine) {
  return Chooser(problem, limits, machine).best();
}

}  // namespace plait::algorithm::depthwise
