// Compares a run with an older one: what became faster, and what is only noise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/json.hpp"
#include "measure/bench_run.hpp"

namespace plait::cli {

// A problem of an older run, as its JSON tells.
struct OldLine {
  std::string name;
  std::string problem;
  std::string target;
  int threads = 0;
  std::int64_t samples = 0;
  double median_seconds = 0;
  double spread = 0;
  double peak_gflops = 0;
};

// The measured problems of a "plait.bench/1" document. Throws Error, naming the path, if the text
// is no such document.
std::vector<OldLine> parse_old_bench(const std::string& text, const std::string& path);

// A ratio of times, and its relative noise; no noise is given where a side has too few samples.
struct Ratio {
  double value = 0;  // old time / new time: above 1, this run is faster
  std::optional<double> noise;

  bool within_noise() const;
};

struct ComparedLine {
  std::string name;
  std::string problem;
  LayerClass layer_class = LayerClass::other;
  double old_seconds = 0;
  double new_seconds = 0;
  Ratio ratio;
};

struct ComparedMean {
  std::string layer_class;  // or "all"
  int problems = 0;
  Ratio ratio;  // geometric mean
};

struct Comparison {
  std::vector<ComparedLine> lines;    // in this run's order
  std::vector<ComparedMean> means;    // classes in their order, then all
  double peak_ratio = 0;              // peaks of this run / of the old, geometric mean
  std::vector<std::string> only_old;  // title, threads and target
  std::vector<std::string> only_here;
};

// Problems belong together when line, threads and target are equal, whatever the algorithms.
//
// Noise of a line: half the spread of each side, as the two are independent, sqrt(old^2 + new^2).
// Noise of a mean over n lines: sqrt(sum of the lines' squares) / n. A change that hits all lines
// of a run alike is in neither; peak_ratio shows it.
Comparison compare(const std::vector<OldLine>& old, const BenchRun& run);

std::string comparison_text(const Comparison& comparison);
Json to_json(const Comparison& comparison);

}  // namespace plait::cli
