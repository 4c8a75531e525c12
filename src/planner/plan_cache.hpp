// Plans of recent conv2d calls, least recently used dropped first. Safe to use from any thread.
#pragma once

#include <plait/plan.hpp>

namespace plait {

inline constexpr std::size_t kPlanCacheCapacity = 256;  // plans; each a few kilobytes

// The plan for the problem on the host machine, from the cache if it is there.
Plan cached_plan(const Problem& problem, const Limits& limits);

std::size_t cached_plan_count();
void clear_plan_cache();

}  // namespace plait
