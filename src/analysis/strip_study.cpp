// What a register tile of delta outputs side by side loads, holds and waits for.
#include <plait/analysis/strip_study.hpp>

#include <algorithm>
#include <numeric>
#include <string>

#include "algorithms/matmul/matmul.hpp"
#include "core/integers.hpp"
#include "core/machine/cycles.hpp"
#include "core/problem/normalized_problem.hpp"
#include "kernels/product/tile_cost.hpp"
#include "kernels/tile/tile_work.hpp"

namespace plait {
namespace {

constexpr double kSmallShare = 0.05;  // of the time: less does not limit it

const kernels::TileSet& tiles_of(const TileBlock& block, Target target) {
  return block.lanes_are_channels ? kernels::channel_tile_set(target) : kernels::tile_set(target);
}

// The predicted time, split; the parts of one thread's work fall to all threads alike.
void split_time(StripStudy& study, const kernels::Tile& tile, int lanes, kernels::TileForm form,
                const Plan& plan, const Problem& problem, const Machine& machine) {
  const Rates& rates = machine.rates;
  const Cost& cost = plan.cost();
  const kernels::ProductShape shape = product_shape(problem);
  const auto depth = static_cast<double>(shape.depth);
  const double products = static_cast<double>(tile.rows) * tile.cols;  // of one term of a tile
  const kernels::TermCycles term = kernels::term_cycles(tile, lanes, form, rates);
  study.multiply_add_cycles = term.multiply_adds;
  study.load_cycles = term.loads;

  const double cycle = 1e-9 / rates.ghz / plan.threads();
  const double terms = static_cast<double>(cost.multiplications) / products;  // of all tiles
  const double useful = static_cast<double>(problem.multiplications()) /
                        (lanes * rates.vector_fmas_per_cycle) * cycle;
  const double multiplied = terms * term.multiply_adds * cycle;
  const double multiplied_and_loaded = terms * term.longer() * cycle;
  const double in_l1 =
      terms / depth *
      kernels::tile_cycles(tile, lanes, form, depth, shape.order, shape.rows, rates) * cycle;
  study.seconds = {useful,
                   multiplied - useful,
                   multiplied_and_loaded - multiplied,
                   in_l1 - multiplied_and_loaded,
                   cost.product_seconds - in_l1,
                   cost.gather_seconds,
                   cost.memory_seconds,
                   cost.thread_seconds};
}

}  // namespace

std::string_view name_of(StripLimit limit) {
  constexpr std::string_view kNames[kStripLimits] = {
      "multiply-adds", "edges", "loads", "tile ends", "cache", "gather", "memory", "threads"};
  return kNames[static_cast<std::size_t>(limit)];
}

double StripStudy::predicted_seconds() const {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

StripLimit StripStudy::limit() const {
  const auto* const most = std::max_element(seconds.begin() + 1, seconds.end());
  if (*most < kSmallShare * predicted_seconds()) return StripLimit::multiply_adds;
  return static_cast<StripLimit>(most - seconds.begin());
}

std::optional<StripStudy> strip_study(const Plan& plan, const Machine& machine) {
  const TileBlock& block = plan.explain().block;
  const kernels::TileSet& set = tiles_of(block, plan.target());
  const auto tile = std::find_if(set.tiles.begin(), set.tiles.end(), [&](const kernels::Tile& one) {
    return one.rows == block.rows && one.cols == block.columns;
  });
  if (tile == set.tiles.end()) return std::nullopt;
  const std::string& computed_as = plan.explain().computed_as;
  const Problem problem =
      computed_as.empty() ? normalized_problem(plan.problem()) : parse_problem(computed_as);
  StripStudy study;
  study.rows = tile->rows;
  study.delta = tile->cols;
  study.registers_used = kernels::term_work(*tile, set.lanes).registers;
  study.registers_if_wider = kernels::term_work(*tile, set.lanes, 1).registers;
  study.registers = costs::vector_registers(set.target);
  study.inputs_touched = static_cast<double>(inputs_touched(problem.k_w, study.delta,
                                                            problem.stride.w, problem.dilation.w)) /
                         study.delta;
  split_time(study, *tile, set.lanes,
             block.inputs_by_offsets ? kernels::TileForm::shifted : kernels::TileForm::packed, plan,
             problem, machine);
  return study;
}

// Taps whose distance is a multiple of the stride read the same column for other outputs: those of
// one phase, next to each other by dilation / gcd outputs.
std::int64_t inputs_touched(std::int64_t taps, std::int64_t delta, std::int64_t stride,
                            std::int64_t dilation) {
  if (taps < 1 || delta < 1 || stride < 1 || dilation < 1) {
    throw Error(Status::invalid_argument,
                "taps, delta, stride and dilation must be at least 1 but are " +
                    std::to_string(taps) + ", " + std::to_string(delta) + ", " +
                    std::to_string(stride) + ", " + std::to_string(dilation));
  }
  const std::int64_t common = std::gcd(stride, dilation);
  const std::int64_t phases = std::min(taps, stride / common);
  const std::int64_t apart = std::min(dilation / common, delta);
  return saturated_sum(saturated_product({phases, delta}),
                       saturated_product({taps - phases, apart}));
}

}  // namespace plait
