#include "algorithms/winograd/cut.hpp"

#include <algorithm>
#include <array>

#include "algorithms/matmul/matmul.hpp"
#include "algorithms/winograd/direct.hpp"
#include "core/integers.hpp"
#include "core/machine/cycles.hpp"

namespace plait::algorithm::winograd {
namespace {

// Planes of an odd number of lines: the same place in each falls into another set of a cache.
std::int64_t odd_lines(std::int64_t floats) {
  return (ceil_div(floats, kCacheLineFloats) | 1) * kCacheLineFloats;
}

class Chooser {
 public:
  Chooser(const Form& form, int rows, const Problem& problem, const Limits& limits,
          const Machine& machine)
      : form_(form),
        rows_(rows),
        problem_(problem),
        limits_(limits),
        machine_(machine),
        set_(kernels::channel_tile_set(machine.target)),
        kernels_(kernels::winograd_kernels(machine.target, form.along(problem.k_h),
                                           form.along(problem.k_w))) {
    base_.form = form;
    base_.down = kernels_.down;
    base_.across = kernels_.across;
    base_.target = machine.target;
    base_.direct_tiles = &TilesOfRows::of(machine.target).back();
    const Dims strides = problem.effective_x_strides();
    base_.lanes = strides[1] == 1 && strides[3] != 1 ? Lanes::channels : Lanes::tiles;
    base_.channels = problem.c_i / problem.groups;
    base_.lines = Phases(problem.dilation.h, problem.h_o());
    base_.columns = Phases(problem.dilation.w, problem.w_o());
    base_.tile_rows = ceil_div(base_.lines.outputs, base_.down.m);
    base_.tile_cols = ceil_div(base_.columns.outputs, base_.across.m);
    base_.packs_in_run = !limits.prepacked;
    const kernels::ProductShape shape = product_shape(problem);
    base_.streams = shape.leaves_caches(machine);
    scatters_ = problem.dilation.w > 1 && shape.order == kernels::OutputOrder::image_rows;
  }

  // A tile at a time, on one thread.
  Cut smallest(const TilesOfRows& tiles) const {
    Cut cut = base_;
    set_rows(tiles, cut);
    set_region(1, cut);
    cut.task_blocks = 1;
    cut.threads = 1;
    set_lengths(cut);
    set_channel_block(std::min(cut.channels, form_.chunk()), cut);
    return cut;
  }

  Cut best() const {
    Cut best;
    for (const TilesOfRows& tiles : TilesOfRows::of(machine_.target)) {
      if (rows_ != 0 && tiles.rows() != rows_) continue;
      Cut cut = base_;
      set_rows(tiles, cut);
      consider_rows(cut, best);
    }
    return best;
  }

 private:
  void set_rows(const TilesOfRows& tiles, Cut& cut) const {
    cut.tiles = &tiles;
    const std::int64_t per_group = problem_.c_o / problem_.groups;
    cut.row_blocks = ceil_div(per_group, cut.tiles->rows());
    const std::int64_t blocks = saturated_product({problem_.groups, cut.row_blocks});
    const auto rows_of = [&](std::int64_t each) {
      return saturated_product({blocks, cut.tiles->rows(), each});
    };
    cut.biases_at = rows_of(saturated_product({cut.points(), cut.channels}));
    cut.kernel_at = saturated_sum(cut.biases_at, rows_of(1));
    cut.limits_at =
        saturated_sum(cut.kernel_at, rows_of(saturated_product({cut.taps(), cut.channels})));
    cut.weights_bytes = static_cast<std::size_t>(
        saturated_product({saturated_sum(cut.limits_at, blocks), std::int64_t{sizeof(float)}}));
  }

  void consider_rows(Cut& cut, Cut& best) const {
    const std::int64_t all = saturated_product({cut.tile_rows, cut.tile_cols});
    const TileCycles of_tile = tile_cycles(cut);
    std::int64_t last = 0;
    for (const std::int64_t most : {224, 112, 84, 56, 42, 28, 14, 4, 1}) {
      set_region(std::min<std::int64_t>(most, all), cut);
      if (cut.region.tiles() == last) continue;
      last = cut.region.tiles();
      const double cycles = point_cycles(cut, last, of_tile);
      if (best.fits() && least_seconds(cut, cycles) >= best.seconds()) continue;
      const bool capped = limits_.max_workspace_bytes != kNoWorkspaceCap;
      for (const std::int64_t parts :
           {std::int64_t{1}, std::int64_t{limits_.threads}, capped ? cut.row_blocks : 1}) {
        cut.task_blocks = ceil_div(cut.row_blocks, parts);
        if (set_workspace(cut)) {
          predict(cut, cycles);
          if (!best.fits() || cut.seconds() < best.seconds()) best = cut;
        }
        if (cut.row_blocks == 1) break;
      }
    }
  }

