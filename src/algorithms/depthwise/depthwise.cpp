// Depthwise convolution: one input channel per group, lines of pixels as lanes.
#include <algorithm>
#include <array>
#include <cstring>

#include "algorithms/depthwise/cut.hpp"
#include "algorithms/depthwise/plane_lines.hpp"
#include "algorithms/depthwise/task.hpp"
#include "algorithms/product_room.hpp"
#include "core/algorithm.hpp"
#include "core/counts.hpp"
#include "core/subnormals.hpp"
#include "kernels/loop_tally.hpp"
#include "kernels/stretches.hpp"
#include "kernels/tile_cost.hpp"

namespace plait::depthwise {
namespace {

// === mathematics ===
// With m = c_o / c_i, for every image and channel c, and its outputs o from c m to c m + m - 1:
//   y[n, o, i, j] = act( sum over u, v of K[o, 0, u, v] * plane[i s_h + u d_h, j s_w + v d_w]
//                        + bias[o] + residual[n, o, i, j] )
// The plane is x[n, c] with its padding. The lines that a block of output lines needs are copied
// into a strip in L1, once for all m outputs, split into the phases of the stride (strips.cpp), so
// that every tap is a shifted load. Nothing is there to share a load but the lines of output above
// and below: a tile computes several, and row r of the plane serves line i as row r - i s_h of the
// window. Source: Zhang, Lo, Lu 2020, High Performance Depthwise and Pointwise Convolutions on
// Mobile Devices, for the tiles.
//
// When it wins and loses, measured:
// GFLOP/s of strips and of this room on one thread, then this room's on two; peak 185 each. Medians
// of four alternations [Emerald Rapids VM, AVX-512, GCC 12.2, 2026-11-26].
//   3x3, 32 channels at 112 px                 22    53   105
//   3x3 with stride 2, 64 channels at 112 px    7    22    52
//   3x3, 128 channels at 56 px                 23    49   108
//   3x3, 512 channels at 14 px                 12    31    53
//   3x3, 1024 channels at 7 px                  5    13    22
//   3x3, 32 channels, 2 outputs each, 56 px    26    74   134
//   5x5, 240 channels at 28 px                 33    68   123
//   7x7, 96 channels at 56 px                  46    97   197
//   31x31, 64 channels at 56 px                42   135   268
//   9x9 of one channel, 8 outputs, 1024 px    122   113   227
//   31x31 of one channel, 4 outputs, 1024 px  136   143   283
// In L1 the tiles alone reach 154 of 185 (7 lines of 3x3 at 56 px), 145 (7x7), 162 (31x31). 3x3 is
// bound by memory: copying x to y and no more takes 108 us for the first row, which takes 137; the
// two threads' halves of it fit their L2. Strips larger than a quarter of L1 take turns with memory
// instead of overlapping with it: the second row then takes 268 us, not 165. With
// whole planes as strips, prefetching the next plane by hand made the first row slower, 203 us
// instead of 170, and prefetching the lines of y gained nothing.
// It loses where several outputs can share an input, as strips do: the rows of many outputs of one
// channel.

constexpr std::string_view kRoom = "depthwise";
constexpr std::int64_t kMostPhases = 4096;  // each is kept in a table

// === config ===
// Choosing the tile, the blocks and the threads: cut.hpp.

Cut config(const Problem& problem, const Limits& limits, const Machine& machine) {
  return choose_cut(problem, Geometry(problem, lanes_of(machine.target)), limits, machine);
}

// Weights and biases lie as the caller has them, so that one format serves every target.
std::string format_of(const Problem& problem) {
  return std::string(kRoom) + " " + to_string(problem.kernel_shape()) + " g" +
         std::to_string(problem.groups) + (problem.bias ? " bias" : "");
}

// === accepts ===
// Forward, f32, one input channel per group; every padding mode, activation, stride and layout. A
// strip of one line of output must fit under the cap, and 32 bits must address it.
Verdict accepts(const Problem& problem, const Limits& limits, const Machine& machine) {
  Verdict verdict = accepts_as_product(problem);
  if (!verdict) return verdict;
  if (problem.c_i != problem.groups) {
    return Verdict::no("only one input channel to a group, not " +
                       std::to_string(problem.c_i / problem.groups));
  }
  const std::int64_t phases = Axis(problem.k_w, problem.stride.w, problem.dilation.w).phases;
  if (phases > kMostPhases) {
    return Verdict::no("the columns of the window fall into " + std::to_string(phases) +
                       " phases of the stride, of at most " + std::to_string(kMostPhases));
  }
  const std::string format = format_of(problem);
  if (!limits.packed_format.empty() && limits.packed_format != format) {
    return Verdict::no("packs weights as \"" + format + "\", not \"" + limits.packed_format + "\"");
  }
  if (config(problem, limits, machine).fits()) return Verdict::yes();
  std::string reason = "no depthwise tile";
  if (limits.delta != 0) reason += " of delta " + std::to_string(limits.delta);
  if (limits.max_workspace_bytes != kNoWorkspaceCap) {
    return Verdict::no(reason + " works within " + std::to_string(limits.max_workspace_bytes) +
                       " bytes of workspace");
  }
  return Verdict::no(
      limits.delta != 0 ? reason : "one line of output needs a strip of more than 2^31 floats");
}

// === cost ===
std::int64_t bytes_of(const Dims& shape) {
  return saturated_product({element_count(shape), std::int64_t{sizeof(float)}});
}

std::size_t packed_size(const Problem& problem) {
  return static_cast<std::size_t>(
      saturated_sum(bytes_of(problem.kernel_shape()), problem.bias ? problem.c_o * 4 : 0));
}

Cost estimate(const Problem& problem, const Limits& limits, const Machine& machine) {
  const Cut cut = config(problem, limits, machine);
  const std::int64_t lanes = lanes_of(machine.target);
  Cost cost;
  cost.multiplications =
      saturated_product({problem.n, problem.c_o, problem.h_o(),
                         kernels::round_up(problem.w_o(), lanes), problem.depth()});
  cost.additions = cost.multiplications;
  cost.workspace_bytes = cut.workspace_bytes();
  cost.packed_bytes = limits.prepacked ? packed_size(problem) : 0;
  cost.pack_seconds = static_cast<double>(cost.packed_bytes) / machine.rates.dram_bytes_per_second;
  cost.product_seconds = cut.product_seconds;
  cost.gather_seconds = cut.gather_seconds;
  cost.thread_seconds = cut.thread_seconds;

  cost.l2_bytes = operand_bytes(problem);
  complete_cost(problem, machine, cut.threads, cost);
  return cost;
}

// === pack ===
// Weights as they are, then the biases.
Weights weights_of(const Problem& problem, const Args& args) {
  if (args.packed == nullptr) {
    return {static_cast<const float*>(args.kernel), static_cast<const float*>(args.bias)};
  }
  const auto* kernel = reinterpret_cast<const float*>(args.packed);
  return {kernel, problem.bias ? kernel + element_count(problem.kernel_shape()) : nullptr};
}

// === run ===
class Depthwise final : public Execution {
 public:
  Depthwise(const Problem& problem, const Cut& cut, Target target) : layer_(problem, cut, target) {}

