// A decomposition as JSON: the document "plait.decompose/1".
#pragma once

#include <plait/decompose.hpp>

#include "json.hpp"

namespace plait::faces {

template <class T>
Json to_json(const Decomposition<T>& decomposition);

}  // namespace plait::faces