  // Whole rows of tiles, or a part of one; all regions as alike as can be.
  void set_region(std::int64_t most, Cut& cut) const {
    const std::int64_t rows = std::clamp<std::int64_t>(most / cut.tile_cols, 1, cut.tile_rows);
    cut.region.tile_rows = ceil_div(cut.tile_rows, ceil_div(cut.tile_rows, rows));
    const std::int64_t cols = std::min(most, cut.tile_cols);
    cut.region.tile_cols = ceil_div(cut.tile_cols, ceil_div(cut.tile_cols, cols));
    cut.regions = saturated_product({ceil_div(cut.tile_rows, cut.region.tile_rows),
                                     ceil_div(cut.tile_cols, cut.region.tile_cols)});
  }

  // Three quarters of L2 for a thread, if that can be; never more than the cap.
  bool set_workspace(Cut& cut) const {
    cut.tasks = saturated_product({problem_.n, problem_.groups, cut.phases(), cut.regions,
                                   ceil_div(cut.row_blocks, cut.task_blocks)});
    cut.threads = static_cast<int>(std::min<std::int64_t>(limits_.threads, cut.tasks));
    set_lengths(cut);
    const std::int64_t budget = machine_.caches.l2_bytes / 4 * 3;
    const auto fits = [&] { return thread_bytes(cut) <= budget && keeps_cap(cut); };
    set_channel_block(cut.channels, cut);
    if (fits()) return true;
    // Every task keeps the sums of all its rows then.
    const std::int64_t chunks = ceil_div(cut.channels, form_.chunk());
    for (std::int64_t block = chunks - 1; block > 0; block = block / 2) {
      set_channel_block(block * form_.chunk(), cut);
      if (fits()) return true;
    }
    const bool smallest = cut.region.tiles() == 1;
    return smallest && keeps_cap(cut);
  }

  // Of what does not depend on the block of channels.
  void set_lengths(Cut& cut) const {
    const std::int64_t inputs = cut.region.tile_rows * cut.down.m + cut.down.r +
                                cut.region.tile_cols * cut.across.m + cut.across.r;
    cut.table_floats = round_up(inputs * 2, kCacheLineFloats);
    cut.scratch_floats = cut.lanes == Lanes::tiles
                             ? round_up(kernels_.scratch_floats(cut.region), kCacheLineFloats)
                             : 0;
    const std::int64_t rows = cut.region.tile_rows * cut.down.m + cut.down.r - 1;
    cut.magnitude_floats = saturated_product({rows, kernels_.magnitude_pitch(cut.region)});
    cut.mark_floats = round_up(cut.region.tiles() * 2, kCacheLineFloats);  // of 64 bits each
  }

  // With fewer threads if need be.
  bool keeps_cap(Cut& cut) const {
    if (cut.workspace_bytes() <= limits_.max_workspace_bytes) return true;
    const auto own = static_cast<std::size_t>(thread_bytes(cut));
    const std::size_t shared = cut.shared_bytes();
    if (limits_.max_workspace_bytes < shared + own) return false;
    cut.threads = static_cast<int>((limits_.max_workspace_bytes - shared) / own);
    return true;
  }

  static std::int64_t thread_bytes(const Cut& cut) {
    return saturated_product({cut.thread_floats(), std::int64_t{sizeof(float)}});
  }

  void set_channel_block(std::int64_t block, Cut& cut) const {
    cut.channel_block = block;
    const std::int64_t tiles = cut.region.tiles();
    // Products may read and write some columns beyond the last tile.
    const std::int64_t columns = tiles <= cut.tiles->most_columns()
                                     ? cut.tiles->at_least(tiles).cols
                                     : tiles + cut.tiles->most_columns();
    if (cut.lanes == Lanes::tiles) {
      // Stores across two lines take twice as long.
      cut.v_pitch = tiles < kCacheLineFloats ? tiles : round_up(tiles, kCacheLineFloats);
      cut.v_plane = odd_lines(saturated_product({block, cut.v_pitch}) + 2 * kCacheLineFloats);
    } else {
      cut.v_pitch = odd_lines(block);
      cut.v_plane = odd_lines(saturated_product({columns, cut.v_pitch}));
    }
    // The inputs of a chunk of direct sums of the narrowest tile lie there too (direct.hpp).
    const std::int64_t direct = std::min(cut.channels, DirectCut::channels_of_chunk(cut)) *
                                cut.down.r *
                                (cut.direct_tiles->at_least(1).cols + cut.across.r - 1);
    cut.v_plane = std::max(cut.v_plane, odd_lines(ceil_div(direct, cut.points())));
    cut.m_plane = odd_lines(columns * cut.tiles->rows());
    cut.m_blocks = block == cut.channels ? 1 : cut.task_blocks;
  }

