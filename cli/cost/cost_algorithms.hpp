// What each algorithm executes for a layer, beside the counts of its definition.
#pragma once

#include <plait/analysis/layer_cost.hpp>
#include <plait/problem.hpp>

#include "io/json.hpp"

namespace plait::cli {

// For every algorithm its counts, or why it refuses the layer.
Json algorithms_json(const Problem& problem);

// The same as a table, with the algorithms that take the layer.
std::string algorithms_text(const Problem& problem, const LayerCost& cost);

}  // namespace plait::cli
