// Decompositions and inspections as JSON: the documents "plait.decompose/1" and "plait.inspect/1".
#pragma once

#include <plait/rewrite/decompose.hpp>
#include <plait/rewrite/inspect.hpp>

#include "io/json.hpp"

namespace plait::cli {

template <class T>
Json to_json(const Decomposition<T>& decomposition);
template <class T>
Json to_json(const Inspection<T>& inspection);

// Parts that the documents share: a layer without its kernel's values, costs (null where they were
// not predicted or not measured), and a rewrite.
template <class T>
Json layer_json(const ConvLayer<T>& layer);
void add_cost(std::int64_t per_position, const LayersCost& cost, Json& json);
template <class T>
Json rewrite_json(const Rewrite<T>& rewrite);

}  // namespace plait::cli
