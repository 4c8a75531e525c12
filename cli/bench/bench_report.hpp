// What a bench run found, as tables and as JSON.
#pragma once

#include <string>
#include <vector>

#include "io/json.hpp"
#include "measure/bench_run.hpp"

namespace plait::cli {

// Geometric means over the measured problems of a class, or over all.
struct BenchMean {
  std::string layer_class;  // or "all"
  int problems = 0;
  double gflops = 0;
  double peak_share = 0;
};
std::vector<BenchMean> means_of(const BenchRun& run);  // classes in their order, then all

// The name, or the problem line where there is none.
std::string title_of(const std::string& name, const std::string& problem_line);

std::string bench_text(const BenchRun& run);

// A document "plait.bench/1". The "status" of a problem is "measured", "refused" (with the
// "reason") or "interrupted" (before it could be measured). Only measured ones have figures: units
// are in the keys, and shares and spreads are fractions of 1.
Json to_json(const BenchRun& run);

}  // namespace plait::cli
