// The options that `run` and `plan` share: what the planner may do, and for which machine.
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
  int delta = 0;
  bool reproducible = false;
  bool json = false;
};

void add_plan_options(CLI::App& command, PlanOptions& options);

// Both throw Error, naming what is known, for a name that is not.
Limits limits_of(const PlanOptions& options);
Machine machine_of(const PlanOptions& options);

// "65536", "64K", "1M", "2G" (powers of 1024). Throws Error.
std::size_t parse_bytes(const std::string& text);

}  // namespace plait::cli
