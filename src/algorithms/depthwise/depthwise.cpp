// Depthwise convolution: one input channel per group, lines of pixels as lanes.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "algorithms/depthwise/cut.hpp"
#include "algorithms/depthwise/plane_lines.hpp"
#include "core/algorithm.hpp"
#include "core/counts.hpp"
#include "core/error_model.hpp"
#include "core/subnormals.hpp"
#include "kernels/loop_tally.hpp"

namespace plait::depthwise {
namespace {

// === mathematics ===
// With m = c_o / c_i outputs to a channel, for every image and channel c and o = c m .. c m + m -
// 1:
//   y[n, o, i, j] = act( sum over u, v of K[o, 0, u, v] * plane[i s_h + u d_h, j s_w + v d_w]
//                        + bias[o] + residual[n, o, i, j] )
// The plane is x[n, c] with its padding. The lines that a block of output lines needs are copied
// into a strip, once for all m outputs, split into the phases of the stride, so that every tap is a
// shifted load.
//
// When it wins and loses, measured:
// TODO

constexpr std::string_view kRoom = "depthwise";

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
Verdict accepts_problem(const Problem& problem) {
  if (problem.direction != Direction::forward) {
    return Verdict::no("only the forward direction, not " +
                       std::string(name_of(problem.direction)));
  }
  if (problem.dtype != Dtype::f32) {
    return Verdict::no("only f32, not " + std::string(name_of(problem.dtype)));
  }
  if (problem.c_i != problem.groups) {
    return Verdict::no("only one input channel to a group, not " +
                       std::to_string(problem.c_i / problem.groups));
  }
  const auto slope = static_cast<float>(problem.activation.slope);
  if (problem.activation.slope != 0 && (slope == 0 || !std::isfinite(slope))) {
    return Verdict::no("the slope of leaky does not fit f32");
  }
  return Verdict::yes();
}

// Forward, f32, one input channel per group; every padding mode, activation, stride and layout. A
// strip of one line of output must fit under the cap, and 32 bits must address it.
Verdict accepts(const Problem& problem, const Limits& limits, const Machine& machine) {
  Verdict verdict = accepts_problem(problem);
  if (!verdict) return verdict;
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
                         (problem.w_o() + lanes - 1) / lanes * lanes, problem.depth()});
  cost.additions = cost.multiplications;
  cost.workspace_bytes = cut.workspace_bytes();
  cost.packed_bytes = limits.prepacked ? packed_size(problem) : 0;
  cost.pack_seconds = static_cast<double>(cost.packed_bytes) / machine.rates.dram_bytes_per_second;
  cost.product_seconds = cut.product_seconds;
  cost.gather_seconds = cut.gather_seconds;
  cost.thread_seconds = cut.thread_seconds;

  const std::int64_t moved =
      saturated_sum(bytes_of(problem.x_shape()), bytes_of(problem.y_shape()));
  const std::int64_t bytes = saturated_sum(moved, bytes_of(problem.kernel_shape()));
  const bool from_memory = bytes > machine.caches.l3_bytes;
  cost.l2_bytes = bytes;
  cost.dram_bytes = from_memory ? bytes : 0;
  const double move_seconds =
      static_cast<double>(bytes) / cut.threads /
      (from_memory ? machine.rates.dram_bytes_per_second : machine.rates.l3_bytes_per_second);
  cost.memory_seconds = std::max(0.0, move_seconds - cost.product_seconds);
  cost.predicted_seconds =
      cost.product_seconds + cost.gather_seconds + cost.memory_seconds + cost.thread_seconds;
  cost.error_rms = chunked_sum_rms(problem.depth(), kernels::kChunk);
  cost.error_bound = chunked_sum_bound(problem.depth(), kernels::kChunk);
  return cost;
}

// === pack ===
// Weights as they are, then the biases.
struct Weights {
  const float* kernel;
  const float* bias;  // or null
};

