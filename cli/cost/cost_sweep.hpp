// `plait cost --sweep`: one problem for many values of one of its numbers.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

#include <plait/analysis/layer_cost.hpp>

#include "cost/sweep_values.hpp"
#include "io/problems.hpp"
#include "measure/bench_run.hpp"
#include "options/plan_options.hpp"

namespace plait::cli {

struct SweepArguments {
  std::optional<std::string> sweep;  // NAME=VALUES; without it the other options have no meaning
  bool same = false;
  bool measure = false;
  RepeatOptions repeats;
  std::optional<std::string> plot;  // path of a picture
};

// Adds --sweep and the options that need it. Returns --sweep.
CLI::Option* add_sweep_options(CLI::App& command, SweepArguments& arguments);
// What help says about them below the options.
std::string sweep_footer();

// The problem with one value.
struct SweepPoint {
  std::int64_t value = 0;
  Problem problem;
  std::optional<LayerCost> cost;  // none if the value breaks a rule
  std::string refusal;            // which rule
  std::optional<BenchLine> line;  // with --measure
};

struct CostSweep {
  SourcedProblem given;
  Sweep sweep;
  bool same = false;
  std::vector<SweepPoint> points;       // one for each value; at least one has a cost
  std::optional<BenchSettings> timing;  // with --measure
  std::string date;                     // when it started
  bool interrupted = false;

  const SweepPoint& first_legal() const;
};

// Throws Error if no value is legal.
CostSweep cost_sweep(const SourcedProblem& given, const Sweep& sweep, bool same);

// Prints the table or JSON and writes the plot. Returns the exit code. Throws Error before anything
// is measured or printed for wrong arguments, for a plot that cannot become a file or be drawn
// here, and if nothing is legal or, with --measure, nothing can be run.
int sweep_command(const SourcedProblem& given, const SweepArguments& arguments, bool json);

}  // namespace plait::cli
