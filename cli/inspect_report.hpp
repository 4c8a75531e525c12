// An inspection as JSON: the document "plait.inspect/1".
#pragma once

#include <plait/inspect.hpp>

#include "json.hpp"

namespace plait::faces {

template <class T>
Json to_json(const Inspection<T>& inspection);

}  // namespace plait::faces
