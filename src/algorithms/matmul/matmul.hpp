// What algorithms share whose work is one matrix product per image and group:
//   y[n, o, p] = act( sum over k of K[o, k] * b[k, p] + bias[o] ),  p = output pixel, k < depth.
// Such an algorithm says how b arises from x (a kernels::PanelSource or a kernels::StripSource);
// the rest is here.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "algorithms/algorithm.hpp"
#include "kernels/product/product.hpp"

namespace plait {

// Why a product does not compute the problem, if it is not forward or not f32, or the slope of its
// activation does not fit f32.
std::optional<Refusal> refuse_as_product(const Problem& problem);

// Elements of x from one column that a tap reads to the next; saturated.
std::int64_t column_step(const Problem& problem);
kernels::ProductShape product_shape(const Problem& problem);

// What an algorithm calls its packed weights: equal formats hold equal bytes for equal weights.
std::string product_format(std::string_view algorithm, const Problem& problem, Target target,
                           int tile_rows);
// Rows of the tile that `limits` restrict an algorithm to: 0 if they do not, -1 if their packed
// format is one of another algorithm, target or weight shape.
int required_tile_rows(std::string_view algorithm, const kernels::TileSet& set,
                       const Problem& problem, const Limits& limits);
// No tile fits the limits; the reason says which one stands in the way.
Refusal refuse_tiles(std::string_view algorithm, const kernels::TileSet& set, const Limits& limits);
// "tiles of 8 x 48 outputs"
std::string tile_text(const kernels::Tile& tile);

// Of x, K and y, each moved once.
std::int64_t operand_bytes(const Problem& problem);
// Adds the time of moving the operands beside the products, the whole time, and the error of
// chunked sums.
void complete_cost(const Problem& problem, const Machine& machine, int threads, Cost& cost);
// The tiles' cost and the operands', and the error of chunked sums.
Cost product_cost(const Problem& problem, const Machine& machine,
                  const kernels::PredictedProduct& blocking, int threads,
                  std::size_t workspace_bytes, std::size_t weights_bytes);

// What ran, as its loops counted. `target`: as compiled in.
RunReport report_of(const kernels::LoopCounters& tally, std::span<const kernels::LoopLevel> loops,
                    std::string_view algorithm, Target target, int threads);

// Packing, the operands of a run, and what it reports.
class TileExecution : public Execution {
 public:
  TileExecution(std::string_view algorithm, const Problem& problem, const kernels::Tile& tile,
                Target target, int threads);

  std::string packed_format() const override;
  void pack(const void* kernel, const void* bias, std::byte* out) const override;
  int threads() const override { return threads_; }

 protected:
  const Problem& problem() const { return problem_; }
  Target target() const { return target_; }
  // Calls product(ProductOperands) and fills in the report. `pitch`: columns that the source counts
  // to a line of output; `loops`: of the nest that runs.
  template <class Product>
  void run_and_report(const Args& args, std::int64_t pitch,
                      std::span<const kernels::LoopLevel> loops, Product product) const {
    kernels::SharedCounters tally;
    kernels::ProductOperands given = operands(args, pitch);
    if (args.report != nullptr) given.counters = &tally;
    product(given);
    if (args.report != nullptr) {
      *args.report =
          report_of(tally.total(), loops, algorithm_, kernels::tile_set(target_).target, threads_);
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

// For algorithms whose right operand is written in panels.
struct PanelRequest {
  std::string_view algorithm;
  double fill_cycles_per_element = 1;  // of the source, on one thread
  bool source_in_place = false;        // the source can say where b lies
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

// The offer of an algorithm whose executions are PanelExecutions of type Panels.
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
