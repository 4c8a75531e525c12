// The list of all algorithms: the only meeting place of the algorithms and their users.
#pragma once

#include <span>

#include "algorithms/algorithm.hpp"

namespace plait {

std::span<const Algorithm> registry();

}  // namespace plait
