// What a bench run found, as tables and as JSON.
#pragma once

#include <string>
#include <vector>

#include "bench_run.hpp"
#include "json.hpp"

namespace plait::faces {

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
Json to_json(const BenchRun& run);  // a document: "plait.bench/1"

}  // namespace plait::faces
