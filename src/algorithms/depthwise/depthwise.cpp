// Depthwise convolution: one input channel per group, pixels or channels as lanes.
#include <algorithm>
#include <array>
#include <cstring>

#include "algorithms/algorithm.hpp"
#include "algorithms/depthwise/pixel_blocking.hpp"
#include "algorithms/depthwise/pixel_task.hpp"
#include "algorithms/depthwise/plane_blocking.hpp"
#include "algorithms/depthwise/plane_rows.hpp"
#include "algorithms/depthwise/plane_task.hpp"
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
// The plane is x[n, c] with its padding. Over planes, lanes are the pixels of a row. The input rows
// that a block of output rows needs are copied into a strip in L1, once for all m outputs, and
// split into the phases of the stride (core/problem/phases.hpp), so that every tap is a shifted
// load. Only neighbouring output rows can share a load, so a tile computes several: row r of the
// plane is row r - i s_h of the window of output row i. Source for the tiles: Zhang, Lo, Lu 2020,
// High Performance Depthwise and Pointwise Convolutions on Mobile Devices.
//
// Over pixels, lanes are the channels, where those of a pixel of y lie side by side (NHWC). A tap
// is a vector of weights times a vector of x as it lies, and a tile of several rows x pixels shares
// its loads. Tiles read x in place. Only tiles whose windows reach into the padding read a copy,
// and the tiles of the next rows read the rows that it already has. The terms are added in the same
// order, so that the bits are the same.
//
// When it wins and loses, measured:
// GFLOP/s of direct/pixels and of depthwise on one thread, and of depthwise on two threads. The FMA
// peak is 185 GFLOP/s per core. Medians of four alternations [Emerald Rapids VM, AVX-512, GCC 12.2,
// 2026-11-26].
//                                         direct  one  two
//   3x3, 32 channels at 112 px                22    53   105
//   3x3 with stride 2, 64 channels at 112 px   7    22    52
//   3x3, 128 channels at 56 px                23    49   108
//   3x3, 512 channels at 14 px                12    31    53
//   3x3, 1024 channels at 7 px                 5    13    22
//   3x3, 32 channels, 2 outputs each, 56 px   26    74   134
//   5x5, 240 channels at 28 px                33    68   123
//   7x7, 96 channels at 56 px                 46    97   197
//   31x31, 64 channels at 56 px               42   135   268
//   9x9 of one channel, 8 outputs, 1024 px   122   113   227
//   31x31 of one channel, 4 outputs, 1024 px 136   143   283
// Tiles that read from L1 alone reach 154 GFLOP/s (3x3 at 56 px, 7 rows), 145 (7x7) and 162
// (31x31). Memory bounds 3x3: the first layer takes 137 us, and copying its x to y takes 108 us. On
// two threads each half of it fits an L2. Reading a strip larger than a quarter of L1 does not
// overlap with the loads from memory: the second layer then takes 268 us, not 165. With whole
// planes as strips, prefetching the next plane made the first layer slower (203 us, not 170), and
// prefetching the rows of y gained nothing.
//
// Time in microseconds for NHWC on two threads: of the form over planes, which gathers its rows
// pixel by pixel, or of another algorithm if that was faster; and of the form over pixels.
//                                          planes  pixels
//   3x3, 32 channels at 112 px               2670      66
//   3x3 with stride 2, 64 channels at 112 px 2880      68
//   3x3, 512 channels at 14 px                917      25
//   5x5, 240 channels at 28 px               1360      68
//   7x7, 96 channels at 56 px                 720     147
//   31x31, 64 channels at 56 px              2240    1900
//   3x3, 32 channels, 2 outputs each, 56 px   893      63
//   3x3, 32 channels at 56 px, NCHW to NHWC   111      49
// A tile computes all its channels before the next tile begins. One vector of channels at a time
// takes 1.1 to 1.9 times as long, as every cache line is then fetched for one vector alone. With
// prefetched outputs it takes 0.92 of the time if x and y do not fit L2 (112 px), and 1.05 if they
// do. Depthwise loses where many outputs share an input channel, whose loads direct/pixels shares.

constexpr std::string_view kName = "depthwise";
constexpr std::int64_t kMostPhases = 4096;  // each is kept in a table

