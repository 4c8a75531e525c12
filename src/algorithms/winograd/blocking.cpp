#include "algorithms/winograd/blocking.hpp"

#include <algorithm>
#include <array>

#include "algorithms/matmul/matmul.hpp"
#include "algorithms/winograd/direct_sums.hpp"
#include "core/integers.hpp"
#include "core/machine/cycles.hpp"

namespace plait::algorithm::winograd {
namespace {

// Rounds up to an odd number of cache lines, so that the same place in neighbouring planes falls
// into different sets of a cache.
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
    base_.down_phases = Phases(problem.dilation.h, problem.h_o());
    base_.across_phases = Phases(problem.dilation.w, problem.w_o());
    base_.tile_rows = ceil_div(base_.down_phases.outputs, base_.down.m);
    base_.tile_cols = ceil_div(base_.across_phases.outputs, base_.across.m);
    base_.packs_in_run = !limits.prepacked;
    const kernels::ProductShape shape = product_shape(problem);
    base_.non_temporal = shape.leaves_caches(machine);
    scatters_ = problem.dilation.w > 1 && shape.order == kernels::OutputOrder::image_rows;
  }

  // The blocking with the smallest workspace: one tile at a time on one thread.
  Blocking smallest(const TilesOfRows& tiles) const {
    Blocking blocking = base_;
    set_rows(tiles, blocking);
    set_region(1, blocking);
    blocking.task_blocks = 1;
    blocking.threads = 1;
    set_lengths(blocking);
    set_channel_block(std::min(blocking.channels, form_.chunk()), blocking);
    return blocking;
  }

  Blocking best() const {
    Blocking best;
    for (const TilesOfRows& tiles : TilesOfRows::of(machine_.target)) {
      if (rows_ != 0 && tiles.rows() != rows_) continue;
      Blocking blocking = base_;
      set_rows(tiles, blocking);
      consider_rows(blocking, best);
    }
    return best;
  }

 private:
  void set_rows(const TilesOfRows& tiles, Blocking& blocking) const {
    blocking.tiles = &tiles;
    const std::int64_t per_group = problem_.c_o / problem_.groups;
    blocking.row_blocks = ceil_div(per_group, blocking.tiles->rows());
    const std::int64_t blocks = saturated_product({problem_.groups, blocking.row_blocks});
    const auto rows_of = [&](std::int64_t each) {
      return saturated_product({blocks, blocking.tiles->rows(), each});
    };
    blocking.biases_at = rows_of(saturated_product({blocking.points(), blocking.channels}));
    blocking.kernel_at = saturated_sum(blocking.biases_at, rows_of(1));
    blocking.limits_at = saturated_sum(
        blocking.kernel_at, rows_of(saturated_product({blocking.taps(), blocking.channels})));
    blocking.weights_bytes = static_cast<std::size_t>(saturated_product(
        {saturated_sum(blocking.limits_at, blocks), std::int64_t{sizeof(float)}}));
  }

  void consider_rows(Blocking& blocking, Blocking& best) const {
    const std::int64_t all = saturated_product({blocking.tile_rows, blocking.tile_cols});
    const TileCycles of_tile = tile_cycles(blocking);
    std::int64_t last = 0;
    for (const std::int64_t most : {224, 112, 84, 56, 42, 28, 14, 4, 1}) {
      set_region(std::min<std::int64_t>(most, all), blocking);
      if (blocking.region.tiles() == last) continue;
      last = blocking.region.tiles();
      const double cycles = point_cycles(blocking, last, of_tile);
      if (best.fits() && least_seconds(blocking, cycles) >= best.seconds()) continue;
      const bool capped = limits_.max_workspace_bytes != kNoWorkspaceCap;
      for (const std::int64_t parts :
           {std::int64_t{1}, std::int64_t{limits_.threads}, capped ? blocking.row_blocks : 1}) {
        blocking.task_blocks = ceil_div(blocking.row_blocks, parts);
        if (set_workspace(blocking)) {
          predict(blocking, cycles);
          if (!best.fits() || blocking.seconds() < best.seconds()) best = blocking;
        }
        if (blocking.row_blocks == 1) break;
      }
    }
  }

  // Regions of at most `most` tiles are whole rows of tiles or parts of a row, about equal.
  void set_region(std::int64_t most, Blocking& blocking) const {
    const std::int64_t rows =
        std::clamp<std::int64_t>(most / blocking.tile_cols, 1, blocking.tile_rows);
    blocking.region.tile_rows = ceil_div(blocking.tile_rows, ceil_div(blocking.tile_rows, rows));
    const std::int64_t cols = std::min(most, blocking.tile_cols);
    blocking.region.tile_cols = ceil_div(blocking.tile_cols, ceil_div(blocking.tile_cols, cols));
    blocking.regions = saturated_product({ceil_div(blocking.tile_rows, blocking.region.tile_rows),
                                          ceil_div(blocking.tile_cols, blocking.region.tile_cols)});
  }

