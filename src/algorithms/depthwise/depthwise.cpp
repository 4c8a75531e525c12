// Depthwise convolution: one input channel per group, pixels or channels as lanes.
#include <algorithm>
#include <array>
#include <cstring>

#include "algorithms/algorithm.hpp"
#include "algorithms/depthwise/cut.hpp"
#include "algorithms/depthwise/pixel_cut.hpp"
#include "algorithms/depthwise/pixel_task.hpp"
#include "algorithms/depthwise/plane_lines.hpp"
#include "algorithms/depthwise/task.hpp"
#include "algorithms/matmul/matmul.hpp"
#include "core/integers.hpp"
#include "core/problem/canonical_problem.hpp"
#include "core/threads/block_queue.hpp"
#include "core/threads/subnormals.hpp"
#include "kernels/tile/loop_counters.hpp"

namespace plait::algorithm::depthwise {
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
// Where the channels of a pixel of y lie side by side (NHWC), lanes run along the channels instead:
// a tap is a vector of weights times a vector of x as it lies, and a tile of several lines x pixels
// shares what it loads. x is read in place; only tiles whose windows reach beyond it read a copy,
// whose rows pass from one line of tiles to the next. The order of the sum is the same, and the
// bits.
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
// In NHWC, microseconds of the form over planes, which picks its lines pixel by pixel, or of the
// algorithm that was faster, and over pixels; two threads.
//   3x3, 32 channels at 112 px               2670    66
//   3x3 with stride 2, 64 channels at 112 px 2880    68
//   3x3, 512 channels at 14 px                917    25
//   5x5, 240 channels at 28 px               1360    68
//   7x7, 96 channels at 56 px                 720   147
//   31x31, 64 channels at 56 px              2240  1900
//   3x3, 32 channels, 2 outputs each, 56 px   893    63
//   3x3, 32 channels at 56 px, NCHW to NHWC  111    49
// All channels of a tile before the next tile: a vector of channels at a time takes 1.1 to 1.9
// times as long, as each cache line is fetched for itself. Asking for y early takes 0.92 of the
// time where x and y do not fit L2 (112 px), and 1.05 where they do. It loses where several outputs
// can share an input, as strips do: the rows of many outputs of one channel.

constexpr std::string_view kName = "depthwise";
constexpr std::int64_t kMostPhases = 4096;  // each is kept in a table

// === config ===
// Choosing the tiles, the blocks and the threads: over planes cut.hpp, over pixels pixel_cut.hpp.
struct Config {
  Cut planes;
  PixelCut pixels;
  bool by_pixels;

