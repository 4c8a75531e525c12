#include "algorithms/matmul/matmul.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "core/error_model.hpp"
#include "core/integers.hpp"
#include "core/problem/canonical_problem.hpp"

namespace plait {

std::optional<Refusal> refuse_as_product(const Problem& problem) {
  if (problem.direction != Direction::forward) {
    return Refusal{"only the forward direction, not " + std::string(name_of(problem.direction))};
  }
  if (problem.dtype != Dtype::f32) {
    return Refusal{"only f32, not " + std::string(name_of(problem.dtype))};
  }
  const auto slope = static_cast<float>(problem.activation.slope);
  // A subnormal slope may be flushed to 0, and leaky(-inf) is then -0 instead of -inf.
  if (problem.activation.slope != 0 && !std::isnormal(slope)) {
    return Refusal{"the slope of leaky does not fit f32"};
  }
  return std::nullopt;
}

std::int64_t column_step(const Problem& problem) {
  const std::int64_t stride = problem.effective_x_strides()[3];
  const std::int64_t step = saturated_product({problem.stride.w, std::abs(stride)});
  return stride < 0 ? -step : step;
}

kernels::ProductShape product_shape(const Problem& problem) {
  const Dims y = problem.effective_y_strides();
  const auto order = y[3] == 1   ? kernels::OutputOrder::image_rows
                     : y[1] == 1 ? (y[3] < kCacheLineFloats ? kernels::OutputOrder::small_pixels
                                                            : kernels::OutputOrder::pixels)
                                 : kernels::OutputOrder::scattered;
  const auto joins = [width = problem.w_o()](const Dims& strides) {
    return strides[2] == width * strides[3];
  };
  const std::int64_t columns = problem.h_o() * problem.w_o();
  const bool rows_join =
      problem.h_o() == 1 ||
      (joins(y) && (!problem.residual || joins(problem.effective_residual_strides())));
  return {problem.n * problem.groups,
          problem.groups,
          problem.c_o / problem.groups,
          columns,
          problem.depth(),
          order,
          rows_join ? columns : problem.w_o()};
}

std::string product_format(std::string_view algorithm, const Problem& problem, Target target,
                           int tile_rows) {
  return std::string(algorithm) + " " + std::string(name_of(target)) + " r" +
         std::to_string(tile_rows) + " " + packed_weight_text(problem) +
         (problem.bias ? " bias" : "");
}

int required_tile_rows(std::string_view algorithm, const kernels::TileSet& set,
                       const Problem& problem, const Limits& limits) {
  if (limits.packed_format.empty()) return 0;
  for (const kernels::Tile& tile : set.tiles) {
    if (limits.packed_format == product_format(algorithm, problem, set.target, tile.rows)) {
      return tile.rows;
    }
  }
  return -1;
}

kernels::BlockingLimits blocking_limits(std::string_view algorithm, const kernels::TileSet& set,
                                        const Question& question) {
  const Limits& limits = question.limits;
  return {limits.threads, limits.max_workspace_bytes, limits.prepacked,
          required_tile_rows(algorithm, set, question.problem, limits), limits.tile_columns};
}

Refusal refuse_tiles(std::string_view algorithm, const kernels::TileSet& set,
                     const Limits& limits) {
  std::string reason = "no " + std::string(algorithm) + " tile";
  if (limits.tile_columns != 0) {
    std::set<int> widths;
    for (const kernels::Tile& tile : set.tiles) widths.insert(tile.cols);
    std::string known;
    for (const int width : widths) known += (known.empty() ? "" : ", ") + std::to_string(width);
    reason += " of " + std::to_string(limits.tile_columns) + " columns";
    if (!widths.contains(limits.tile_columns)) return {reason + " (there are " + known + ")"};
  }
  if (!limits.packed_format.empty()) {
    reason += " takes weights packed as \"" + limits.packed_format + "\"";
  }
  if (limits.max_workspace_bytes != kNoWorkspaceCap) {
    reason += (limits.packed_format.empty() ? " works within " : " within ") +
              std::to_string(limits.max_workspace_bytes) + " bytes of workspace";
  }
  return {reason};
}

std::int64_t operand_bytes(const Problem& problem) {
  std::int64_t bytes = 0;
  for (const Dims& shape : {problem.x_shape(), problem.weight_shape(), problem.y_shape()}) {
    const auto element_bytes = static_cast<std::int64_t>(size_of(problem.dtype));
    bytes = saturated_sum(bytes, saturated_product({element_count(shape), element_bytes}));
  }
  return bytes;
}

void take_times(const kernels::PredictedTimes& times, Cost& cost) {
  cost.pack_seconds = times.pack_seconds;
  cost.product_seconds = times.product_seconds;
  cost.gather_seconds = times.gather_seconds + (times.packs_in_run ? times.pack_seconds : 0);
  cost.thread_seconds = times.thread_seconds;
}

void complete_cost(const Problem& problem, const Machine& machine, int threads, Cost& cost) {
  const std::int64_t bytes = operand_bytes(problem);
  const bool from_memory = bytes > machine.caches.l3_bytes;
  cost.dram_bytes = from_memory ? bytes : 0;
  const double move_seconds =
      static_cast<double>(bytes) / threads /
      (from_memory ? machine.rates.dram_bytes_per_second : machine.rates.l3_bytes_per_second);
  cost.memory_seconds = std::max(0.0, move_seconds - cost.product_seconds);
  cost.predicted_seconds =
      cost.product_seconds + cost.gather_seconds + cost.memory_seconds + cost.thread_seconds;
  cost.error_rms = chunked_sum_rms(problem.depth(), kernels::kChunk);
  cost.error_bound = chunked_sum_bound(problem.depth(), kernels::kChunk);
  cost.error_floor = flushed_floor(static_cast<double>(problem.depth()), kSmallestNormal);
}

Cost product_cost(const Problem& problem, const Machine& machine,
                  const kernels::PredictedProduct& blocking, int threads,
                  std::size_t workspace_bytes, std::size_t weights_bytes) {
  Cost cost;
  cost.multiplications = blocking.executed_macs;
  cost.useful_multiplications = problem.multiplications();
  cost.additions = cost.multiplications +
                   kernels::chunk_additions(cost.multiplications, problem.depth(), kernels::kChunk);
  cost.l2_bytes = blocking.l2_bytes;
  cost.workspace_bytes = workspace_bytes;
  cost.packed_bytes = blocking.packs_in_run ? 0 : weights_bytes;
  take_times(blocking, cost);
  complete_cost(problem, machine, threads, cost);
  return cost;
}

std::string tile_text(const kernels::Tile& tile) {
  return "tiles of " + std::to_string(tile.rows) + " x " + std::to_string(tile.cols) + " outputs";
}

TileExecution::TileExecution(std::string_view algorithm, const Problem& problem,
                             const kernels::Tile& tile, Target target, int threads)
    : algorithm_(algorithm),
      problem_(problem),
      tile_rows_(tile.rows),
      target_(target),
      threads_(threads) {}

std::string TileExecution::packed_format() const {
  return product_format(algorithm_, problem_, target_, tile_rows_);
}

void TileExecution::pack(const void* weight, const void* bias, std::byte* out) const {
  kernels::PackedWeights(product_shape(problem_), tile_rows_)
      .pack(static_cast<const float*>(weight), static_cast<const float*>(bias),
            reinterpret_cast<float*>(out));
}

kernels::ProductOperands TileExecution::operands(const Args& args, std::int64_t pitch) const {
  kernels::ProductOperands operands;
  operands.packed = reinterpret_cast<const float*>(args.packed);
  operands.a = static_cast<const float*>(args.second);
  operands.bias = static_cast<const float*>(args.bias);
  operands.has_bias = problem_.bias;
  operands.activation = problem_.activation.kind;
  operands.slope = static_cast<float>(problem_.activation.slope);
  const auto strides_of = [](const Dims& strides) {
    return kernels::ProductOutput::Strides{strides[0], strides[1], strides[2], strides[3]};
  };
  operands.y.data = static_cast<float*>(args.out);
  operands.y.strides = strides_of(problem_.effective_y_strides());
  operands.y.residual_strides = operands.y.strides;
  if (problem_.residual) {
    operands.y.residual = static_cast<const float*>(args.residual);
    operands.y.residual_strides = strides_of(problem_.effective_residual_strides());
  }
  operands.y.width = problem_.w_o();
  operands.y.pitch = pitch;
  operands.workspace = args.workspace;
  operands.executor = args.executor;
  operands.cancel = args.cancel;
  return operands;
}

RunReport report_of(const kernels::LoopCounters& counters,
                    std::span<const kernels::LoopLevel> loops, std::string_view algorithm,
                    Target target, int threads) {
  RunReport report{std::string(algorithm),
                   target,
                   threads,
                   counters.multiplications(),
                   counters.additions(),
                   counters.transform_operations(),
                   counters.tiles(),
                   counters.direct_tiles()};
  for (std::size_t level = 0; level < loops.size(); ++level) {
    const kernels::LoopCounters::Count& count = counters.count(level);
    const bool covered = loops[level].has_tail ? count.whole_twice_and_tail : count.rounds >= 2;
    report.loops.push_back({std::string(loops[level].name), count.rounds, covered});
  }
  return report;
}

kernels::Blocking panel_blocking(const PanelRequest& request, const Question& question) {
  const Machine& machine = question.machine;
  const kernels::TileSet& tiles = kernels::tile_set(machine.target);
  return kernels::choose_blocking(
      {blocking_limits(request.algorithm, tiles, question), product_shape(question.problem),
       request.fill_cycles_per_element * 1e-9 / machine.rates.ghz, request.source_in_place},
      machine);
}

Cost panel_cost(const Question& question, const kernels::Blocking& blocking) {
  return product_cost(question.problem, question.machine, blocking, blocking.threads,
                      kernels::workspace_bytes(blocking), blocking.weights_bytes);
}

void PanelExecution::run_from(const kernels::PanelSource& source, const Args& args) const {
  run_and_report(args, problem().w_o(), kernels::kProductLoops,
                 [&](const kernels::ProductOperands& operands) {
                   kernels::run_product(product_shape(problem()), blocking_, source, operands);
                 });
}

std::string PanelExecution::config() const {
  const kernels::ProductShape shape = product_shape(problem());
  return tile_text(*blocking_.tile) + ", blocks of " +
         std::to_string(std::min(blocking_.block_rows, shape.rows)) + " rows x " +
         std::to_string(std::min(blocking_.block_columns, shape.columns)) + " columns x " +
         std::to_string(blocking_.block_depth) + " terms" +
         (blocking_.b_in_place ? ", pixels read in place" : "") +
         (blocking_.pack_weights ? "" : ", weights read in place");
}

TileBlock PanelExecution::block() const {
  const kernels::Tile& tile = *blocking_.tile;
  return {tile.rows, tile.cols, tile.lanes_are_channels, false};
}

}  // namespace plait
