// A sweep of costs for people and for programs.
#pragma once

#include <string>

#include "cost/cost_sweep.hpp"
#include "io/json.hpp"

namespace plait::cli {

// The lines before the table: the problem, what is varied, and how it is timed.
std::string start_text(const CostSweep& run);

// A row for each value, with the reason for those that are refused, and what the columns are.
std::string sweep_text(const CostSweep& run);

Json to_json(const CostSweep& run);  // a document: "plait.cost_sweep/1"

}  // namespace plait::cli