  bool fits() const { return by_pixels || planes.fits(); }
};

Config config(const Problem& problem, const Limits& limits, const Machine& machine) {
  Config chosen{choose_cut(problem, Geometry(problem, lanes_of(machine.target)), limits, machine),
                choose_pixel_cut(problem, limits, machine), false};
  const PixelCut& pixels = chosen.pixels;
  const Cut& planes = chosen.planes;
  chosen.by_pixels = pixels.fits() && (!planes.fits() || pixels.seconds() <= planes.seconds());
  return chosen;
}

// Weights lie in the order of either way, so that one format serves every target and layout.
std::string format_of(const Problem& problem) {
  return std::string(kName) + " " + packed_weight_text(problem) + (problem.bias ? " bias" : "");
}

// === accepts ===
// Forward, f32, one input channel per group; every padding mode, activation, stride and layout. A
// strip of one line of output must fit under the cap, and 32 bits must address it.
std::optional<Refusal> refuse(const Problem& problem, const Limits& limits) {
  if (auto refusal = refuse_as_product(problem)) return refusal;
  if (problem.c_i != problem.groups) {
    return Refusal{"only one input channel to a group, not " +
                   std::to_string(problem.c_i / problem.groups)};
  }
  const std::int64_t phases = AxisPhases(problem.k_w, problem.stride.w, problem.dilation.w).phases;
  if (phases > kMostPhases) {
    return Refusal{"the columns of the window fall into " + std::to_string(phases) +
                   " phases of the stride, of at most " + std::to_string(kMostPhases)};
  }
  const std::string format = format_of(problem);
  if (!limits.packed_format.empty() && limits.packed_format != format) {
    return Refusal{"packs weights as \"" + format + "\", not \"" + limits.packed_format + "\""};
  }
  return std::nullopt;
}

Refusal refuse_blocking(const Limits& limits) {
  std::string reason = "no depthwise tile";
  if (limits.tile_columns != 0) reason += " of " + std::to_string(limits.tile_columns) + " columns";
  if (limits.max_workspace_bytes != kNoWorkspaceCap) {
    return {reason + " works within " + std::to_string(limits.max_workspace_bytes) +
            " bytes of workspace"};
  }
  return {limits.tile_columns != 0 ? reason
                                   : "one row of output needs a strip of more than 2^31 floats"};
}

// === cost ===
std::int64_t bytes_of(const Dims& shape) {
  return saturated_product({element_count(shape), std::int64_t{sizeof(float)}});
}

std::size_t packed_size(const Problem& problem) {
  return static_cast<std::size_t>(
      saturated_sum(saturated_product({bytes_of(problem.weight_shape()), 2}),
                    problem.bias ? problem.c_o * 4 : 0));
}

Cost cost_of(const Config& chosen, const Question& question) {
  const Problem& problem = question.problem;
  const Machine& machine = question.machine;
  const std::int64_t lanes = lanes_of(machine.target);
  Cost cost;
  const auto take = [&cost](const auto& cut) {
    cost.workspace_bytes = cut.workspace_bytes();
    cost.product_seconds = cut.product_seconds;
    cost.gather_seconds = cut.gather_seconds;
    cost.thread_seconds = cut.thread_seconds;
  };
  if (chosen.by_pixels) {
    take(chosen.pixels);
    cost.multiplications = products_of(chosen.pixels, problem, lanes);
  } else {
    take(chosen.planes);
    cost.multiplications = saturated_product(
        {problem.n, problem.c_o, problem.h_o(), round_up(problem.w_o(), lanes), problem.depth()});
  }
  cost.useful_multiplications = problem.multiplications();
  cost.additions = cost.multiplications +
                   kernels::chunk_additions(cost.multiplications, problem.depth(), kernels::kChunk);
  cost.packed_bytes = question.limits.prepacked ? packed_size(problem) : 0;
  cost.pack_seconds = static_cast<double>(cost.packed_bytes) / machine.rates.dram_bytes_per_second;
  cost.l2_bytes = operand_bytes(problem);
  const int threads = chosen.by_pixels ? chosen.pixels.threads : chosen.planes.threads;
  complete_cost(problem, machine, threads, cost);
  return cost;
}

// === pack ===
// Weights as the pixels take them, [k_h k_w][c_o], then as they are, then the biases.
void turn(const Problem& problem, const float* kernel, float* to) {
  const std::int64_t taps = problem.k_h * problem.k_w;
  for (std::int64_t o = 0; o < problem.c_o; ++o) {
    for (std::int64_t k = 0; k < taps; ++k) to[k * problem.c_o + o] = kernel[o * taps + k];
  }
}

struct Packed {
  Packed(const Problem& problem, const std::byte* packed)
      : turned(reinterpret_cast<const float*>(packed)),
        plain(turned + element_count(problem.weight_shape())),
        bias(problem.bias ? plain + element_count(problem.weight_shape()) : nullptr) {}

  const float* turned;
  const float* plain;
  const float* bias;
};

// === run ===
class Depthwise : public Execution {
 public:
  Depthwise(const Problem& problem, Target target, int threads)
      : problem_(problem), target_(target), threads_(threads) {}

  std::string packed_format() const override { return format_of(problem_); }

  void pack(const void* kernel, const void* bias, std::byte* out) const override {
    const auto kernel_bytes = static_cast<std::size_t>(bytes_of(problem_.weight_shape()));
    turn(problem_, static_cast<const float*>(kernel), reinterpret_cast<float*>(out));
    std::memcpy(out + kernel_bytes, kernel, kernel_bytes);
    if (problem_.bias) {
      std::memcpy(out + 2 * kernel_bytes, bias, packed_size(problem_) - 2 * kernel_bytes);
    }
  }

  int threads() const override { return threads_; }

 protected:
  const Problem& problem() const { return problem_; }
  // Calls make_task(index, stack, tally) in every thread, and what it returns with every block.
  template <class MakeTask>
  void run_blocks(const Args& args, std::int64_t blocks, const MakeTask& make_task) const;

 private:
  Problem problem_;
  Target target_;
  int threads_;
};

template <class MakeTask>
void Depthwise::run_blocks(const Args& args, std::int64_t blocks, const MakeTask& make_task) const {
  BlockQueue stretches(blocks, threads_);
  kernels::SharedCounters tally;
  auto run = [&](int index) {
    const FlushSubnormals flush;
    kernels::LoopCounters counts;
    alignas(64) std::array<std::byte, kStackBytes> stack;
    auto run_block = make_task(index, stack.data(), args.report != nullptr ? &counts : nullptr);
    for (std::int64_t i = stretches.take(index); i >= 0 && !args.cancelled();
         i = stretches.take(index)) {
      run_block(i);
    }
    if (args.report != nullptr) tally.merge(counts);
  };
  args.executor->run(threads_, run);
  if (args.report != nullptr) {
    *args.report = report_of(tally.total(), kLoops, kName, target_, threads_);
  }
}

// A thread's share of the workspace.
template <class Chosen>
std::byte* own_bytes(const Chosen& cut, std::byte* workspace, int index, std::byte* stack) {
  return cut.on_stack ? stack : workspace + static_cast<std::size_t>(index) * cut.thread_bytes();
}

class ByPlanes final : public Depthwise {
 public:
  ByPlanes(const Problem& problem, const Cut& cut, Target target)
      : Depthwise(problem, kernels::plane_kernels(target).target, cut.threads),
        layer_(problem, cut, target) {}

