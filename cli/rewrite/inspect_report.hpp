// An inspection as JSON: the document "plait.inspect/1".
#pragma once

#include <plait/rewrite/inspect.hpp>

#include "io/json.hpp"

namespace plait::cli {

template <class T>
Json to_json(const Inspection<T>& inspection);

}  // namespace plait::cli