  // Chooses the most channels with which a thread keeps to three quarters of L2, and never exceeds
  // the cap. Returns false if smaller regions should be tried, or if nothing fits.
  bool set_workspace(Blocking& blocking) const {
    blocking.tasks =
        saturated_product({problem_.n, problem_.groups, blocking.phases(), blocking.regions,
                           ceil_div(blocking.row_blocks, blocking.task_blocks)});
    blocking.threads = static_cast<int>(std::min<std::int64_t>(limits_.threads, blocking.tasks));
    set_lengths(blocking);
    const std::int64_t budget = machine_.caches.l2_bytes / 4 * 3;
    const auto fits = [&] { return thread_bytes(blocking) <= budget && keeps_cap(blocking); };
    set_channel_block(blocking.channels, blocking);
    if (fits()) return true;
    // With several blocks of channels a task must keep the sums of all its rows.
    const std::int64_t chunks = ceil_div(blocking.channels, form_.chunk());
    for (std::int64_t block = chunks - 1; block > 0; block = block / 2) {
      set_channel_block(block * form_.chunk(), blocking);
      if (fits()) return true;
    }
    const bool smallest = blocking.region.tiles() == 1;
    return smallest && keeps_cap(blocking);
  }

  // Sets the parts of the workspace that do not depend on the block of channels.
  void set_lengths(Blocking& blocking) const {
    const std::int64_t inputs = blocking.region.tile_rows * blocking.down.m + blocking.down.r +
                                blocking.region.tile_cols * blocking.across.m + blocking.across.r;
    blocking.table_floats = round_up(inputs * 2, kCacheLineFloats);
    blocking.scratch_floats =
        blocking.lanes == Lanes::tiles
            ? round_up(kernels_.scratch_floats(blocking.region), kCacheLineFloats)
            : 0;
    const std::int64_t rows = blocking.region.tile_rows * blocking.down.m + blocking.down.r - 1;
    blocking.magnitude_floats =
        saturated_product({rows, kernels_.magnitude_pitch(blocking.region)});
    blocking.mark_floats = round_up(blocking.region.tiles() * 2, kCacheLineFloats);  // 64 bits each
  }

  // Whether the workspace keeps to the cap, if necessary after reducing the threads.
  bool keeps_cap(Blocking& blocking) const {
    if (blocking.workspace_bytes() <= limits_.max_workspace_bytes) return true;
    const auto own = static_cast<std::size_t>(thread_bytes(blocking));
    const std::size_t shared = blocking.shared_bytes();
    if (limits_.max_workspace_bytes < shared + own) return false;
    blocking.threads = static_cast<int>((limits_.max_workspace_bytes - shared) / own);
    return true;
  }

  static std::int64_t thread_bytes(const Blocking& blocking) {
    return saturated_product({blocking.thread_floats(), std::int64_t{sizeof(float)}});
  }

  void set_channel_block(std::int64_t block, Blocking& blocking) const {
    blocking.channel_block = block;
    const std::int64_t tiles = blocking.region.tiles();
    // Products may read and write columns beyond the last tile.
    const std::int64_t columns = tiles <= blocking.tiles->most_columns()
                                     ? blocking.tiles->at_least(tiles).cols
                                     : tiles + blocking.tiles->most_columns();
    if (blocking.lanes == Lanes::tiles) {
      // Stores across two cache lines take twice as long.
      blocking.v_pitch = tiles < kCacheLineFloats ? tiles : round_up(tiles, kCacheLineFloats);
      blocking.v_plane =
          odd_lines(saturated_product({block, blocking.v_pitch}) + 2 * kCacheLineFloats);
    } else {
      blocking.v_pitch = odd_lines(block);
      blocking.v_plane = odd_lines(saturated_product({columns, blocking.v_pitch}));
    }
    // It must also hold what a chunk of direct sums of the narrowest tile reads.
    const std::int64_t direct =
        std::min(blocking.channels, DirectBlocking::channels_of_chunk(blocking)) * blocking.down.r *
        (blocking.direct_tiles->at_least(1).cols + blocking.across.r - 1);
    blocking.v_plane = std::max(blocking.v_plane, odd_lines(ceil_div(direct, blocking.points())));
    blocking.m_plane = odd_lines(columns * blocking.tiles->rows());
    blocking.m_blocks = block == blocking.channels ? 1 : blocking.task_blocks;
  }

  using TileCycles =
      std::array<double, TilesOfRows::kMostColumns + 1>;  // indexed by the tile's columns

