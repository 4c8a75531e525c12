// `plait bench`: how fast problems run, against the machine's limits and against an older run.
#pragma once

#include <string>
#include <vector>

#include "plan_options.hpp"

namespace plait::faces {

struct BenchArguments {
  std::vector<std::string> problems;
  PlanOptions planning;
  double seconds = 0.3;
  int rounds = 5;
  bool no_check = false;
  std::string compare;  // path of an older run's JSON
};

CLI::App* add_bench_command(CLI::App& app, BenchArguments& arguments);

// Returns the exit code: 1 if an output was farther from the reference than its bound allows.
// Throws Error; after an interrupt, with what was measured so far already printed.
int bench_command(const BenchArguments& arguments);

}  // namespace plait::faces
