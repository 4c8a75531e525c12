// A decomposition as JSON: the document "plait.decompose/1".
#pragma once

#include <plait/rewrite/decompose.hpp>

#include "io/json.hpp"

namespace plait::cli {

template <class T>
Json to_json(const Decomposition<T>& decomposition);

}  // namespace plait::cli
