#include "planner/plan_cache.hpp"

#include <cstdlib>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/fork_guard.hpp"

namespace plait {
namespace {

std::string key_of(const Problem& problem, const Limits& limits) {
  const char* forced = std::getenv("PLAIT_FORCE_ALGORITHM");
  std::string key = to_string(problem);
  for (const std::string& part :
       {std::string(name_of(limits.accuracy)), std::to_string(limits.max_workspace_bytes),
        std::to_string(limits.threads), std::to_string(limits.prepacked), limits.packed_format,
        limits.algorithm, std::to_string(limits.reproducible),
        std::string(forced == nullptr ? "" : forced)}) {
    key += '|';
    key += part;
  }
  return key;
}

class Cache {
 public:
  Plan get(const Problem& problem, const Limits& limits) {
    const std::string key = key_of(problem, limits);
    {
      const std::lock_guard lock(fork_guard());
      const auto found = index_.find(key);
      if (found != index_.end()) {
        plans_.splice(plans_.begin(), plans_, found->second);
        return found->second->second;
      }
    }
    Plan made = plan(problem, limits);  // outside the lock: other shapes need not wait
    const std::lock_guard lock(fork_guard());
    if (index_.contains(key)) return made;
    plans_.emplace_front(key, made);
    index_.emplace(key, plans_.begin());
    if (plans_.size() > kPlanCacheCapacity) {
      index_.erase(plans_.back().first);
      plans_.pop_back();
    }
    return made;
  }

  std::size_t size() {
    const std::lock_guard lock(fork_guard());
    return plans_.size();
  }

  void clear() {
    const std::lock_guard lock(fork_guard());
    index_.clear();
    plans_.clear();
  }

 private:
  using Plans = std::list<std::pair<std::string, Plan>>;
  Plans plans_;  // most recently used first
  std::unordered_map<std::string, Plans::iterator> index_;
};

// Made when the library is loaded, and never destroyed: static objects of the program may still
// convolve when the process exits.
Cache& cache = *new Cache;

}  // namespace

Plan cached_plan(const Problem& problem, const Limits& limits) {
  return cache.get(problem, limits);
}

std::size_t cached_plan_count() { return cache.size(); }
void clear_plan_cache() { cache.clear(); }

}  // namespace plait
