#include "algorithms/depthwise/pixel_cut.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "algorithms/depthwise/cut.hpp"
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

  PixelCut best() const {
    PixelCut best;
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

  // Copies in a part of L1, of L2, or of as little as there is; of all channels, some, or a vector.
  void consider(const PixelTile& tile, int threads, PixelCut& best) const {
    const std::int64_t all = round_up(problem_.c_o, kCacheLineFloats);
    for (const std::int64_t budget :
         {machine_.caches.l1_bytes / 2, machine_.caches.l2_bytes / 4, std::int64_t{1}}) {
      for (const std::int64_t channels :
           {all, std::min(all, 4 * kCacheLineFloats), kCacheLineFloats}) {
        PixelCut cut = cut_up(tile, budget, channels, threads);
        if (cut.copy_floats > std::numeric_limits<std::int32_t>::max()) continue;
        if (cut.workspace_bytes() > limits_.max_workspace_bytes) {
          if (cut.weight_floats > 0 || cut.thread_bytes() > kStackBytes) continue;
          cut.on_stack = true;
        }
        if (!best.fits() || cut.seconds() < best.seconds()) best = cut;
        if (cut.copy_floats == 0) return;
      }
    }
  }

  PixelCut cut_up(const PixelTile& tile, std::int64_t budget, std::int64_t channels,
                  int threads) const {
    PixelCut cut;
    find_tiles(tile, cut);
    const std::int64_t fair = std::max<std::int64_t>(
        1, saturated_product({problem_.n, h_o_}) / (costs::kBlocksPerThread * threads));
    const std::int64_t blocks = ceil_div(h_o_, threads == 1 ? h_o_ : std::min(h_o_, fair));
    cut.block_lines = std::min(h_o_, round_up(ceil_div(h_o_, blocks), tile.lines));
    cut.threads = static_cast<int>(std::min<std::int64_t>(threads, blocks_of(cut)));
    cut.in_place = reads_pixels_;
    cut.asks_early = operand_bytes(problem_) / cut.threads > machine_.caches.l2_bytes;
    cut.row_floats = round_up(rows_of(tile) * kPointerFloats, kCacheLineFloats);
    if (copies()) size_copies(tile, budget, channels, cut);
    if (problem_.depth() > kernels::kChunk) cut.chunk_floats = kernels::kMaxPlaneTile;
    if (!limits_.prepacked) {
      cut.weight_floats = round_up(element_count(problem_.weight_shape()), kCacheLineFloats);
    }
    predict(cut);
    return cut;
  }

  bool copies() const { return !reads_pixels_ || problem_.padding != Padding(0); }

  // As many outputs of a line as fit, but a tile's.
  void size_copies(const PixelTile& tile, std::int64_t budget, std::int64_t channels,
                   PixelCut& cut) const {
    const bool all = channels >= problem_.c_o;
    cut.copied_channels = channels;
    cut.column_floats = all ? channels : channels + kCacheLineFloats;
    cut.segment_pixels = tile.pixels;
    const auto bytes = [&](std::int64_t pixels) {
      return saturated_product({rows_of(tile), PixelWindow(problem_, pixels, 1).columns,
                                cut.column_floats, std::int64_t{sizeof(float)}});
    };
    while (cut.segment_pixels < w_o_ && bytes(2 * cut.segment_pixels) <= budget) {
      cut.segment_pixels *= 2;
    }
    for (const PixelTile* other : cut.tiles) {
      if (other == nullptr) continue;
      const std::int64_t columns = PixelWindow(problem_, cut.segment_of(*other), 1).columns;
      cut.copy_floats = std::max(cut.copy_floats,
                                 saturated_product({rows_of(*other), columns, cut.column_floats}));
    }
  }

  std::int64_t rows_of(const PixelTile& tile) const { return tile.lines - 1 + problem_.k_h; }

  // For the lines that are left over: the tile that suits best with at most so many.
  void find_tiles(const PixelTile& tile, PixelCut& cut) const {
    cut.tile_lines = tile.lines;
    for (int lines = 1; lines < tile.lines; ++lines) {
      const PixelTile*& slot = cut.tiles[static_cast<std::size_t>(lines)];
      for (const PixelTile& other : kernels_.tiles) {
        if (other.lines > lines || !suits(other)) continue;
        if (slot == nullptr || output_cycles(other) < output_cycles(*slot)) slot = &other;
      }
    }
    cut.tiles[static_cast<std::size_t>(tile.lines)] = &tile;
  }

  std::int64_t blocks_of(const PixelCut& cut) const {
    return saturated_product({problem_.n, ceil_div(h_o_, cut.block_lines)});
  }

  // Cycles of one vector of channels of a tile: the multiply-adds, or the loads if they take
  // longer. Loads straddle two cache lines where the channels are no multiple of a vector as long
  // as one.
  double tile_cycles(const PixelTile& tile) const {
    const bool aligned = problem_.c_o % kCacheLineFloats == 0;
    const double per_load =
        aligned ? 1 : 1 + static_cast<double>(kernels_.lanes) / kCacheLineFloats;
    const auto k_w = static_cast<double>(problem_.k_w);
    const double taps = static_cast<double>(problem_.k_h) * k_w;
    const auto rows = static_cast<double>(rows_of(tile));
    const double columns =
        tile.k_w > 0 ? (tile.pixels - 1) * tile.stride + tile.k_w : k_w * tile.pixels;
    const double sums = tile.lines * tile.pixels;
    const double loads = (rows * columns + tile.lines * taps) * per_load;
    const double fmas_per_cycle = machine_.rates.vector_fmas_per_cycle;
    // Too few sums do not hide the latency of the multiply-adds behind each other.
    const double wait = std::max(1.0, costs::kMultiplyAddLatencyCycles * fmas_per_cycle / sums);
    const double row = costs::pixels::kLoopCyclesPerWindowRow * (tile.k_w > 0 ? 1 : 2);
    return std::max(sums * taps * wait, loads) / fmas_per_cycle +
           costs::pixels::kTileCyclesPerVector + costs::pixels::kStoreCyclesPerVector * sums +
           row * rows;
  }
  double output_cycles(const PixelTile& tile) const {
    const auto tiles = static_cast<double>(ceil_div(w_o_, tile.pixels));
    return tile_cycles(tile) * tiles / tile.lines;
  }

  void predict(PixelCut& cut) const {
    const auto vectors = static_cast<double>(ceil_div(problem_.c_o, kernels_.lanes));
    const PixelTile& tile = *cut.tiles[static_cast<std::size_t>(cut.tile_lines)];
    const std::int64_t all = blocks_of(cut);
    const double share = static_cast<double>(ceil_div(all, cut.threads)) / static_cast<double>(all);
    const double lines = static_cast<double>(saturated_product({problem_.n, h_o_})) * share;
    const double cycle = 1e-9 / machine_.rates.ghz;
    const double tiles =
        static_cast<double>(ceil_div(w_o_, tile.pixels)) / tile.lines;  // of a line of outputs
    const double columns = copied_columns(cut, tile);
    const double calls =
        1 + std::min(1.0, columns / static_cast<double>(w_o_)) *
                static_cast<double>(
                    ceil_div(problem_.c_o, std::max<std::int64_t>(1, cut.copied_channels)) - 1);
    cut.product_seconds = lines * cycle * tiles *
                          (vectors * tile_cycles(tile) * copy_times(cut, columns) +
                           calls * costs::pixels::kCallCyclesPerTile);
    double gather =
        columns * rows_copied(cut) *
        (reads_pixels_ ? costs::pixels::kCopyCyclesPerVector * vectors
                       : costs::pixels::kGatherCyclesPerFloat * static_cast<double>(problem_.c_o));
    if (problem_.activation.kind > ActivationKind::hswish) {
      gather += costs::pixels::kDoubleCyclesPerOutput *
                static_cast<double>(saturated_product({w_o_, problem_.c_o}));
    }
    cut.gather_seconds = lines * cycle * gather;
    if (cut.weight_floats > 0) {
      cut.gather_seconds +=
          static_cast<double>(cut.weight_floats) * costs::pixels::kGatherCyclesPerFloat * cycle;
    }
    cut.thread_seconds = cut.threads == 1 ? 0 : machine_.rates.fork_join_seconds;
  }

  // How much longer tiles take whose copies do not stay in L1.
  double copy_times(const PixelCut& cut, double columns) const {
    const std::int64_t bytes = cut.copy_floats * std::int64_t{sizeof(float)};
    if (bytes <= machine_.caches.l1_bytes / 2) return 1;
    const double copied = std::min(1.0, columns / static_cast<double>(w_o_));
    return 1 + copied * ((bytes <= machine_.caches.l2_bytes / 2 ? costs::pixels::kTimesFromL2
                                                                : costs::pixels::kTimesBeyondL2) -
                         1);
  }

  // For each line of outputs: those that the line before does not have already.
  double rows_copied(const PixelCut& cut) const {
    if (problem_.stride.h != problem_.dilation.h) return static_cast<double>(problem_.k_h);
    return 1 + static_cast<double>(problem_.k_h - 1) / static_cast<double>(cut.block_lines);
  }

  // Of a row, columns that are copied on average.
  double copied_columns(const PixelCut& cut, const PixelTile& tile) const {
    if (!copies()) return 0;
    const auto columns = [&](std::int64_t pixels) {
      return static_cast<double>(PixelWindow(problem_, pixels, 1).columns);
    };
    const std::int64_t segment = std::min(w_o_, cut.segment_of(tile));
    const double whole = static_cast<double>(ceil_div(w_o_, segment)) * columns(segment);
    if (!cut.in_place) return whole;
    const InnerPixels inner(problem_, tile.pixels);
    const std::int64_t ends = w_o_ - (inner.last - inner.first);
    const double inside = ends == 0 ? 0 : std::min(whole, columns(ends));
    const std::int64_t padded = saturated_sum(problem_.padding.top, problem_.padding.bottom);
    const double lines_outside =
        padded == 0 ? 0 : static_cast<double>(padded) + 2.0 * (tile.lines - 1);
    const double outside = std::min(1.0, lines_outside / static_cast<double>(h_o_));
    return outside * whole + (1 - outside) * inside;
  }

  const Problem& problem_;
  const Limits& limits_;
  const Machine& machine_;
  const kernels::PixelKernels& kernels_;
  std::int64_t h_o_, w_o_;
  bool reads_pixels_;  // as the tiles do
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
  const std::int64_t reach = saturated_product({problem.k_w - 1, problem.dilation.w});
  // Output j reads columns j * step - left to j * step - left + reach.
  const std::int64_t room = problem.w - 1 - reach + problem.padding.left;
  const std::int64_t inside = room < 0 ? 0 : std::min(w_o, room / step + 1);
  first = round_up(ceil_div(problem.padding.left, step), tile_pixels);
  last = inside == w_o ? w_o : inside / tile_pixels * tile_pixels;
  if (last - first < tile_pixels) first = last = 0;
}

