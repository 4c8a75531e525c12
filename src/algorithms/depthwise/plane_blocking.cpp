#include "algorithms/depthwise/plane_blocking.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "core/integers.hpp"
#include "core/machine/cycles.hpp"

namespace plait::algorithm::depthwise {
namespace {

using kernels::PlaneForm;
using kernels::PlaneTile;

class Chooser {
 public:
  Chooser(const Problem& problem, const Geometry& geometry, const Limits& limits,
          const Machine& machine)
      : problem_(problem),
        geometry_(geometry),
        limits_(limits),
        machine_(machine),
        kernels_(kernels::plane_kernels(machine.target)),
        h_o_(problem.h_o()),
        w_o_(problem.w_o()),
        reads_rows_(problem.effective_x_strides()[3] == 1),
        scatters_(problem.effective_y_strides()[3] != 1),
        gathers_residual_(problem.residual && problem.effective_residual_strides()[3] != 1),
        planes_(saturated_product({problem.n, problem.c_i})),
        outputs_(problem.c_o / problem.c_i) {}

  PlaneBlocking best() const {
    PlaneBlocking best;
    for (const PlaneTile& tile : kernels_.tiles) {
      if (!suits(tile)) continue;
      if (limits_.tile_columns != 0 && tile.vectors * kernels_.lanes != limits_.tile_columns)
        continue;
      for (const int threads : {1, limits_.threads}) {
        consider(tile, threads, best);
        if (limits_.threads == 1) break;
      }
    }
    return best;
  }

 private:
  // Tries strips that fill a quarter of L1, all of L1 and half of L2, and strips of one output row.
  void consider(const PlaneTile& tile, int threads, PlaneBlocking& best) const {
    const Caches& caches = machine_.caches;
    const bool capped = limits_.max_workspace_bytes != kNoWorkspaceCap;
    for (const std::int64_t budget :
         {caches.l1_bytes / 4, caches.l1_bytes, caches.l2_bytes / 2, std::int64_t{1}}) {
      PlaneBlocking blocking = blocking_of(tile, budget, threads);
      if (blocking.strip_floats > std::numeric_limits<std::int32_t>::max()) continue;
      if (blocking.workspace_bytes() > limits_.max_workspace_bytes) {
        if (blocking.thread_bytes() > kStackBytes) continue;
        blocking.on_stack = true;
      }
      if (!best.fits() || blocking.seconds() < best.seconds()) best = blocking;
      if (blocking.block_rows == h_o_ && !capped) return;  // larger budgets change nothing
    }
  }

  bool suits(const PlaneTile& tile) const {
    const AxisPhases& down = geometry_.vertical;
    const AxisPhases& across = geometry_.horizontal;
    switch (tile.form) {
      case PlaneForm::taps:
        return true;
      case PlaneForm::rows:
        return down.stride == 1 && down.dilation == 1 && tile.lines <= problem_.k_h;
      case PlaneForm::fixed:
        break;
    }
    return problem_.k_h == tile.k && problem_.k_w == tile.k && down.stride == tile.stride &&
           across.stride == tile.stride && down.dilation == 1 && across.dilation == 1;
  }

  PlaneBlocking blocking_of(const PlaneTile& tile, std::int64_t budget, int threads) const {
    PlaneBlocking blocking;
    find_tiles(tile, blocking);
    const std::int64_t row_bytes =
        saturated_product({geometry_.row_stride, std::int64_t{sizeof(float)}});
    const std::int64_t rows_fit = std::max<std::int64_t>(1, budget / row_bytes);
    const std::int64_t fit = std::clamp<std::int64_t>(
        rows_fit / geometry_.vertical.phases - geometry_.vertical.extent, 1, h_o_);
    const std::int64_t fair = std::max<std::int64_t>(
        1, saturated_product({planes_, h_o_}) / (costs::kBlocksPerThread * threads));
    blocking.block_rows = even_rows(std::min(fit, threads == 1 ? h_o_ : fair), tile.lines);
    blocking.strip_floats = round_up(geometry_.strip_floats(blocking.block_rows), kCacheLineFloats);
    if (blocking.block_rows == h_o_) {
      const std::int64_t strip_bytes =
          saturated_product({blocking.strip_floats, std::int64_t{sizeof(float)}});
      const std::int64_t most = planes_ / (costs::kBlocksPerThread * threads);
      blocking.block_planes = std::max<std::int64_t>(
          1, std::min(most, (budget == 1 ? 1 : machine_.caches.l1_bytes / 2) / strip_bytes));
    }
    blocking.threads = static_cast<int>(std::min<std::int64_t>(threads, blocks(blocking)));
    blocking.block_columns = columns_in_l1(tile);
    const std::int64_t row_floats =
        round_up(std::min(blocking.block_columns, w_o_), kCacheLineFloats);
    if (scatters_) blocking.output_floats = tile.lines * row_floats;
    if (gathers_residual_) {
      blocking.residual_floats = row_floats;
    }
    if (problem_.depth() > kernels::kChunk) blocking.chunk_floats = kernels::kMaxPlaneTile;
    predict(blocking);
    return blocking;
  }