// === config ===
// plane_blocking.hpp and pixel_blocking.hpp choose tiles, blocks and threads; the faster one runs.
struct Config {
  PlaneBlocking planes;
  PixelBlocking pixels;
  bool by_pixels;

  bool fits() const { return by_pixels || planes.fits(); }
};

Config config(const Problem& problem, const Limits& limits, const Machine& machine) {
  Config chosen{
      choose_plane_blocking(problem, Geometry(problem, lanes_of(machine.target)), limits, machine),
      choose_pixel_blocking(problem, limits, machine), false};
  const PixelBlocking& pixels = chosen.pixels;
  const PlaneBlocking& planes = chosen.planes;
  chosen.by_pixels = pixels.fits() && (!planes.fits() || pixels.seconds() <= planes.seconds());
  return chosen;
}

// Weights are packed for planes and for pixels: one format serves every target and layout.
std::string format_of(const Problem& problem) {
  return std::string(kName) + " " + packed_weight_text(problem) + (problem.bias ? " bias" : "");
}

// === accepts ===
// It takes forward problems in f32 with one input channel per group, and every padding mode,
// activation, stride and layout. The strip of an output row must fit under the cap and in 32 bits.
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
  const auto take = [&cost](const auto& blocking) {
    cost.workspace_bytes = blocking.workspace_bytes();
    take_times(blocking, cost);
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
// pack() writes the weights as [k_h k_w][c_o], which tiles over pixels read, the weights as they
// are, which tiles over planes read, and the biases.
void transpose(const Problem& problem, const float* kernel, float* to) {
  const std::int64_t taps = problem.k_h * problem.k_w;
  for (std::int64_t o = 0; o < problem.c_o; ++o) {
    for (std::int64_t k = 0; k < taps; ++k) to[k * problem.c_o + o] = kernel[o * taps + k];
  }
}

struct Packed {
  Packed(const Problem& problem, const std::byte* packed)
      : transposed(reinterpret_cast<const float*>(packed)),
        plain(transposed + element_count(problem.weight_shape())),
        bias(problem.bias ? plain + element_count(problem.weight_shape()) : nullptr) {}

  const float* transposed;
  const float* plain;
  const float* bias;
};

// === run ===
class Depthwise : public Execution {
 public:
  Depthwise(const Problem& problem, Target target, int threads)
      : problem_(problem), target_(target), threads_(threads) {}

  std::string packed_format() const override { return format_of(problem_); }

  void pack(const void* weight, const void* bias, std::byte* out) const override {
    const auto weight_bytes = static_cast<std::size_t>(bytes_of(problem_.weight_shape()));
    transpose(problem_, static_cast<const float*>(weight), reinterpret_cast<float*>(out));
    std::memcpy(out + weight_bytes, weight, weight_bytes);
    if (problem_.bias) {
      std::memcpy(out + 2 * weight_bytes, bias, packed_size(problem_) - 2 * weight_bytes);
    }
  }

  int threads() const override { return threads_; }

 protected:
  const Problem& problem() const { return problem_; }
  // Every thread calls make_task(thread, stack, counters), and the result with each of its blocks.
  template <class MakeTask>
  void run_blocks(const Args& args, std::int64_t blocks, const MakeTask& make_task) const;

 private:
  Problem problem_;
  Target target_;
  int threads_;
};

template <class MakeTask>
void Depthwise::run_blocks(const Args& args, std::int64_t blocks, const MakeTask& make_task) const {
  BlockQueue queue(blocks, threads_);
  kernels::SharedCounters counters;
  auto run = [&](int index) {
    const FlushSubnormals flush;
    kernels::LoopCounters counts;
    alignas(64) std::array<std::byte, kStackBytes> stack;
    auto run_block = make_task(index, stack.data(), args.report != nullptr ? &counts : nullptr);
    for (std::int64_t i = queue.take(index); i >= 0 && !args.cancelled(); i = queue.take(index)) {
      run_block(i);
    }
    if (args.report != nullptr) counters.merge(counts);
  };
  args.executor->run(threads_, run);
  if (args.report != nullptr) {
    *args.report = report_of(counters.total(), kLoops, kName, target_, threads_);
  }
}

// The workspace of thread `index`.
template <class Chosen>
std::byte* own_bytes(const Chosen& blocking, std::byte* workspace, int index, std::byte* stack) {
  return blocking.on_stack ? stack
                           : workspace + static_cast<std::size_t>(index) * blocking.thread_bytes();
}

class ByPlanes final : public Depthwise {
 public:
  ByPlanes(const Problem& problem, const PlaneBlocking& blocking, Target target)
      : Depthwise(problem, kernels::plane_kernels(target).target, blocking.threads),
        layer_(problem, blocking, target) {}

  void run(const Args& args) const override {
    const PlaneBlocking& blocking = layer_.blocking;
    const std::int64_t row_blocks = ceil_div(problem().h_o(), blocking.block_rows);
    const std::int64_t planes = problem().n * problem().c_i;
    const std::int64_t blocks = ceil_div(planes, blocking.block_planes) * row_blocks;
    Weights weights{static_cast<const float*>(args.second), static_cast<const float*>(args.bias)};
    if (args.packed != nullptr) {
      const Packed packed(problem(), args.packed);
      weights = {packed.plain, packed.bias};
    }
    run_blocks(args, blocks, [&](int index, std::byte* stack, kernels::LoopCounters* counters) {
      return
          [&, task = Task(layer_, args, weights, own_bytes(blocking, args.workspace, index, stack),
                          counters)](std::int64_t i) mutable {
            task.run_block(i / row_blocks * blocking.block_planes,
                           i % row_blocks * blocking.block_rows);
          };
    });
  }

  std::string config() const override {
    const PlaneBlocking& blocking = layer_.blocking;
    const kernels::PlaneTile& tile = blocking.tile(blocking.tile_rows);
    const int columns = tile.vectors * layer_.kernels.lanes;
    return "tiles of " + std::to_string(tile.lines) + (tile.lines == 1 ? " row x " : " rows x ") +
           std::to_string(columns) + " outputs, strips of " + std::to_string(blocking.block_rows) +
           (blocking.block_rows == 1 ? " row, " : " rows, ") +
           std::to_string(blocking.strip_floats * std::int64_t{sizeof(float)}) + " bytes";
  }

 private:
  Layer layer_;
};

class ByPixels final : public Depthwise {
 public:
  ByPixels(const Problem& problem, const PixelBlocking& blocking, Target target)
      : Depthwise(problem, kernels::pixel_kernels(target).target, blocking.threads),
        kernels_(kernels::pixel_kernels(target)),
        blocking_(blocking) {}

  void run(const Args& args) const override {
    const std::int64_t row_blocks = ceil_div(problem().h_o(), blocking_.block_rows);
    std::byte* workspace = args.workspace;
    Weights weights;
    if (args.packed != nullptr) {
      const Packed packed(problem(), args.packed);
      weights = {packed.transposed, packed.bias};
    } else {
      auto* transposed = reinterpret_cast<float*>(workspace);
      transpose(problem(), static_cast<const float*>(args.second), transposed);
      weights = {transposed, static_cast<const float*>(args.bias)};
      workspace += static_cast<std::size_t>(blocking_.weight_floats) * sizeof(float);
    }
    run_blocks(args, problem().n * row_blocks,
               [&](int index, std::byte* stack, kernels::LoopCounters* counters) {
                 return [&, task = PixelTask(problem(), blocking_, args, weights, kernels_,
                                             own_bytes(blocking_, workspace, index, stack),
                                             counters)](std::int64_t i) mutable {
                   task.run_block(i / row_blocks, i % row_blocks * blocking_.block_rows);
                 };
               });
  }

  std::string config() const override {
    const kernels::PixelTile& tile = blocking_.tile(blocking_.tile_rows);
    std::string text = "channels as lanes, tiles of " + std::to_string(tile.lines) +
                       (tile.lines == 1 ? " row x " : " rows x ") + std::to_string(tile.pixels) +
                       " pixels";
    if (blocking_.in_place) text += ", input read in place";
    if (blocking_.copy_floats > 0) {
      text += blocking_.in_place ? ", its borders from" : ", from";
      text += " copies of " + std::to_string(blocking_.copy_floats * std::int64_t{sizeof(float)}) +
              " bytes";
    }
    return text;
  }

 private:
  const kernels::PixelKernels& kernels_;
  PixelBlocking blocking_;
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
      {"depthwise", "one input channel per group: rows of a plane in tiles, pixels as lanes", ask}};
  return algorithms;
}

}  // namespace plait::algorithm::depthwise
