// Finds the smallest case that still fails, so that the message helps to find the fault.
#pragma once

#include <functional>

#include "analysis/verify/random_case.hpp"

namespace plait {

// Simplifies `failing` by one change at a time and keeps each change after which fails() is still
// true. Stops when no single change keeps the failure, or after `max_trials` trials. Cases that
// break a rule of problems are not tried.
Case shrink(const Case& failing, const std::function<bool(const Case&)>& fails, int max_trials);

}  // namespace plait
