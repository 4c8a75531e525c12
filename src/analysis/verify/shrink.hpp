// The smallest case that still fails, for a message that one can act on.
#pragma once

#include <functional>

#include "analysis/verify/random_case.hpp"

namespace plait {

// Tries simpler cases around `failing`, one change at a time, keeps those for which fails() is
// true, and stops when no single change fails any more, or after `max_trials` trials. Cases that
// break a rule of problems are not tried.
Case shrink(const Case& failing, const std::function<bool(const Case&)>& fails, int max_trials);

}  // namespace plait