std::size_t PixelCut::thread_bytes() const {
  return static_cast<std::size_t>(
      saturated_product({saturated_sum(copy_floats, saturated_sum(chunk_floats, row_floats)),
                         std::int64_t{sizeof(float)}}));
}

std::size_t PixelCut::workspace_bytes() const {
  if (on_stack) return 0;
  return static_cast<std::size_t>(weight_floats) * sizeof(float) +
         thread_bytes() * static_cast<std::size_t>(threads);
}

// Tiles start at multiples of their pixels, or as many before the end of a line, whatever is
// copied.
std::int64_t products_of(const PixelCut& cut, const Problem& problem, std::int64_t lanes) {
  const std::int64_t h_o = problem.h_o();
  const auto outputs = [&](std::int64_t lines) {
    std::int64_t sum = 0;
    while (lines > 0) {
      const PixelTile& tile = cut.tile(lines);
      const std::int64_t times = lines / tile.lines;
      lines -= times * tile.lines;
      sum = saturated_sum(
          sum, saturated_product({times, tile.lines, round_up(problem.w_o(), tile.pixels)}));
    }
    return sum;
  };
  const std::int64_t in_all =
      saturated_sum(saturated_product({h_o / cut.block_lines, outputs(cut.block_lines)}),
                    outputs(h_o % cut.block_lines));
  return saturated_product({problem.n, in_all, round_up(problem.c_o, lanes), problem.depth()});
}

PixelCut choose_pixel_cut(const Problem& problem, const Limits& limits, const Machine& machine) {
  return Chooser(problem, limits, machine).best();
}

}  // namespace plait::algorithm::depthwise
