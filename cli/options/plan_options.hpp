// The options of commands that plan: what the planner may do, for which machine, and how results
// are timed.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include <plait/machine.hpp>
#include <plait/plan.hpp>

namespace plait::cli {

struct PlanOptions {
  std::string accuracy = "fp32";
  std::string algorithm;
  std::string target;
  std::string max_workspace;
  int threads = 0;
  int tile_columns = 0;
  bool reproducible = false;
  bool json = false;
};

void add_plan_options(CLI::App& command, PlanOptions& options);

// How often and how long things are timed.
struct RepeatOptions {
  double seconds = 0.3;  // for each of them, over all rounds
  int rounds = 5;

  // --seconds and --rounds; `each`: what is timed, "problem" or "value". They need `needed`.
  void add(CLI::App& command, const std::string& each, CLI::Option* needed = nullptr);
  void check() const;  // throws Error
};

// Both throw Error, naming what is known, for a name that is not.
Limits limits_of(const PlanOptions& options);
Machine machine_of(const PlanOptions& options);

// "65536", "64K", "1M", "2G" (powers of 1024). Throws Error.
std::size_t parse_bytes(const std::string& text);

}  // namespace plait::cli
