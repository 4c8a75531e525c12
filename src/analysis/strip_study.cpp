// What a register tile of delta outputs side by side loads, holds and waits for.
#include <plait/analysis/strip_study.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
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

// Algorithms whose tiles are rows x delta sums of products.
struct Family {
  std::string_view algorithm;
  const kernels::TileSet& (*tiles)(Target);
  kernels::TileForm form;
};
constexpr Family kFamilies[] = {
    {"direct/pixels", kernels::tile_set, kernels::TileForm::shifted},
    {"direct/channels", kernels::channel_tile_set, kernels::TileForm::shifted},
    {"im2col", kernels::tile_set, kernels::TileForm::packed},
    {"pointwise", kernels::tile_set, kernels::TileForm::packed}};

const Family* family_of(std::string_view algorithm) {
  const auto* found = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                   [&](const Family& one) { return one.algorithm == algorithm; });
  return found == std::end(kFamilies) ? nullptr : found;
}

const kernels::Tile* find_tile(const kernels::TileSet& set, const TileBlock& block) {
  for (const kernels::Tile& tile : set.tiles) {
    if (tile.rows == block.rows && tile.cols == block.delta) return &tile;
  }
  return nullptr;
}

void describe_tile(StripStudy& study, const kernels::Tile& tile, const kernels::TileSet& set,
                   const Machine& machine) {
  const kernels::TermWork work = kernels::term_work(tile, set.lanes);
  study.rows = tile.rows;
  study.delta = tile.cols;
  study.lanes = set.lanes;
  study.lanes_are_channels = tile.lanes_are_channels;
  study.accumulators = work.multiply_adds;
  study.accumulators_for_latency = static_cast<int>(
      std::ceil(costs::kMultiplyAddLatencyCycles * machine.rates.vector_fmas_per_cycle));
  study.registers_used = work.registers;
  study.registers_if_wider = kernels::term_work(tile, set.lanes, 1).registers;
  study.registers = costs::vector_registers(set.target);
  study.input_loads = work.input_loads;
  study.weight_loads = work.weight_loads;
  study.multiply_adds = work.multiply_adds;
}

void count_loads(StripStudy& study, const Problem& problem) {
  const auto taps = static_cast<double>(problem.k_w);
  study.inputs_without_strips = taps;
  study.inputs_touched = static_cast<double>(inputs_touched(problem.k_w, study.delta,
                                                            problem.stride.w, problem.dilation.w)) /
                         study.delta;
  study.inputs_loaded = taps / study.rows;
  study.weights_loaded = taps / study.delta;
}

// The predicted time, split; the parts of one thread's work fall to all threads alike.
void split_time(StripStudy& study, const kernels::Tile& tile, const Family& family,
                const Plan& plan, const Problem& problem, const Machine& machine) {
  const Rates& rates = machine.rates;
  const Cost& cost = plan.cost();
  const kernels::ProductShape shape = product_shape(problem);
  const auto depth = static_cast<double>(shape.depth);
  const double products = static_cast<double>(tile.rows) * tile.cols;  // of one term of a tile
  const kernels::TermCycles term = kernels::term_cycles(tile, study.lanes, family.form, rates);
  study.multiply_add_cycles = term.multiply_adds;
  study.load_cycles = term.loads;
  study.latency_cycles = costs::kMultiplyAddLatencyCycles;
  study.terms = cost.multiplications / (std::int64_t{tile.rows} * tile.cols);
  const auto useful = static_cast<double>(problem.multiplications());
  study.useful_share = useful / static_cast<double>(cost.multiplications);

  const auto terms = static_cast<double>(study.terms);
  const double useful_terms = useful / products;
  const double with_rows = useful_terms * static_cast<double>(round_up(shape.rows, tile.rows)) /
                           static_cast<double>(shape.rows);
  const double full = products / study.lanes / rates.vector_fmas_per_cycle;  // cycles of a term
  const double cycle = 1e-9 / rates.ghz / plan.threads();
  const double tile_cycles =
      kernels::tile_cycles(tile, study.lanes, family.form, depth, shape.order, shape.rows, rates);
  const double in_l1 = terms / depth * tile_cycles * cycle;
  const auto set = [&](StripLimit limit, double seconds) {
    study.seconds[static_cast<std::size_t>(limit)] = seconds;
  };
  set(StripLimit::multiply_adds, useful_terms * full * cycle);
  set(StripLimit::rows, (with_rows - useful_terms) * full * cycle);
  set(StripLimit::columns, (terms - with_rows) * full * cycle);
  set(StripLimit::lanes, terms * (term.multiply_adds - full) * cycle);
  set(StripLimit::loads, terms * (term.longer() - term.multiply_adds) * cycle);
  set(StripLimit::latency,
      terms * std::max(0.0, costs::kMultiplyAddLatencyCycles - term.longer()) * cycle);
  set(StripLimit::tile_ends, in_l1 - terms * term.longer() * cycle);
  set(StripLimit::cache, cost.product_seconds - in_l1);
  set(StripLimit::gather, cost.gather_seconds);
  set(StripLimit::memory, cost.memory_seconds);
  set(StripLimit::threads, cost.thread_seconds);
}

}  // namespace

std::string_view name_of(CacheLevel level) {
  constexpr std::string_view kNames[] = {"L1", "L2", "L3", "memory"};
  return kNames[static_cast<std::size_t>(level)];
}

CacheLevel level_holding(std::int64_t bytes, const Caches& caches) {
  if (bytes <= caches.l1_bytes) return CacheLevel::l1;
  if (bytes <= caches.l2_bytes) return CacheLevel::l2;
  return bytes <= caches.l3_bytes ? CacheLevel::l3 : CacheLevel::memory;
}

std::string_view name_of(StripLimit limit) {
  constexpr std::string_view kNames[kStripLimits] = {
      "multiply-adds", "channels", "w'",     "lanes",  "loads",  "latency",
      "tile ends",     "cache",    "gather", "memory", "threads"};
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
  const Family* const family = family_of(plan.algorithm());
  if (family == nullptr) return std::nullopt;
  const std::string& computed_as = plan.explain().computed_as;
  const Problem problem =
      computed_as.empty() ? normalized_problem(plan.problem()) : parse_problem(computed_as);
  const TileBlock& block = plan.explain().block;
  const kernels::TileSet& set = family->tiles(plan.target());
  const kernels::Tile* const tile = find_tile(set, block);
  if (tile == nullptr) return std::nullopt;
  StripStudy study;
  describe_tile(study, *tile, set, machine);
  count_loads(study, problem);
  study.strip_bytes = block.input_bytes;
  study.strip_level = level_holding(study.strip_bytes, machine.caches);
  study.panel_bytes =
      saturated_product({tile->rows, block.depth, static_cast<std::int64_t>(sizeof(float))});
  study.panel_level = level_holding(study.panel_bytes, machine.caches);
  split_time(study, *tile, *family, plan, problem, machine);
  return study;
}

std::vector<int> strip_deltas(std::string_view algorithm, Target target) {
  const Family* const family = family_of(algorithm);
  if (family == nullptr) return {};
  std::set<int> deltas;
  for (const kernels::Tile& tile : family->tiles(target).tiles) deltas.insert(tile.cols);
  return {deltas.begin(), deltas.end()};
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