Weights weights_of(const Problem& problem, const Args& args) {
  if (args.packed == nullptr) {
    return {static_cast<const float*>(args.kernel), static_cast<const float*>(args.bias)};
  }
  const auto* kernel = reinterpret_cast<const float*>(args.packed);
  return {kernel, problem.bias ? kernel + element_count(problem.kernel_shape()) : nullptr};
}

// === run ===
enum Loop : std::size_t { kLineTiles, kColumnBlocks, kOutputs, kPlanes, kLineBlocks, kPlaneBlocks };
constexpr std::array<kernels::LoopLevel, 6> kLoops = {{{"line tiles", true},
                                                       {"column blocks", true},
                                                       {"outputs", false},
                                                       {"planes", false},
                                                       {"line blocks", true},
                                                       {"plane blocks", false}}};

class Depthwise final : public Execution {
 public:
  Depthwise(const Problem& problem, const Cut& cut, Target target)
      : problem_(problem),
        kernels_(kernels::plane_kernels(target)),
        geometry_(problem, kernels_.lanes),
        cut_(cut),
        y_strides_(problem.effective_y_strides()),
        residual_strides_(problem.effective_residual_strides()) {
    switch (cut.tile(cut.tile_lines).form) {
      case kernels::PlaneForm::taps:
        offsets_ = geometry_.tap_offsets(problem.k_h, problem.k_w);
        break;
      case kernels::PlaneForm::rows:
        offsets_ = geometry_.tap_offsets(1, problem.k_w);
        break;
      case kernels::PlaneForm::fixed:
        break;
    }
  }

  std::string packed_format() const override { return format_of(problem_); }

  void pack(const void* kernel, const void* bias, std::byte* out) const override {
    const auto kernel_bytes = static_cast<std::size_t>(bytes_of(problem_.kernel_shape()));
    std::memcpy(out, kernel, kernel_bytes);
    if (problem_.bias) std::memcpy(out + kernel_bytes, bias, packed_size(problem_) - kernel_bytes);
  }

  void run(const Args& args) const override;
  int threads() const override { return cut_.threads; }

  std::string config() const override {
    const kernels::PlaneTile& tile = cut_.tile(cut_.tile_lines);
    const int delta = tile.vectors * kernels_.lanes;
    return "delta " + std::to_string(delta) + ": tiles of " + std::to_string(tile.lines) +
           (tile.lines == 1 ? " line x " : " lines x ") + std::to_string(delta) +
           " outputs, strips of " + std::to_string(cut_.block_lines) +
           (cut_.block_lines == 1 ? " line, " : " lines, ") +
           std::to_string(cut_.strip_floats * std::int64_t{sizeof(float)}) + " bytes";
  }

 private:
  friend class Task;

  Problem problem_;
  const kernels::PlaneKernels& kernels_;
  Geometry geometry_;
  Cut cut_;
  Dims y_strides_;
  Dims residual_strides_;
  std::vector<std::int32_t> offsets_;
};

// One thread's part of a run.
class Task {
 public:
  // `workspace` is the thread's own.
  Task(const Depthwise& room, const Args& args, std::byte* workspace, kernels::LoopTally* tally)
      : room_(room),
        args_(args),
        problem_(room.problem_),
        h_o_(problem_.h_o()),
        w_o_(problem_.w_o()),
        depth_(problem_.depth()),
        cut_(room.cut_),
        lines_(problem_, room.geometry_, room.kernels_, static_cast<const float*>(args.x)),
        weights_(weights_of(problem_, args)),
        strips_(reinterpret_cast<float*>(workspace)),
        tally_(tally) {
    const ActivationKind kind = problem_.activation.kind;
    const bool clamps = kind <= ActivationKind::relu6;
    finishes_ = problem_.residual || !clamps;
    tile_.row_stride = room.geometry_.row_stride;
    tile_.phase_stride = room.geometry_.pitch;
    tile_.line_stride = room.geometry_.line_stride();
    tile_.offsets = room.offsets_.data();
    tile_.k_h = problem_.k_h;
    tile_.k_w = problem_.k_w;
    tile_.epilogue.relu = !finishes_ && kind != ActivationKind::none;
    tile_.epilogue.six = !finishes_ && kind == ActivationKind::relu6;
    line_buffer_ = strips_ + cut_.block_planes * cut_.strip_floats;
    residual_buffer_ = line_buffer_ + cut_.line_floats;
    tile_.chunk_sums = residual_buffer_ + cut_.residual_floats;
  }

