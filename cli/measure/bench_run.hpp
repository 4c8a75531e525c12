// Measures many problems in rounds, so that a machine that slows down or speeds up meanwhile does
// so for all of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <plait/analysis/accuracy.hpp>
#include <plait/analysis/layer_class.hpp>
#include <plait/analysis/measure.hpp>
#include <plait/plan.hpp>

#include "io/problems.hpp"

namespace plait::cli {

struct BenchSettings {
  Limits limits;
  Machine machine;     // its target is used
  int threads = 1;     // of the plans and of the peaks
  double seconds = 0;  // of timing per problem, over all rounds
  int rounds = 1;
  bool check = true;            // measure errors
  bool measure_memory = true;   // measure the rate of reading memory, which takes a second
  std::string label = "bench";  // of the progress bar
};

// Lines that say where and how long things are timed; `timed`: "each value".
std::string settings_text(const BenchSettings& settings, const std::string& timed);

// One problem and what was measured of it.
struct BenchLine {
  SourcedProblem given;
  LayerClass layer_class = LayerClass::other;
  std::optional<Plan> plan;
  std::string refusal;                // why there is no plan
  Timings timings;                    // of all rounds; empty if an interrupt came before
  std::vector<double> round_medians;  // seconds, of each whole round
  double peak_gflops = 0;  // of multiply-adds, the highest of those measured around each burst
  std::optional<ErrorReport> error;

  bool measured() const { return !timings.seconds.empty(); }
  bool kept_bound() const { return !error || error->worst_bound_share <= 1; }
  // Bytes of x, K, bias, residual and y, each moved once.
  double bytes() const;
  double gflops(double seconds) const;
};

struct BenchRun {
  BenchSettings settings;
  std::string date;                    // of its start, "2026-11-22T18:30:00Z"
  double memory_bytes_per_second = 0;  // 0 if not measured
  std::vector<BenchLine> lines;        // in the order given
  bool interrupted = false;
};

// Plans all problems. A problem that no algorithm accepts, or that needs more memory than the
// machine has, is kept with the reason. Throws Error for wrong limits.
BenchRun plan_bench(const BenchSettings& settings, const std::vector<SourcedProblem>& problems);

// Times all planned problems, round after round. An interrupt ends it with what was measured so
// far.
void measure_bench(BenchRun& run);

}  // namespace plait::cli