  // Cycles of each register tile over all channels.
  TileCycles tile_cycles(const Blocking& blocking) const {
    const auto lanes = static_cast<double>(set_.lanes);
    const double vectors = blocking.tiles->rows() / lanes;
    const double registers = costs::vector_registers(set_.target);
    const auto depth = static_cast<double>(blocking.channels);
    const double chunks = std::ceil(depth / static_cast<double>(form_.chunk()));
    TileCycles cycles{};
    for (const kernels::Tile& tile : set_.tiles) {
      if (tile.rows != blocking.tiles->rows()) continue;
      const double fmas = tile.cols * vectors;
      const double loads = vectors + tile.cols;
      // Few sums do not hide the latency of the multiply-adds.
      const double busy =
          std::max({fmas / machine_.rates.vector_fmas_per_cycle,
                    loads / costs::kBroadcastLoadsPerCycle, costs::kMultiplyAddLatencyCycles});
      // Whether sums, weights and the input need more registers than there are
      // (channel_tile-inl.h).
      const bool spills = fmas + vectors + 1 > registers;
      cycles[static_cast<std::size_t>(tile.cols)] =
          depth * busy * (spills ? costs::winograd::kSpillTimes : 1) +
          chunks *
              (costs::tile::kCallCyclesPerChunk + costs::tile::kStoreCyclesPerVector * fmas / 2);
    }
    return cycles;
  }

  // Cycles of the register tiles of one block of rows at one point.
  static double point_cycles(const Blocking& blocking, std::int64_t tiles,
                             const TileCycles& of_tile) {
    // TilesOfRows::split makes ranges of two widths. If both have a tile, that gives the cycles.
    const std::int64_t ranges = ceil_div(tiles, blocking.tiles->most_columns());
    const std::int64_t wider = tiles % ranges;
    const double narrow_cycles = of_tile[static_cast<std::size_t>(tiles / ranges)];
    const double wide_cycles = of_tile[static_cast<std::size_t>(ceil_div(tiles, ranges))];
    if (narrow_cycles > 0 && wide_cycles > 0) {
      return static_cast<double>(ranges - wider) * narrow_cycles +
             static_cast<double>(wider) * wide_cycles;
    }
    double cycles = 0;
    blocking.tiles->split(tiles, [&](std::int64_t /*first*/, const kernels::Tile& tile) {
      cycles += of_tile[static_cast<std::size_t>(tile.cols)];
    });
    return cycles;
  }

  // The tiles that exist as a share of those of whole regions; regions at the ends may be smaller.
  static double used_share(const Blocking& blocking) {
    return static_cast<double>(blocking.tile_rows) * static_cast<double>(blocking.tile_cols) /
           (static_cast<double>(blocking.regions) * static_cast<double>(blocking.region.tiles()));
  }

  // A lower bound of the time: all products and transforms, and weights from L2, spread evenly over
  // all threads. The factor 0.999 keeps rounding from ruling out the best blocking.
  double least_seconds(const Blocking& blocking, double cycles) const {
    const auto images =
        static_cast<double>(saturated_product({problem_.n, problem_.groups, blocking.phases()}));
    const double regions = images * static_cast<double>(blocking.regions) * used_share(blocking);
    const double tiles = regions * static_cast<double>(blocking.region.tiles());
    const auto points = static_cast<double>(blocking.points());
    const auto channels = static_cast<double>(blocking.channels);
    const auto blocks = static_cast<double>(blocking.row_blocks);
    const double rows = blocks * blocking.tiles->rows();
    const double transforms = tiles * points / set_.lanes *
                              (channels * costs::winograd::kInCyclesPerPoint +
                               rows * costs::winograd::kOutCyclesPerPoint);
    const double weights = regions * points * rows * channels * sizeof(float);
    const double seconds =
        (regions * blocks * points * cycles + transforms) * 1e-9 / machine_.rates.ghz +
        weights / machine_.rates.l2_bytes_per_second;
    return 0.999 * seconds / limits_.threads;
  }

