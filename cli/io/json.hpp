// The library's answers as JSON. Every document starts with "schema": "plait.NAME/VERSION"; the
// version changes when a key changes its meaning or goes, not when one is added.
#pragma once

#include <nlohmann/json.hpp>

#include <plait/analysis/layer_cost.hpp>
#include <plait/machine.hpp>
#include <plait/plan.hpp>

namespace plait::cli {

using Json = nlohmann::ordered_json;  // keys in the order they are set

Json pair_json(const Pair& pair);    // [h, w]
Json shape_json(const Dims& shape);  // the sizes
Json to_json(const Cost& cost);
Json to_json(const LayerCost& cost);  // the fields, by their names
Json to_json(const Limits& limits);
Json to_json(const Rates& rates);
Json to_json(const Machine& machine);
Json to_json(const Explanation& explanation);  // a document: "plait.plan/1"

// Two-space indent and a newline; bytes that are no UTF-8 (in file names) become U+FFFD.
std::string text_of(const Json& json);

}  // namespace plait::cli
