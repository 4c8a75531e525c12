#include "algorithms/depthwise/cut.hpp"

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
        reads_lines_(problem.effective_x_strides()[3] == 1),
        scatters_(problem.effective_y_strides()[3] != 1),
        gathers_residual_(problem.residual && problem.effective_residual_strides()[3] != 1),
        planes_(saturated_product({problem.n, problem.c_i})),
        outputs_(problem.c_o / problem.c_i) {}

  Cut best() const {
    Cut best;
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
  // Strips for a small part of L1, all of it, and L2; under a cap also of one line.
  void consider(const PlaneTile& tile, int threads, Cut& best) const {
    const Caches& caches = machine_.caches;
    const bool capped = limits_.max_workspace_bytes != kNoWorkspaceCap;
    for (const std::int64_t budget :
         {caches.l1_bytes / 4, caches.l1_bytes, caches.l2_bytes / 2, std::int64_t{1}}) {
      Cut cut = cut_up(tile, budget, threads);
      if (cut.strip_floats > std::numeric_limits<std::int32_t>::max()) continue;
      if (cut.workspace_bytes() > limits_.max_workspace_bytes) {
        if (cut.thread_bytes() > kStackBytes) continue;
        cut.on_stack = true;
      }
      if (!best.fits() || cut.seconds() < best.seconds()) best = cut;
      if (cut.block_lines == h_o_ && !capped) return;  // more room changes nothing
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

  Cut cut_up(const PlaneTile& tile, std::int64_t budget, int threads) const {
    Cut cut;
    find_tiles(tile, cut);
    const std::int64_t row_bytes =
        saturated_product({geometry_.row_stride, std::int64_t{sizeof(float)}});
    const std::int64_t rows_fit = std::max<std::int64_t>(1, budget / row_bytes);
    const std::int64_t fit = std::clamp<std::int64_t>(
        rows_fit / geometry_.vertical.phases - geometry_.vertical.extent, 1, h_o_);
    const std::int64_t fair = std::max<std::int64_t>(
        1, saturated_product({planes_, h_o_}) / (costs::kBlocksPerThread * threads));
    cut.block_lines = even_lines(std::min(fit, threads == 1 ? h_o_ : fair), tile.lines);
    cut.strip_floats = round_up(geometry_.strip_floats(cut.block_lines), kCacheLineFloats);
    if (cut.block_lines == h_o_) {
      const std::int64_t strip_bytes =
          saturated_product({cut.strip_floats, std::int64_t{sizeof(float)}});
      const std::int64_t most = planes_ / (costs::kBlocksPerThread * threads);
      cut.block_planes = std::max<std::int64_t>(
          1, std::min(most, (budget == 1 ? 1 : machine_.caches.l1_bytes / 2) / strip_bytes));
    }
    cut.threads = static_cast<int>(std::min<std::int64_t>(threads, blocks(cut)));
    cut.block_columns = columns_in_l1(tile);
    const std::int64_t line = round_up(std::min(cut.block_columns, w_o_), kCacheLineFloats);
    if (scatters_) cut.line_floats = tile.lines * line;
    if (gathers_residual_) {
      cut.residual_floats = line;
    }
    if (problem_.depth() > kernels::kChunk) cut.chunk_floats = kernels::kMaxPlaneTile;
    predict(cut);
    return cut;
  }

  // For the lines that are left over: tiles of the same form with fewer lines.
  void find_tiles(const PlaneTile& tile, Cut& cut) const {
    cut.tile_lines = tile.lines;
    for (const PlaneTile& other : kernels_.tiles) {
      if (other.form != tile.form || other.k != tile.k || other.stride != tile.stride) continue;
      if (other.vectors != tile.vectors || other.lines > tile.lines) continue;
      for (int lines = other.lines; lines <= tile.lines; ++lines) {
        const PlaneTile*& slot = cut.tiles[static_cast<std::size_t>(lines)];
        if (slot == nullptr || slot->lines < other.lines) slot = &other;
      }
    }
  }

  // At most `most` lines a block, all blocks alike, in whole tiles where there are several.
  std::int64_t even_lines(std::int64_t most, std::int64_t tile_lines) const {
    if (most >= h_o_) return h_o_;
    const std::int64_t even = ceil_div(h_o_, ceil_div(h_o_, most));
    if (most < tile_lines) return even;
    return std::min(most / tile_lines * tile_lines, round_up(even, tile_lines));
  }

  std::int64_t blocks(const Cut& cut) const {
    return saturated_product(
        {ceil_div(planes_, cut.block_planes), ceil_div(h_o_, cut.block_lines)});
  }

  // Columns whose input rows of one tile stay in L1 from one tap to the next.
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

  // Cycles of one tile through `vectors` vectors of its lines: the multiply-adds, or the loads if
  // they take longer. Most loads straddle two cache lines where a vector is as long as one.
  double tile_cycles(const PlaneTile& tile, double vectors, double load_times) const {
    const double per_load = 1 + static_cast<double>(kernels_.lanes) / kCacheLineFloats;
    const auto k_w = static_cast<double>(problem_.k_w);
    const double taps = static_cast<double>(problem_.k_h) * k_w;
    const auto rows =
        static_cast<double>(std::int64_t{tile.lines - 1} * tile.stride + problem_.k_h);
    const double sums = tile.lines * vectors;
    double loads = sums * taps * per_load + taps;
    if (tile.form != PlaneForm::taps) {
      const double weights = tile.k == 3 ? 0 : tile.lines * taps;  // of 3 x 3 stay in registers
      loads = rows * k_w * vectors * per_load + weights;
    }
    const double fmas_per_cycle = machine_.rates.vector_fmas_per_cycle;
    // Too few sums do not hide the latency of the multiply-adds behind each other; fixed tiles are
    // short enough for the next one to do that.
    const double wait = std::max(1.0, costs::kMultiplyAddLatencyCycles * fmas_per_cycle / sums);
    const double products = sums * taps * (tile.form == PlaneForm::fixed ? 1 : wait);
    return std::max(products, loads) * load_times / fmas_per_cycle +
           costs::planes::kCallCyclesPerTile + costs::planes::kStoreCyclesPerVector * sums +
           (tile.form == PlaneForm::rows ? costs::planes::kLoopCyclesPerWindowRow * rows : 0);
  }

  // How much longer writing and reading a strip takes where it is large: a small one is read
  // while the next input is on its way from memory, a large one takes turns with it.
  double strip_times(const Cut& cut) const {
    const std::int64_t bytes = cut.strip_floats * std::int64_t{sizeof(float)};
    if (bytes <= machine_.caches.l1_bytes / 4) return 1;
    const bool in_l1 = bytes <= machine_.caches.l1_bytes || cut.block_columns < w_o_;
    return in_l1 ? costs::planes::kTimesFullL1 : costs::planes::kTimesFromL2;
  }

  // Cycles of `lines` lines of output, all columns, in as few tiles as there are.
  double lines_cycles(const Cut& cut, std::int64_t lines, double load_times) const {
    double sum = 0;
    while (lines > 0) {
      const PlaneTile& tile = cut.tile(lines);
      const std::int64_t times = lines / tile.lines;
      lines -= times * tile.lines;
      std::int64_t vectors = ceil_div(w_o_, kernels_.lanes);
      for (std::int64_t v = tile.vectors; v > 0; v /= 2) {
        const std::int64_t tiles = times * (vectors / v);
        sum += static_cast<double>(tiles) * tile_cycles(tile, static_cast<double>(v), load_times);
        vectors %= v;
      }
    }
    return sum;
  }

  // Cycles of all output lines of one plane.
  double plane_cycles(const Cut& cut) const {
    const double times = strip_times(cut);
    const std::int64_t whole = h_o_ / cut.block_lines;
    return static_cast<double>(whole) * lines_cycles(cut, cut.block_lines, times) +
           lines_cycles(cut, h_o_ % cut.block_lines, times);
  }

  double fill_cycles(const Cut& cut) const {
    const auto blocks = static_cast<double>(ceil_div(h_o_, cut.block_lines));
    const auto reach = static_cast<double>(geometry_.vertical.extent);
    const double rows = (static_cast<double>(h_o_) + blocks * reach) *
                        static_cast<double>(geometry_.vertical.phases);
    const bool copies = problem_.stride.w <= 2 && reads_lines_;
    return blocks * costs::planes::kBeginCyclesPerPlane +
           strip_times(cut) * rows *
               (costs::planes::kBeginCyclesPerImageRow +
                static_cast<double>(geometry_.horizontal.phases) *
                    static_cast<double>(geometry_.columns) *
                    (copies ? costs::planes::kCopyCyclesPerFloat : pick_cycles()));
  }

  double pick_cycles() const {
    return std::abs(problem_.effective_x_strides()[3]) >= kCacheLineFloats
               ? costs::planes::kGatherFarCyclesPerFloat
               : costs::planes::kGatherCyclesPerFloat;
  }

  // Cycles of an output beyond the tile's store.
  double finish_cycles(const Cut& cut) const {
    const ActivationKind kind = problem_.activation.kind;
    const bool far = std::abs(problem_.effective_y_strides()[3]) >= kCacheLineFloats;
    double cycles = cut.line_floats > 0 ? (far ? costs::planes::kScatterFarCyclesPerFloat
                                               : costs::planes::kGatherCyclesPerFloat)
                                        : 0;
    if (problem_.residual || kind > ActivationKind::relu6)
      cycles += costs::planes::kEpilogueCyclesPerOutput;
    if (cut.residual_floats > 0) cycles += costs::planes::kGatherCyclesPerFloat;
    if (kind > ActivationKind::hswish) cycles += costs::planes::kDoubleCyclesPerOutput;
    return cycles;
  }

  void predict(Cut& cut) const {
    const std::int64_t all = blocks(cut);
    // Blocks are handed out one by one: the last to finish decides.
    const double share = static_cast<double>(ceil_div(all, cut.threads)) / static_cast<double>(all);
    const double cycle = 1e-9 / machine_.rates.ghz;
    const double planes = static_cast<double>(planes_) * share * cycle;
    cut.product_seconds = planes * static_cast<double>(outputs_) * plane_cycles(cut);
    const double outputs =
        static_cast<double>(outputs_) * static_cast<double>(h_o_) * static_cast<double>(w_o_);
    cut.gather_seconds = planes * (fill_cycles(cut) + outputs * finish_cycles(cut));
    cut.thread_seconds = cut.threads == 1 ? 0 : machine_.rates.fork_join_seconds;
  }

  const Problem& problem_;
  const Geometry& geometry_;
  const Limits& limits_;
  const Machine& machine_;
  const kernels::PlaneKernels& kernels_;
  std::int64_t h_o_, w_o_;
  bool reads_lines_;  // pixels side by side in x
  bool scatters_;     // and not in y
  bool gathers_residual_;
  std::int64_t planes_;
  std::int64_t outputs_;  // of a plane
};

}  // namespace

std::size_t Cut::thread_bytes() const {
  const std::int64_t floats =
      saturated_sum(saturated_product({block_planes, strip_floats}),
                    saturated_sum(line_floats, residual_floats + chunk_floats));
  return static_cast<std::size_t>(saturated_product({floats, std::int64_t{sizeof(float)}}));
}

Cut choose_cut(const Problem& problem, const Geometry& geometry, const Limits& limits,
               const Machine& machine) {
  return Chooser(problem, geometry, limits, machine).best();
}

}  // namespace plait::algorithm::depthwise
