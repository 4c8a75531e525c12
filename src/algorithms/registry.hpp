// The list of all algorithms, the only place where the algorithms and their users meet.
#pragma once

#include <span>

#include "algorithms/algorithm.hpp"

namespace plait {

std::span<const Algorithm> registry();

}  // namespace plait
