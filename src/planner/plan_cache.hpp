// Keeps the plans of recent conv2d calls, for any thread. The least recently used plan is dropped.
#pragma once

#include <plait/plan.hpp>

namespace plait {

inline constexpr std::size_t kPlanCacheCapacity = 256;  // in plans of a few kilobytes each

// The plan for the problem on the host machine, from the cache if the cache has it.
Plan cached_plan(const Problem& problem, const Limits& limits);

std::size_t cached_plan_count();
void clear_plan_cache();

}  // namespace plait