  std::string packed_format() const override { return format_of(layer_.problem); }

  void pack(const void* kernel, const void* bias, std::byte* out) const override {
    const auto kernel_bytes = static_cast<std::size_t>(bytes_of(layer_.problem.kernel_shape()));
    std::memcpy(out, kernel, kernel_bytes);
    if (layer_.problem.bias) {
      std::memcpy(out + kernel_bytes, bias, packed_size(layer_.problem) - kernel_bytes);
    }
  }

  void run(const Args& args) const override;
  int threads() const override { return layer_.cut.threads; }

  std::string config() const override {
    const Cut& cut = layer_.cut;
    const kernels::PlaneTile& tile = cut.tile(cut.tile_lines);
    const int delta = tile.vectors * layer_.kernels.lanes;
    return "delta " + std::to_string(delta) + ": tiles of " + std::to_string(tile.lines) +
           (tile.lines == 1 ? " line x " : " lines x ") + std::to_string(delta) +
           " outputs, strips of " + std::to_string(cut.block_lines) +
           (cut.block_lines == 1 ? " line, " : " lines, ") +
           std::to_string(cut.strip_floats * std::int64_t{sizeof(float)}) + " bytes";
  }

 private:
  Layer layer_;
};

RunReport report_of(const kernels::LoopTally& tally, Target target, int threads) {
  RunReport report{std::string(kRoom), target, threads, tally.multiplications()};
  for (std::size_t level = 0; level < kLoops.size(); ++level) {
    const kernels::LoopTally::Count& count = tally.count(level);
    const bool covered = kLoops[level].has_tail ? count.whole_twice_and_tail : count.rounds >= 2;
    report.loops.push_back({std::string(kLoops[level].name), count.rounds, covered});
  }
  return report;
}

void Depthwise::run(const Args& args) const {
  const Cut& cut = layer_.cut;
  const std::int64_t line_blocks = kernels::ceil_div(layer_.problem.h_o(), cut.block_lines);
  const std::int64_t planes = layer_.problem.n * layer_.problem.c_i;
  kernels::Stretches stretches(kernels::ceil_div(planes, cut.block_planes) * line_blocks,
                               cut.threads);
  kernels::SharedTally tally;
  auto run_blocks = [&](int index) {
    const FlushSubnormals flush;
    kernels::LoopTally counts;
    alignas(64) std::array<std::byte, kStackBytes> stack;
    std::byte* const own =
        cut.on_stack ? stack.data()
                     : args.workspace + static_cast<std::size_t>(index) * cut.thread_bytes();
    Task task(layer_, args, weights_of(layer_.problem, args), own,
              args.report != nullptr ? &counts : nullptr);
    for (std::int64_t i = stretches.take(index); i >= 0 && !args.cancelled();
         i = stretches.take(index)) {
      task.run_block(i / line_blocks * cut.block_planes, i % line_blocks * cut.block_lines);
    }
    if (args.report != nullptr) tally.merge(counts);
  };
  args.executor->run(cut.threads, run_blocks);
  if (args.report != nullptr) {
    *args.report = report_of(tally.total(), layer_.kernels.target, cut.threads);
  }
}

std::unique_ptr<Execution> prepare(const Problem& problem, const Limits& limits,
                                   const Machine& machine) {
  return std::make_unique<Depthwise>(problem, config(problem, limits, machine), machine.target);
}

}  // namespace

std::span<const Algorithm> forms() {
  static const Algorithm algorithms[] = {
      {"depthwise", "one input channel per group: lines of a plane in tiles, pixels as lanes",
       accepts, estimate, prepare}};
  return algorithms;
}

}  // namespace plait::depthwise
