// What the algorithms execute for a layer, beside what its definition has.
#pragma once

#include <plait/analysis/layer_cost.hpp>
#include <plait/problem.hpp>

#include "io/json.hpp"

namespace plait::cli {

// Every algorithm: its counts, or why it takes no such layer.
Json algorithms_json(const Problem& problem);

// The same as a table for people, those that take the layer only.
std::string algorithms_text(const Problem& problem, const LayerCost& cost);

}  // namespace plait::cli