  // Output lines [line, line + block_lines) of all outputs of planes [plane, plane + block_planes).
  // All strips are written before the first is read: what was stored just now cannot be loaded at
  // other boundaries before it has reached the cache.
  void run_block(std::int64_t plane, std::int64_t line) {
    const std::int64_t lines = std::min(cut_.block_lines, h_o_ - line);
    const std::int64_t planes = std::min(cut_.block_planes, problem_.n * problem_.c_i - plane);
    for (std::int64_t p = 0; p < planes; ++p) {
      const std::int64_t n = (plane + p) / problem_.c_i;
      lines_.fill(n, plane + p - n * problem_.c_i, line, lines, strips_ + p * cut_.strip_floats);
    }
    for (std::int64_t p = 0; p < planes; ++p) {
      strip_ = strips_ + p * cut_.strip_floats;
      run_plane(plane + p, line, lines);
      count(kPlanes, p);
    }
    count(kLineBlocks, line / cut_.block_lines, lines < cut_.block_lines);
    count(kPlaneBlocks, plane / cut_.block_planes);
  }

 private:
  void count(std::size_t loop, std::int64_t round, bool partial = false) {
    if (tally_ != nullptr) tally_->round(loop, round, partial);
  }

  void run_plane(std::int64_t plane, std::int64_t line, std::int64_t lines) {
    const std::int64_t n = plane / problem_.c_i;
    const std::int64_t outputs = problem_.c_o / problem_.c_i;
    const std::int64_t o = (plane - n * problem_.c_i) * outputs;
    for (std::int64_t i = 0; i < outputs; ++i) {
      run_output(n, o + i, line, lines);
      count(kOutputs, i);
    }
  }

  void run_output(std::int64_t n, std::int64_t o, std::int64_t line, std::int64_t lines) {
    tile_.weights = weights_.kernel + o * depth_;
    tile_.epilogue.bias = weights_.bias == nullptr ? nullptr : weights_.bias + o;
    for (std::int64_t column = 0; column < w_o_; column += cut_.block_columns) {
      tile_.columns = std::min(cut_.block_columns, w_o_ - column);
      for (std::int64_t i = 0; i < lines;) {
        if (args_.cancelled()) return;
        const kernels::PlaneTile& tile = cut_.tile(lines - i);
        tile_.plane = strip_ + room_.geometry_.lead + i * tile_.line_stride + column;
        run_tile(tile, n, o, line + i, column);
        count(kLineTiles, i / cut_.tile_lines, tile.lines < cut_.tile_lines);
        i += tile.lines;
      }
      count(kColumnBlocks, column / cut_.block_columns, tile_.columns < cut_.block_columns);
    }
  }

  // tile.lines lines of output from (line, column) on.
  void run_tile(const kernels::PlaneTile& tile, std::int64_t n, std::int64_t o, std::int64_t line,
                std::int64_t column) {
    const Dims& y = room_.y_strides_;
    float* const out =
        static_cast<float*>(args_.y) + n * y[0] + o * y[1] + line * y[2] + column * y[3];
    const bool in_place = y[3] == 1;
    tile_.out = in_place ? out : line_buffer_;
    tile_.out_stride = in_place ? y[2] : cut_.line_floats / cut_.tile_lines;
    const std::int64_t products = tile.function(tile_);
    if (tally_ != nullptr) tally_->multiply(products);
    if (!finishes_ && in_place) return;
    for (int i = 0; i < tile.lines; ++i) {
      float* const from = tile_.out + i * tile_.out_stride;
      if (finishes_) {
        room_.kernels_.finish(problem_.activation, residual_line(n, o, line + i, column), from,
                              tile_.columns);
      }
      if (in_place) continue;
      for (std::int64_t j = 0; j < tile_.columns; ++j) out[i * y[2] + j * y[3]] = from[j];
    }
  }

