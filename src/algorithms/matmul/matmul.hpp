// The base of the algorithms that compute one matrix product per image and group:
//   y[n, o, p] = act( sum over k of K[o, k] * b[k, p] + bias[o] ),  p = output pixel, k < depth.
// Each of them only says how b is made from x, by a kernels::PanelSource or a kernels::StripSource.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "algorithms/algorithm.hpp"
#include "kernels/product/product.hpp"

namespace plait {

// Refuses problems that are not forward, not f32, or whose activation's slope does not fit f32.
std::optional<Refusal> refuse_as_product(const Problem& problem);

// Elements of x from the column that a tap reads for one output to that for the next; saturated.
std::int64_t column_step(const Problem& problem);
kernels::ProductShape product_shape(const Problem& problem);

// The name of packed weights: equal formats hold equal bytes for equal weights.
std::string product_format(std::string_view algorithm, const Problem& problem, Target target,
                           int tile_rows);
// The number of rows of the tile that `limits.packed_format` asks for: 0 if it is empty, and -1 if
// it belongs to another algorithm, target or weight shape.
int required_tile_rows(std::string_view algorithm, const kernels::TileSet& set,
                       const Problem& problem, const Limits& limits);
// What the question's limits ask of the blocking.
kernels::BlockingLimits blocking_limits(std::string_view algorithm, const kernels::TileSet& set,
                                        const Question& question);
// The refusal if no tile fits the limits; its reason names the limit that rules the tiles out.
Refusal refuse_tiles(std::string_view algorithm, const kernels::TileSet& set, const Limits& limits);
// "tiles of 8 x 48 outputs"
std::string tile_text(const kernels::Tile& tile);

// Bytes of x, K and y, each moved once.
std::int64_t operand_bytes(const Problem& problem);
// Takes over the times of a blocking.
void take_times(const kernels::PredictedTimes& times, Cost& cost);
// Adds the time of moving operands that products do not hide, the whole time and the error.
void complete_cost(const Problem& problem, const Machine& machine, int threads, Cost& cost);
// The whole cost of a product with this blocking.
Cost product_cost(const Problem& problem, const Machine& machine,
                  const kernels::PredictedProduct& blocking, int threads,
                  std::size_t workspace_bytes, std::size_t weights_bytes);

// The report of a run from the counts of its loops. `target` is the one that was compiled in.
RunReport report_of(const kernels::LoopCounters& counters,
                    std::span<const kernels::LoopLevel> loops, std::string_view algorithm,
                    Target target, int threads);

// Packs weights, and makes the operands and the report of a run.
class TileExecution : public Execution {
 public:
  TileExecution(std::string_view algorithm, const Problem& problem, const kernels::Tile& tile,
                Target target, int threads);

  std::string packed_format() const override;
  void pack(const void* weight, const void* bias, std::byte* out) const override;
  int threads() const override { return threads_; }

 protected:
  const Problem& problem() const { return problem_; }
  Target target() const { return target_; }
  // Calls product(ProductOperands) and fills in the report. The source has `pitch` columns for each
  // output row, and `loops` names the loops that product runs.
  template <class Product>
  void run_and_report(const Args& args, std::int64_t pitch,
                      std::span<const kernels::LoopLevel> loops, Product product) const {
    kernels::SharedCounters counters;
    kernels::ProductOperands given = operands(args, pitch);
    if (args.report != nullptr) given.counters = &counters;
    product(given);
    if (args.report != nullptr) {
      *args.report = report_of(counters.total(), loops, algorithm_,
                               kernels::tile_set(target_).target, threads_);
    }
  }

 private:
  kernels::ProductOperands operands(const Args& args, std::int64_t pitch) const;

  std::string_view algorithm_;
  Problem problem_;
  int tile_rows_;
  Target target_;
  int threads_;
};

// What the choice of a blocking needs to know of an algorithm that writes b in panels.
struct PanelRequest {
  std::string_view algorithm;
  double fill_cycles_per_element = 1;  // of a panel, on one thread
  bool source_in_place = false;        // b lies in x, and the source says where
};
kernels::Blocking panel_blocking(const PanelRequest& request, const Question& question);
Cost panel_cost(const Question& question, const kernels::Blocking& blocking);

class PanelExecution : public TileExecution {
 public:
  PanelExecution(std::string_view algorithm, const Problem& problem,
                 const kernels::Blocking& blocking)
      : TileExecution(algorithm, problem, *blocking.tile, blocking.target, blocking.threads),
        blocking_(blocking) {}

  std::string config() const override;
  TileBlock block() const override;

 protected:
  void run_from(const kernels::PanelSource& source, const Args& args) const;

 private:
  kernels::Blocking blocking_;
};

// The offer of an algorithm whose executions have the type Panels, derived from PanelExecution.
template <class Panels>
Answer offer_panels(const PanelRequest& request, const Question& question) {
  const kernels::Blocking blocking = panel_blocking(request, question);
  if (!blocking.fits()) {
    return refuse_tiles(request.algorithm, kernels::tile_set(question.machine.target),
                        question.limits);
  }
  const auto prepare = [blocking, name = request.algorithm](const Question& asked) {
    return std::make_unique<Panels>(name, asked.problem, blocking);
  };
  return Offer{panel_cost(question, blocking), prepare};
}

}  // namespace plait
