// Winograd's convolution: m x m outputs of an r x r kernel take (m + r - 1)^2 products for each
// pair of an input and an output channel.
#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include <hwy/cache_control.h>

#include "algorithms/algorithm.hpp"
#include "algorithms/matmul/matmul.hpp"
#include "algorithms/winograd/blocking.hpp"
#include "algorithms/winograd/errors.hpp"
#include "algorithms/winograd/task.hpp"
#include "algorithms/winograd/weights.hpp"
#include "algorithms/winograd/work.hpp"
#include "core/threads/subnormals.hpp"

namespace plait::algorithm::winograd {
namespace {

// === mathematics ===
// For every tile d of t x t inputs of a channel c, t = m + r - 1, and every kernel g:
//   y[o] = A^T ( sum over c of (G g[o, c] G^T) . (B^T d[c] B) ) A  + bias + residual
// "." multiplies element by element: each of the t^2 points takes one matrix product over the
// channels, where the direct sum has r^2 products for each of m^2 outputs.
// kernels/winograd/toom_cook.hpp derives the matrices. A task takes a region of tiles whose
// transformed inputs stay in L2. It computes the products of one block of output channels at all
// points, transforms and stores these outputs, and goes on with the next block. Nothing of the size
// of the layer is ever stored. Sums over channels are split into chunks, so that their error hardly
// grows with the number of channels.
//
// A kernel of one row or one column is transformed along its other axis alone, with t products for
// m outputs. A dilated layer is split into phases, layers of dilation 1 over every d-th row and
// column, which are tasks of their own. Tiles with inputs that are not finite, or far larger than
// those in the window of one of their outputs, are computed by the sums of the definition instead
// (guard.hpp, direct_sums.hpp). Sources: Winograd 1980; Lavin, Gray 2016; for points other than
// 0, 1, 2: Barabasz et al. 2020, Error Analysis and Improving the Accuracy of Winograd Convolution.
//
// When it wins and loses, measured:
// Effective GFLOP/s (2 x products of the direct sum / time). Columns: the better variant of direct
// and three forms on one thread, then the forms on two threads. The FMA peak is 185 GFLOP/s per
// core. Best of two runs [Emerald Rapids VM, AVX-512, GCC 12.2, 2026-11-26].
//                                  direct  f2x3  f4x3  f6x3     f2x3  f4x3  f6x3
//   64 -> 64 channels at 56 px        159   274   417   382      576   836   717
//   64 -> 64 at 224 px                148   217   293   291      418   581   586
//   128 -> 128 at 28 px               171   320   429   401      587   791   728
//   256 -> 256 at 56 px               168   274   413   306      610   893   659
//   256 -> 256 at 14 px               169   305   298   223      603   622   407
//   512 -> 512 at 7 px                149   180   131    71      352   255   136
//                                  direct  f2x5  f3x5  f4x5     f2x5  f3x5  f4x5
//   32 -> 96 at 28 px                 181   350   438   640      692   870  1125
//   128 -> 128 at 256 px              151   292   409   518      585   801  1046
// Dilated layers, and kernels of one row or column, on two threads:
//                                     direct  f2x3  f4x3  f6x3
//   64 -> 64 at 56 px, dilation 2        314   385   502   419
//   256 -> 256 at 33 px, dilation 2      315   478   548   535
//   512 -> 512 at 33 px, dilation 4      297   402   387   234
//   64 -> 64 at 56 px, 1x3               288   301   436   358
//   384 -> 384 at 8 px, 3x1              314   425   508   350
//                                     direct  f2x7  f4x5
//   192 -> 192 at 17 px, 1x7             307   388
//   256 -> 256 at 28 px, 1x5             324         633
// At 224 px y alone has 12.8 MB, and computing does not overlap with memory. At 14 and 7 px a task
// reads each weight, from L3, for 16 tiles only, and transformed weights have 4 or 7 times as many
// bytes as the given ones. Transforms take a quarter of the time at 64 channels, and a twentieth at
// 256. Large forms lose in dilated layers because phases are narrow, and tiles extend beyond them.
// Winograd loses where channels are few, since a product then serves few outputs, and where weights
// are not packed beforehand.
//
// Tried without gain: prefetching the next weights while one chunk is multiplied (3 to 25 %
// slower); planes of V for one or for eight channels instead of all (within 3 %, from 128 channels
// on slower by up to 40 %). Not tried: strides, as phases of smaller kernels. F(4, 2) on the four
// phases of a 3x3 kernel at stride 2 takes 100 products for 16 outputs, where the direct sum takes
// 144, and the transforms besides.

constexpr std::string_view kName = "winograd";

std::string name_of(const Form& form) {
  return std::string(kName) + "/f" + std::to_string(form.m) + "x" + std::to_string(form.r);
}

// === config ===
// blocking.hpp chooses the region of tiles, the blocks and the threads.

// The number of rows of the register tiles as required_tile_rows() returns it.
int required_rows(const Form& form, const Problem& problem, const Limits& limits,
                  const Machine& machine) {
  return required_tile_rows(name_of(form), kernels::channel_tile_set(machine.target), problem,
                            limits);
}

Blocking config(const Form& form, const Question& question) {
  const auto& [problem, limits, machine, planner] = question;
  const int rows = required_rows(form, problem, limits, machine);
  return rows < 0 ? Blocking{} : choose_blocking(form, rows, problem, limits, machine);
}

// === accepts ===
// It takes forward problems in f32 at stride 1 whose kernels have either one tap or the form's r
// taps along each axis, with every dilation, padding, layout, activation and number of groups. With
// few input channels in a group the form must be asked for by name.

// Over fewer channels direct sums are faster. Their time divided by that of the best form: over 1
// to 3 channels 0.13 to 1.04 for 3x3 kernels, and 0.35 to 0.8 for kernels of one row or column; for
// 5x5 kernels 0.5 to 1.09 over 2 channels, and 1.1 to 1.5 over 3, but 0.64 to 0.70 at 224 px [16
// and 64 outputs, 28 to 224 px, one thread of an AMD Zen 5 VM, AVX-512, 2026-11-30].
std::int64_t fewest_channels(const Form& form, const Problem& problem) {
  return form.r == 5 && axes_of(problem) == 2 ? 3 : 4;
}

std::optional<Refusal> refuse(const Form& form, const Problem& problem, const Limits& limits) {
  if (auto refusal = refuse_as_product(problem)) return refusal;
  const auto size_text = [](std::int64_t h, std::int64_t w) {
    return std::to_string(h) + "x" + std::to_string(w);
  };
  const auto fits = [&](std::int64_t taps) { return taps == 1 || taps == form.r; };
  const int most_axes = form.r <= kMostTapsBothWays ? 2 : 1;
  const int axes = axes_of(problem);
  if (!fits(problem.k_h) || !fits(problem.k_w) || axes == 0 || axes > most_axes) {
    return Refusal{"only " + (most_axes == 2 ? size_text(form.r, form.r) + ", " : std::string()) +
                   size_text(1, form.r) + " and " + size_text(form.r, 1) + " kernels, not " +
                   size_text(problem.k_h, problem.k_w)};
  }
  if (problem.stride.h != 1 || problem.stride.w != 1) {
    return Refusal{"only stride 1, not " + size_text(problem.stride.h, problem.stride.w)};
  }
  const std::int64_t channels = problem.c_i / problem.groups;
  const std::int64_t fewest = fewest_channels(form, problem);
  if (channels < fewest && limits.algorithm.empty() && limits.packed_format.empty()) {
    return Refusal{"at least " + std::to_string(fewest) +
                   " input channels to a group unless asked for by name, not " +
                   std::to_string(channels) + ": direct sums are faster"};
  }
  if (limits.tile_columns != 0) {
    return Refusal{"its tiles are cut from those of the layer, not of " +
                   std::to_string(limits.tile_columns) + " columns"};
  }
  if (limits.max_workspace_bytes != kNoWorkspaceCap) {
    const std::size_t least = least_workspace_bytes(form, problem, limits);
    if (least > limits.max_workspace_bytes) {
      return Refusal{"nothing works within " + std::to_string(limits.max_workspace_bytes) +
                     " bytes of workspace, it takes " + std::to_string(least)};
    }
  }
  return std::nullopt;
}

// === cost ===
Cost cost_of(const Blocking& blocking, const Problem& problem, const Machine& machine) {
  const Form& form = blocking.form;
  Cost cost;
  const Work work = work_of(problem, blocking);
  cost.multiplications = work.products;
  cost.useful_multiplications = work.useful_products;
  cost.additions = cost.multiplications +
                   kernels::chunk_additions(cost.multiplications, blocking.channels, form.chunk());
  cost.transform_operations = work.transform_operations;
  cost.workspace_bytes = blocking.workspace_bytes();
  cost.packed_bytes = blocking.packs_in_run ? 0 : blocking.weights_bytes;
  take_times(blocking, cost);
  cost.l2_bytes = operand_bytes(problem);
  complete_cost(problem, machine, blocking.threads, cost);
  cost.memory_seconds += blocking.weight_seconds;
  cost.predicted_seconds += blocking.weight_seconds;
  cost.error_rms = expected_rms(form, axes_of(problem), blocking.channels);
  cost.error_bound = error_gamma(form, axes_of(problem), blocking.channels);
  cost.error_range = range_of(form);
  cost.error_floor = error_floor(form, axes_of(problem), problem.depth());
  cost.error_tile = form.m;
  return cost;
}

// === pack ===
// weights.hpp transforms the weights and packs them.

// === run ===
class Winograd final : public Execution {
 public:
  Winograd(const Problem& problem, const Blocking& blocking) : layer_(problem, blocking) {}