  // The residual side by side, or null.
  const float* residual_line(std::int64_t n, std::int64_t o, std::int64_t line,
                             std::int64_t column) {
    if (!problem_.residual) return nullptr;
    const Dims& strides = room_.residual_strides_;
    const float* from = static_cast<const float*>(args_.residual) + n * strides[0] +
                        o * strides[1] + line * strides[2] + column * strides[3];
    if (strides[3] == 1) return from;
    for (std::int64_t j = 0; j < tile_.columns; ++j) residual_buffer_[j] = from[j * strides[3]];
    return residual_buffer_;
  }

  const Depthwise& room_;
  const Args& args_;
  const Problem& problem_;
  std::int64_t h_o_, w_o_, depth_;
  const Cut& cut_;
  PlaneLines lines_;
  Weights weights_;
  float* strips_;  // of the planes of a block
  float* strip_ = nullptr;
  float* line_buffer_;
  float* residual_buffer_;
  kernels::LoopTally* tally_;  // or null
  bool finishes_;              // residual or activation come in a pass of their own over a tile
  kernels::PlaneArgs tile_;
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

// Blocks in order, a stretch to each thread, which takes from the others' when its own is done: a
// plane then mostly meets the thread that it met in the last run, and its cache.
class Stretches {
 public:
  Stretches(std::int64_t blocks, int threads)
      : blocks_(blocks), count_(std::min<std::int64_t>(threads, kMost)) {
    for (std::int64_t i = 0; i < count_; ++i) next_[static_cast<std::size_t>(i)].block = begin(i);
  }

  // The next block for a thread, or -1.
  std::int64_t take(int thread) {
    for (std::int64_t i = 0; i < count_; ++i) {
      const std::int64_t stretch = (thread + i) % count_;
      if (next_[static_cast<std::size_t>(stretch)].block >= begin(stretch + 1)) continue;
      const std::int64_t block = next_[static_cast<std::size_t>(stretch)].block++;
      if (block < begin(stretch + 1)) return block;
    }
    return -1;
  }

 private:
  static constexpr std::int64_t kMost = 16;  // threads beyond share
  struct alignas(64) Next {
    std::atomic<std::int64_t> block;
  };

  std::int64_t begin(std::int64_t i) const {
    return blocks_ / count_ * i + std::min(i, blocks_ % count_);
  }

  std::int64_t blocks_;
  std::int64_t count_;
  std::array<Next, kMost> next_;
};

void Depthwise::run(const Args& args) const {
  const std::int64_t line_blocks = (problem_.h_o() + cut_.block_lines - 1) / cut_.block_lines;
  const std::int64_t planes = problem_.n * problem_.c_i;
  Stretches stretches((planes + cut_.block_planes - 1) / cut_.block_planes * line_blocks,
                      cut_.threads);
  kernels::SharedTally tally;
  auto task = [&](int index) {
    const FlushSubnormals flush;
    kernels::LoopTally counts;
    alignas(64) std::array<std::byte, kStackBytes> stack;
    std::byte* const own =
        cut_.on_stack ? stack.data()
                      : args.workspace + static_cast<std::size_t>(index) * cut_.thread_bytes();
    Task part(*this, args, own, args.report != nullptr ? &counts : nullptr);
    for (std::int64_t i = stretches.take(index); i >= 0 && !args.cancelled();
         i = stretches.take(index)) {
      part.run_block(i / line_blocks * cut_.block_planes, i % line_blocks * cut_.block_lines);
    }
    if (args.report != nullptr) tally.merge(counts);
  };
  args.executor->run(cut_.threads, task);
  if (args.report != nullptr)
    *args.report = report_of(tally.total(), kernels_.target, cut_.threads);
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
