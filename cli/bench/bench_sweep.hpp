// `plait bench --sweep delta`: one problem with every width of strips that a target's register
// tiles have, measured side by side; the chapter's exercise 6.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <plait/analysis/strip_study.hpp>

#include "io/json.hpp"
#include "measure/bench_run.hpp"

namespace plait::cli {

// One delta; the rest of it is the line of the run with the same number.
struct DeltaEntry {
  int delta = 0;
  std::optional<StripStudy> study;  // none if refused, or of algorithms without such tiles
};

struct DeltaSweep {
  BenchRun run;  // a line per delta
  std::vector<DeltaEntry> entries;
  std::string algorithm;

  const Problem& problem() const { return run.lines.front().given.problem; }
};

// Throws Error, naming what is known, if there is no such sweep.
void check_bench_sweep(const std::string& name);

// Asks for a plan with each delta from 1 to 256 and keeps those that are accepted, and with their
// reason those that only the limits refuse. `settings.limits.algorithm`: "direct/pixels" if empty.
// Throws Error with the algorithm's reason if none is accepted, and for more than one problem.
DeltaSweep plan_delta_sweep(BenchSettings settings, const std::vector<SourcedProblem>& problems);

// What each delta takes, its times, and what limits it in the model.
std::string delta_sweep_text(const DeltaSweep& sweep);

// A document: "plait.bench_sweep/2". What "plait.bench/1" says of a problem, each delta says, and
// its tile and the parts of its predicted time beside it.
Json to_json(const DeltaSweep& sweep);

}  // namespace plait::cli