  using TileCycles = std::array<double, TilesOfRows::kMostColumns + 1>;  // by columns

  // Of a register tile through all channels.
  TileCycles tile_cycles(const Cut& cut) const {
    const auto lanes = static_cast<double>(set_.lanes);
    const double vectors = cut.tiles->rows() / lanes;
    const double registers = costs::vector_registers(set_.target);
    const auto depth = static_cast<double>(cut.channels);
    const double chunks = std::ceil(depth / static_cast<double>(form_.chunk()));
    TileCycles cycles{};
    for (const kernels::Tile& tile : set_.tiles) {
      if (tile.rows != cut.tiles->rows()) continue;
      const double fmas = tile.cols * vectors;
      const double loads = vectors + tile.cols;
      // A few sums do not hide the latency of the multiply-adds.
      const double busy =
          std::max({fmas / machine_.rates.vector_fmas_per_cycle,
                    loads / costs::kBroadcastLoadsPerCycle, costs::kMultiplyAddLatencyCycles});
      // One sum too many for the registers: channel_tile-inl.h.
      const bool spills = fmas + vectors + 1 > registers;
      cycles[static_cast<std::size_t>(tile.cols)] =
          depth * busy * (spills ? costs::winograd::kSpillTimes : 1) +
          chunks *
              (costs::tile::kCallCyclesPerChunk + costs::tile::kStoreCyclesPerVector * fmas / 2);
    }
    return cycles;
  }

  // The register tiles of one block of rows at one point.
  static double point_cycles(const Cut& cut, std::int64_t tiles, const TileCycles& of_tile) {
    // Pieces are of two widths; where there are tiles of just these, none need be counted.
    const std::int64_t pieces = ceil_div(tiles, cut.tiles->most_columns());
    const std::int64_t wider = tiles % pieces;
    const double narrow_cycles = of_tile[static_cast<std::size_t>(tiles / pieces)];
    const double wide_cycles = of_tile[static_cast<std::size_t>(ceil_div(tiles, pieces))];
    if (narrow_cycles > 0 && wide_cycles > 0) {
      return static_cast<double>(pieces - wider) * narrow_cycles +
             static_cast<double>(wider) * wide_cycles;
    }
    double cycles = 0;
    cut.tiles->cut(tiles, [&](std::int64_t /*first*/, const kernels::Tile& tile) {
      cycles += of_tile[static_cast<std::size_t>(tile.cols)];
    });
    return cycles;
  }

  // How much of the regions there is: those at the ends may be smaller.
  static double used_share(const Cut& cut) {
    return static_cast<double>(cut.tile_rows) * static_cast<double>(cut.tile_cols) /
           (static_cast<double>(cut.regions) * static_cast<double>(cut.region.tiles()));
  }

  // All products and transforms, and weights as from L2, spread over all threads as well as can be;
  // a little less, so that rounding rules out nothing.
  double least_seconds(const Cut& cut, double cycles) const {
    const auto images =
        static_cast<double>(saturated_product({problem_.n, problem_.groups, cut.phases()}));
    const double regions = images * static_cast<double>(cut.regions) * used_share(cut);
    const double tiles = regions * static_cast<double>(cut.region.tiles());
    const auto points = static_cast<double>(cut.points());
    const auto channels = static_cast<double>(cut.channels);
    const auto blocks = static_cast<double>(cut.row_blocks);
    const double rows = blocks * cut.tiles->rows();
    const double transforms = tiles * points / set_.lanes *
                              (channels * costs::winograd::kInCyclesPerPoint +
                               rows * costs::winograd::kOutCyclesPerPoint);
    const double weights = regions * points * rows * channels * sizeof(float);
    const double seconds =
        (regions * blocks * points * cycles + transforms) * 1e-9 / machine_.rates.ghz +
        weights / machine_.rates.l2_bytes_per_second;
    return 0.999 * seconds / limits_.threads;
  }