  void run(const Args& args) const override {
    const Cut& cut = layer_.cut;
    const std::int64_t line_blocks = ceil_div(problem().h_o(), cut.block_lines);
    const std::int64_t planes = problem().n * problem().c_i;
    const std::int64_t blocks = ceil_div(planes, cut.block_planes) * line_blocks;
    Weights weights{static_cast<const float*>(args.second), static_cast<const float*>(args.bias)};
    if (args.packed != nullptr) {
      const Packed packed(problem(), args.packed);
      weights = {packed.plain, packed.bias};
    }
    run_blocks(args, blocks, [&](int index, std::byte* stack, kernels::LoopCounters* tally) {
      return [&, task = Task(layer_, args, weights, own_bytes(cut, args.workspace, index, stack),
                             tally)](std::int64_t i) mutable {
        task.run_block(i / line_blocks * cut.block_planes, i % line_blocks * cut.block_lines);
      };
    });
  }

  std::string config() const override {
    const Cut& cut = layer_.cut;
    const kernels::PlaneTile& tile = cut.tile(cut.tile_lines);
    const int columns = tile.vectors * layer_.kernels.lanes;
    return "tiles of " + std::to_string(tile.lines) + (tile.lines == 1 ? " line x " : " lines x ") +
           std::to_string(columns) + " outputs, strips of " + std::to_string(cut.block_lines) +
           (cut.block_lines == 1 ? " line, " : " lines, ") +
           std::to_string(cut.strip_floats * std::int64_t{sizeof(float)}) + " bytes";
  }

 private:
  Layer layer_;
};

class ByPixels final : public Depthwise {
 public:
  ByPixels(const Problem& problem, const PixelCut& cut, Target target)
      : Depthwise(problem, kernels::pixel_kernels(target).target, cut.threads),
        kernels_(kernels::pixel_kernels(target)),
        cut_(cut) {}

  void run(const Args& args) const override {
    const std::int64_t line_blocks = ceil_div(problem().h_o(), cut_.block_lines);
    std::byte* workspace = args.workspace;
    Weights weights;
    if (args.packed != nullptr) {
      const Packed packed(problem(), args.packed);
      weights = {packed.turned, packed.bias};
    } else {
      auto* turned = reinterpret_cast<float*>(workspace);
      turn(problem(), static_cast<const float*>(args.second), turned);
      weights = {turned, static_cast<const float*>(args.bias)};
      workspace += static_cast<std::size_t>(cut_.weight_floats) * sizeof(float);
    }
    run_blocks(args, problem().n * line_blocks,
               [&](int index, std::byte* stack, kernels::LoopCounters* tally) {
                 return [&, task = PixelTask(problem(), cut_, args, weights, kernels_,
                                             own_bytes(cut_, workspace, index, stack),
                                             tally)](std::int64_t i) mutable {
                   task.run_block(i / line_blocks, i % line_blocks * cut_.block_lines);
                 };
               });
  }

  std::string config() const override {
    const kernels::PixelTile& tile = cut_.tile(cut_.tile_lines);
    std::string text = "channels as lanes, tiles of " + std::to_string(tile.lines) +
                       (tile.lines == 1 ? " line x " : " lines x ") + std::to_string(tile.pixels) +
                       " pixels";
    if (cut_.in_place) text += ", input read in place";
    if (cut_.copy_floats > 0) {
      text += cut_.in_place ? ", its borders from" : ", from";
      text +=
          " copies of " + std::to_string(cut_.copy_floats * std::int64_t{sizeof(float)}) + " bytes";
    }
    return text;
  }

 private:
  const kernels::PixelKernels& kernels_;
  PixelCut cut_;
};

// === ask ===
Answer ask(const Question& question) {
  if (auto refusal = refuse(question.problem, question.limits)) return *std::move(refusal);
  const Config chosen = config(question.problem, question.limits, question.machine);
  if (!chosen.fits()) return refuse_blocking(question.limits);
  const auto prepare = [chosen](const Question& asked) -> std::unique_ptr<Execution> {
    if (chosen.by_pixels) {
      return std::make_unique<ByPixels>(asked.problem, chosen.pixels, asked.machine.target);
    }
    return std::make_unique<ByPlanes>(asked.problem, chosen.planes, asked.machine.target);
  };
  return Offer{cost_of(chosen, question), prepare};
}

}  // namespace

std::span<const Algorithm> variants() {
  static const Algorithm algorithms[] = {
      {"depthwise", "one input channel per group: lines of a plane in tiles, pixels as lanes",
       ask}};
  return algorithms;
}

}  // namespace plait::algorithm::depthwise