  // Finds tiles of the same form with fewer rows, for the rows that are left at the end of a block.
  void find_tiles(const PlaneTile& tile, PlaneBlocking& blocking) const {
    blocking.tile_rows = tile.lines;
    for (const PlaneTile& other : kernels_.tiles) {
      if (other.form != tile.form || other.k != tile.k || other.stride != tile.stride) continue;
      if (other.vectors != tile.vectors || other.lines > tile.lines) continue;
      for (int rows = other.lines; rows <= tile.lines; ++rows) {
        const PlaneTile*& slot = blocking.tiles[static_cast<std::size_t>(rows)];
        if (slot == nullptr || slot->lines < other.lines) slot = &other;
      }
    }
  }

  // Rows of a block, at most `most`, so that all blocks are about equal and consist of whole tiles.
  std::int64_t even_rows(std::int64_t most, std::int64_t tile_rows) const {
    if (most >= h_o_) return h_o_;
    const std::int64_t even = ceil_div(h_o_, ceil_div(h_o_, most));
    if (most < tile_rows) return even;
    return std::min(most / tile_rows * tile_rows, round_up(even, tile_rows));
  }

  std::int64_t blocks(const PlaneBlocking& blocking) const {
    return saturated_product(
        {ceil_div(planes_, blocking.block_planes), ceil_div(h_o_, blocking.block_rows)});
  }

  // The number of columns for which the input rows of a tile stay in L1 from one tap to the next.
  std::int64_t columns_in_l1(const PlaneTile& tile) const {
    const std::int64_t column_bytes = saturated_product(
        {geometry_.rows(tile.lines), geometry_.horizontal.phases, std::int64_t{sizeof(float)}});
    const std::int64_t fit = machine_.caches.l1_bytes / 2 / column_bytes;
    if (fit >= w_o_) return w_o_;
    const std::int64_t whole = std::int64_t{tile.vectors} * kernels_.lanes;
    return fit >= whole
               ? fit / whole * whole
               : std::max<std::int64_t>(kernels_.lanes, fit / kernels_.lanes * kernels_.lanes);
  }

  // Cycles of one tile over `vectors` vectors of each row: those of the multiply-adds, or of the
  // loads if these take longer. Most loads straddle two cache lines if a vector is as long as one.
  double tile_cycles(const PlaneTile& tile, double vectors, double load_times) const {
    const double per_load = 1 + static_cast<double>(kernels_.lanes) / kCacheLineFloats;
    const auto k_w = static_cast<double>(problem_.k_w);
    const double taps = static_cast<double>(problem_.k_h) * k_w;
    const auto rows =
        static_cast<double>(std::int64_t{tile.lines - 1} * tile.stride + problem_.k_h);
    const double sums = tile.lines * vectors;
    double loads = sums * taps * per_load + taps;
    if (tile.form != PlaneForm::taps) {
      const double weights = tile.k == 3 ? 0 : tile.lines * taps;  // those of 3x3 stay in registers
      loads = rows * k_w * vectors * per_load + weights;
    }
    const double fmas_per_cycle = machine_.rates.vector_fmas_per_cycle;
    // Too few sums do not hide the latency of the multiply-adds behind each other. Fixed tiles are
    // so short that the next tile hides it.
    const double wait = std::max(1.0, costs::kMultiplyAddLatencyCycles * fmas_per_cycle / sums);
    const double products = sums * taps * (tile.form == PlaneForm::fixed ? 1 : wait);
    return std::max(products, loads) * load_times / fmas_per_cycle +
           costs::planes::kCallCyclesPerTile + costs::planes::kStoreCyclesPerVector * sums +
           (tile.form == PlaneForm::rows ? costs::planes::kLoopCyclesPerWindowRow * rows : 0);
  }

  // The time to write and read a strip, divided by that of a small strip. Reading a small strip
  // overlaps with the arrival of the next input from memory, reading a large one does not.
  double strip_times(const PlaneBlocking& blocking) const {
    const std::int64_t bytes = blocking.strip_floats * std::int64_t{sizeof(float)};
    if (bytes <= machine_.caches.l1_bytes / 4) return 1;
    const bool in_l1 = bytes <= machine_.caches.l1_bytes || blocking.block_columns < w_o_;
    return in_l1 ? costs::planes::kTimesFullL1 : costs::planes::kTimesFromL2;
  }