  // `cycles`: point_cycles of a region.
  void predict(Cut& cut, double cycles) const {
    const std::int64_t tiles = cut.region.tiles();
    const auto points = static_cast<double>(cut.points());
    const auto lanes = static_cast<double>(set_.lanes);
    const auto tasks = static_cast<double>(cut.tasks);
    // Of the work, not of the time of a task.
    const double used = used_share(cut);
    // Few tasks end with the longest of them.
    const bool few = tasks * used < 2.0 * cut.threads;
    const double blocks = few ? static_cast<double>(cut.task_blocks)
                              : static_cast<double>(cut.row_blocks) /
                                    static_cast<double>(ceil_div(cut.row_blocks, cut.task_blocks));
    const double product = points * blocks * cycles;

    const auto channels = static_cast<double>(cut.channels);
    double in = 0;
    if (cut.lanes == Lanes::tiles) {
      const auto lines = static_cast<double>(cut.region.tile_rows * cut.down.m + cut.down.r - 1);
      const double vectors = std::ceil(static_cast<double>(cut.region.tile_cols + 1) / lanes) *
                             (cut.across.m + cut.across.t());
      in = channels *
           (std::ceil(static_cast<double>(tiles) / lanes) * points *
                costs::winograd::kInCyclesPerPoint +
            lines * (costs::winograd::kDeinterleaveCyclesPerImageRow +
                     vectors * costs::winograd::kDeinterleaveCyclesPerVector +
                     (problem_.dilation.w == 1
                          ? 0
                          : costs::winograd::kGatherCyclesPerPixel *
                                static_cast<double>(cut.region.tile_cols) * cut.across.m)));
    } else {
      in = std::ceil(channels / lanes) * static_cast<double>(tiles) * points *
           costs::winograd::kInCyclesPerPoint;
    }
    const double out =
        blocks * static_cast<double>(tiles) * (cut.tiles->rows() / lanes) *
        (points * costs::winograd::kOutCyclesPerPoint +
         (scatters_ ? cut.down.m * cut.across.m * costs::tile::kScatterNearCyclesPerVector : 0));

    const double share =
        few ? std::ceil(tasks / cut.threads) : std::max(1.0, tasks * used / cut.threads);
    const double cycle = 1e-9 / machine_.rates.ghz;
    cut.product_seconds = product * cycle * share;
    cut.transform_seconds = (in + out) * cycle * share;
    cut.thread_seconds = cut.threads == 1 ? 0 : machine_.rates.fork_join_seconds;

    // Every task reads its weights once, from where they stay between two tasks. Each chunk of them
    // arrives while its first tile is computed, which waits; asking for the next one while this one
    // is multiplied made all layers slower, by 3 to 25 %.
    const double task_bytes = blocks * cut.tiles->rows() * channels * points * sizeof(float);
    const auto weights = static_cast<double>(cut.biases_at) * sizeof(float);
    const Rates& rates = machine_.rates;
    const double left =
        static_cast<double>(machine_.caches.l2_bytes) - static_cast<double>(thread_bytes(cut));
    const double rate = weights < left ? rates.l2_bytes_per_second
                        : weights < static_cast<double>(machine_.caches.l3_bytes) / 2
                            ? rates.l3_bytes_per_second
                            : rates.dram_bytes_per_second;
    cut.weight_seconds = task_bytes / rate * share;
    cut.pack_seconds = weights / sizeof(float) * form_.t() *
                       costs::winograd::kPackCyclesPerProduct * cycle /
                       (cut.packs_in_run ? cut.threads : 1);
  }

  Form form_;
  int rows_;
  const Problem& problem_;
  const Limits& limits_;
  const Machine& machine_;
  const kernels::TileSet& set_;
  const kernels::WinogradKernels& kernels_;
  Cut base_;
  bool scatters_ = false;  // outputs of a phase lie apart in lines of pixels
};

}  // namespace

std::int64_t Cut::thread_floats() const {
  const std::int64_t v = saturated_product({points(), v_plane});
  const std::int64_t m = saturated_product({points(), m_plane, m_blocks});
  const std::int64_t rest = table_floats + magnitude_floats + mark_floats + scratch_floats;
  return saturated_sum(saturated_sum(rest, v), m);
}

std::size_t Cut::workspace_bytes() const {
  const std::int64_t own =
      saturated_product({threads, thread_floats(), std::int64_t{sizeof(float)}});
  return static_cast<std::size_t>(saturated_sum(own, static_cast<std::int64_t>(shared_bytes())));
}

std::size_t Cut::shared_bytes() const { return packs_in_run ? (weights_bytes + 63) / 64 * 64 : 0; }

std::size_t least_workspace_bytes(const Form& form, const Problem& problem, const Limits& limits) {
  Machine widest;
  widest.target = Target::avx3;
  return Chooser(form, 0, problem, limits, widest)
      .smallest(TilesOfRows::of(widest.target).back())
      .workspace_bytes();
}

Cut choose_cut(const Form& form, int rows, const Problem& problem, const Limits& limits,
               const Machine& machine) {
  return Chooser(form, rows, problem, limits, machine).best();
}

}  // namespace plait::algorithm::winograd
