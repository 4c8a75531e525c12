// `plait bench --sweep delta`: one problem with every width of strips that a target's register
// tiles have, measured side by side; the chapter's exercise 6.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <plait/analysis/strip_study.hpp>

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
  // The median of the fastest round, which other work on the machine disturbs least; the line must
  // be measured.
  double seconds(std::size_t i) const;
  // The highest of the multiply-add peaks measured around all deltas, so that shares of it compare;
  // 0 if nothing is measured.
  double peak_gflops() const;
  double peak_share(std::size_t i) const;  // of seconds(i)
  // seconds(i) in cycles at the clock that the peak implies, per term of a tile and with all that
  // is done beside the terms; 0 if not measured or without a study.
  double measured_cycles(std::size_t i) const;
  // Share of the multiply-add peak that the model expects; likewise.
  double model_share(std::size_t i) const;
};

// Throws Error, naming what is known, if there is no such sweep.
void check_bench_sweep(const std::string& name);

// Asks for a plan with each delta from 1 to 256 and keeps those that are accepted, and with their
// reason those refused that register tiles have. `settings.limits.algorithm`: "direct/pixels" if
// empty. Throws Error with the algorithm's reason if none is accepted, and for more than one
// problem.
DeltaSweep plan_delta_sweep(BenchSettings settings, const std::vector<SourcedProblem>& problems);

}  // namespace plait::cli