  // Cycles to compute `rows` output rows.
  double rows_cycles(const PlaneBlocking& blocking, std::int64_t rows, double load_times) const {
    double sum = 0;
    while (rows > 0) {
      const PlaneTile& tile = blocking.tile(rows);
      const std::int64_t times = rows / tile.lines;
      rows -= times * tile.lines;
      std::int64_t vectors = ceil_div(w_o_, kernels_.lanes);
      for (std::int64_t v = tile.vectors; v > 0; v /= 2) {
        const std::int64_t tiles = times * (vectors / v);
        sum += static_cast<double>(tiles) * tile_cycles(tile, static_cast<double>(v), load_times);
        vectors %= v;
      }
    }
    return sum;
  }

  // Cycles to compute all rows of one output.
  double plane_cycles(const PlaneBlocking& blocking) const {
    const double times = strip_times(blocking);
    const std::int64_t whole = h_o_ / blocking.block_rows;
    return static_cast<double>(whole) * rows_cycles(blocking, blocking.block_rows, times) +
           rows_cycles(blocking, h_o_ % blocking.block_rows, times);
  }

  double fill_cycles(const PlaneBlocking& blocking) const {
    const auto blocks = static_cast<double>(ceil_div(h_o_, blocking.block_rows));
    const auto extent = static_cast<double>(geometry_.vertical.extent);
    const double rows = (static_cast<double>(h_o_) + blocks * extent) *
                        static_cast<double>(geometry_.vertical.phases);
    const bool copies = problem_.stride.w <= 2 && reads_rows_;
    return blocks * costs::planes::kBeginCyclesPerPlane +
           strip_times(blocking) * rows *
               (costs::planes::kBeginCyclesPerImageRow +
                static_cast<double>(geometry_.horizontal.phases) *
                    static_cast<double>(geometry_.columns) *
                    (copies ? costs::planes::kCopyCyclesPerFloat : gather_cycles()));
  }

  double gather_cycles() const {
    return std::abs(problem_.effective_x_strides()[3]) >= kCacheLineFloats
               ? costs::planes::kGatherFarCyclesPerFloat
               : costs::planes::kGatherCyclesPerFloat;
  }

  // Cycles of an output that its tile's store does not include.
  double epilogue_cycles(const PlaneBlocking& blocking) const {
    const ActivationKind kind = problem_.activation.kind;
    const bool far = std::abs(problem_.effective_y_strides()[3]) >= kCacheLineFloats;
    double cycles = blocking.output_floats > 0 ? (far ? costs::planes::kScatterFarCyclesPerFloat
                                                      : costs::planes::kGatherCyclesPerFloat)
                                               : 0;
    if (problem_.residual || kind > ActivationKind::relu6)
      cycles += costs::planes::kEpilogueCyclesPerOutput;
    if (blocking.residual_floats > 0) cycles += costs::planes::kGatherCyclesPerFloat;
    if (kind > ActivationKind::hswish) cycles += costs::planes::kDoubleCyclesPerOutput;
    return cycles;
  }

  void predict(PlaneBlocking& blocking) const {
    const std::int64_t all = blocks(blocking);
    // Threads take blocks one by one, and the last thread to finish decides.
    const double share =
        static_cast<double>(ceil_div(all, blocking.threads)) / static_cast<double>(all);
    const double cycle = 1e-9 / machine_.rates.ghz;
    const double planes = static_cast<double>(planes_) * share * cycle;
    blocking.product_seconds = planes * static_cast<double>(outputs_) * plane_cycles(blocking);
    const double outputs =
        static_cast<double>(outputs_) * static_cast<double>(h_o_) * static_cast<double>(w_o_);
    blocking.gather_seconds =
        planes * (fill_cycles(blocking) + outputs * epilogue_cycles(blocking));
    blocking.thread_seconds = blocking.threads == 1 ? 0 : machine_.rates.fork_join_seconds;
  }

  const Problem& problem_;
  const Geometry& geometry_;
  const Limits& limits_;
  const Machine& machine_;
  const kernels::PlaneKernels& kernels_;
  std::int64_t h_o_, w_o_;
  bool reads_rows_;  // the pixels of a row of x lie side by side
  bool scatters_;    // the pixels of a row of y do not
  bool gathers_residual_;
  std::int64_t planes_;
  std::int64_t outputs_;  // output channels of an input channel
};

}  // namespace

std::size_t PlaneBlocking::thread_bytes() const {
  const std::int64_t floats =
      saturated_sum(saturated_product({block_planes, strip_floats}),
                    saturated_sum(output_floats, residual_floats + chunk_floats));
  return static_cast<std::size_t>(saturated_product({floats, std::int64_t{sizeof(float)}}));
}

PlaneBlocking choose_plane_blocking(const Problem& problem, const Geometry& geometry,
                                    const Limits& limits, const Machine& machine) {
  return Chooser(problem, geometry, limits, machine).best();
}

}  // namespace plait::algorithm::depthwise