  // `cycles` is point_cycles() of a whole region.
  void predict(Blocking& blocking, double cycles) const {
    const std::int64_t tiles = blocking.region.tiles();
    const auto points = static_cast<double>(blocking.points());
    const auto lanes = static_cast<double>(set_.lanes);
    const auto tasks = static_cast<double>(blocking.tasks);
    // Smaller regions at the ends shorten the whole work, but not the longest task.
    const double used = used_share(blocking);
    // With few tasks the longest one decides.
    const bool few = tasks * used < 2.0 * blocking.threads;
    const double blocks =
        few ? static_cast<double>(blocking.task_blocks)
            : static_cast<double>(blocking.row_blocks) /
                  static_cast<double>(ceil_div(blocking.row_blocks, blocking.task_blocks));
    const double product = points * blocks * cycles;

    const auto channels = static_cast<double>(blocking.channels);
    double in = 0;
    if (blocking.lanes == Lanes::tiles) {
      const auto image_rows =
          static_cast<double>(blocking.region.tile_rows * blocking.down.m + blocking.down.r - 1);
      const double vectors = std::ceil(static_cast<double>(blocking.region.tile_cols + 1) / lanes) *
                             (blocking.across.m + blocking.across.t());
      in = channels * (std::ceil(static_cast<double>(tiles) / lanes) * points *
                           costs::winograd::kInCyclesPerPoint +
                       image_rows * (costs::winograd::kDeinterleaveCyclesPerImageRow +
                                     vectors * costs::winograd::kDeinterleaveCyclesPerVector +
                                     (problem_.dilation.w == 1
                                          ? 0
                                          : costs::winograd::kGatherCyclesPerPixel *
                                                static_cast<double>(blocking.region.tile_cols) *
                                                blocking.across.m)));
    } else {
      in = std::ceil(channels / lanes) * static_cast<double>(tiles) * points *
           costs::winograd::kInCyclesPerPoint;
    }
    const double out =
        blocks * static_cast<double>(tiles) * (blocking.tiles->rows() / lanes) *
        (points * costs::winograd::kOutCyclesPerPoint +
         (scatters_ ? blocking.down.m * blocking.across.m * costs::tile::kScatterNearCyclesPerVector
                    : 0));

    const double share =
        few ? std::ceil(tasks / blocking.threads) : std::max(1.0, tasks * used / blocking.threads);
    const double cycle = 1e-9 / machine_.rates.ghz;
    blocking.product_seconds = product * cycle * share;
    blocking.gather_seconds = (in + out) * cycle * share;
    blocking.thread_seconds = blocking.threads == 1 ? 0 : machine_.rates.fork_join_seconds;

    // Every task reads its weights once, from the cache level that holds them between two tasks.
    // The first tile of each chunk waits for them. Prefetching the next chunk during a product made
    // all layers slower, by 3 to 25 %.
    const double task_bytes = blocks * blocking.tiles->rows() * channels * points * sizeof(float);
    const auto weights = static_cast<double>(blocking.biases_at) * sizeof(float);
    const Rates& rates = machine_.rates;
    const double left =
        static_cast<double>(machine_.caches.l2_bytes) - static_cast<double>(thread_bytes(blocking));
    const double rate = weights < left ? rates.l2_bytes_per_second
                        : weights < static_cast<double>(machine_.caches.l3_bytes) / 2
                            ? rates.l3_bytes_per_second
                            : rates.dram_bytes_per_second;
    blocking.weight_seconds = task_bytes / rate * share;
    blocking.pack_seconds = weights / sizeof(float) * form_.t() *
                            costs::winograd::kPackCyclesPerProduct * cycle /
                            (blocking.packs_in_run ? blocking.threads : 1);
  }

  Form form_;
  int rows_;
  const Problem& problem_;
  const Limits& limits_;
  const Machine& machine_;
  const kernels::TileSet& set_;
  const kernels::WinogradKernels& kernels_;
  Blocking base_;
  bool scatters_ = false;  // outputs of a phase lie apart in rows of pixels
};

}  // namespace

std::int64_t Blocking::thread_floats() const {
  const std::int64_t v = saturated_product({points(), v_plane});
  const std::int64_t m = saturated_product({points(), m_plane, m_blocks});
  const std::int64_t rest = table_floats + magnitude_floats + mark_floats + scratch_floats;
  return saturated_sum(saturated_sum(rest, v), m);
}

std::size_t Blocking::workspace_bytes() const {
  const std::int64_t own =
      saturated_product({threads, thread_floats(), std::int64_t{sizeof(float)}});
  return static_cast<std::size_t>(saturated_sum(own, static_cast<std::int64_t>(shared_bytes())));
}

std::size_t Blocking::shared_bytes() const {
  return packs_in_run ? (weights_bytes + 63) / 64 * 64 : 0;
}

std::size_t least_workspace_bytes(const Form& form, const Problem& problem, const Limits& limits) {
  Machine widest;
  widest.target = Target::avx3;
  return Chooser(form, 0, problem, limits, widest)
      .smallest(TilesOfRows::of(widest.target).back())
      .workspace_bytes();
}

Blocking choose_blocking(const Form& form, int rows, const Problem& problem, const Limits& limits,
                         const Machine& machine) {
  return Chooser(form, rows, problem, limits, machine).best();
}

}  // namespace plait::algorithm::winograd