  std::string packed_format() const override {
    const Blocking& blocking = layer_.blocking;
    return product_format(name_of(blocking.form), layer_.problem, blocking.target,
                          blocking.tiles->rows());
  }

  void pack(const void* weight, const void* bias, std::byte* out) const override {
    for (std::int64_t block = 0; block < weight_blocks(layer_.problem, layer_.blocking); ++block) {
      transform_weights(layer_.problem, layer_.blocking, static_cast<const float*>(weight),
                        static_cast<const float*>(bias), block, reinterpret_cast<float*>(out));
    }
  }

  void run(const Args& args) const override;
  int threads() const override { return layer_.blocking.threads; }

  std::string config() const override {
    const Blocking& blocking = layer_.blocking;
    return "regions of " + std::to_string(blocking.region.tile_rows) + " x " +
           std::to_string(blocking.region.tile_cols) + " tiles, " +
           std::to_string(blocking.channel_block) + " input and " +
           std::to_string(std::min(blocking.task_blocks * blocking.tiles->rows(),
                                   layer_.problem.c_o / layer_.problem.groups)) +
           " output channels, register tiles of " + std::to_string(blocking.tiles->rows()) + " x " +
           std::to_string(blocking.tiles->most_columns());
  }

 private:
  Layer layer_;
};

void Winograd::run(const Args& args) const {
  const Blocking& blocking = layer_.blocking;
  const auto* weights = reinterpret_cast<const float*>(args.packed);
  std::byte* workspace = args.workspace;
  if (weights == nullptr) {
    auto* const transformed = reinterpret_cast<float*>(workspace);
    workspace += blocking.shared_bytes();
    std::atomic<std::int64_t> next = 0;
    args.executor->run(blocking.threads, [&](int /*index*/) {
      const std::int64_t blocks = weight_blocks(layer_.problem, blocking);
      for (std::int64_t b = next++; b < blocks && !args.cancelled(); b = next++) {
        transform_weights(layer_.problem, blocking, static_cast<const float*>(args.second),
                          static_cast<const float*>(args.bias), b, transformed);
      }
    });
    weights = transformed;
  }
  std::atomic<std::int64_t> next = 0;
  kernels::SharedCounters counters;
  args.executor->run(blocking.threads, [&](int index) {
    const FlushSubnormals flush;
    kernels::LoopCounters counts;
    std::byte* const own =
        workspace + static_cast<std::size_t>(index * blocking.thread_floats()) * sizeof(float);
    Task task(layer_, args, weights, own, args.report != nullptr ? &counts : nullptr);
    for (std::int64_t i = next++; i < blocking.tasks && !args.cancelled(); i = next++) task.run(i);
    if (blocking.non_temporal) hwy::FlushStream();
    if (args.report != nullptr) counters.merge(counts);
  });
  if (args.report != nullptr) {
    *args.report = report_of(counters.total(), kLoops, name_of(blocking.form),
                             kernels::channel_tile_set(blocking.target).target, blocking.threads);
  }
}

// === ask ===
template <std::size_t kForm>
Answer ask(const Question& question) {
  constexpr Form form = kForms[kForm];
  if (auto refusal = refuse(form, question.problem, question.limits)) return *std::move(refusal);
  const Blocking blocking = config(form, question);
  if (!blocking.fits()) {
    return refuse_tiles(name_of(form), kernels::channel_tile_set(question.machine.target),
                        question.limits);
  }
  const auto prepare = [blocking](const Question& asked) {
    return std::make_unique<Winograd>(asked.problem, blocking);
  };
  const Pair output_step{blocking.down.m * question.problem.dilation.h,
                         blocking.across.m * question.problem.dilation.w};
  return Offer{cost_of(blocking, question.problem, question.machine), prepare, output_step};
}

template <std::size_t kForm>
Algorithm algorithm() {
  constexpr Form form = kForms[kForm];
  const int t = form.t();
  const std::string summary =
      form.r <= kMostTapsBothWays
          ? std::to_string(t * t) + " products for " + std::to_string(form.m * form.m) +
                " outputs of a " + std::to_string(form.r) + "x" + std::to_string(form.r) +
                " kernel, which directly take " + std::to_string(form.m * form.m * form.r * form.r)
          : std::to_string(t) + " products for " + std::to_string(form.m) + " outputs of a 1x" +
                std::to_string(form.r) + " kernel, which directly take " +
                std::to_string(form.m * form.r);
  return {name_of(form), summary, ask<kForm>};
}

template <std::size_t... kForm>
std::array<Algorithm, sizeof...(kForm)> algorithms_of(std::index_sequence<kForm...> /*all*/) {
  return {algorithm<kForm>()...};
}

}  // namespace

std::span<const Algorithm> variants() {
  static const auto algorithms = algorithms_of(std::make_index_sequence<std::size(kForms)>());
  return algorithms;
}

}  // namespace plait::algorithm::winograd
