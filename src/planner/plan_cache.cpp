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

// All that a plan on this machine depends on.
struct Key {
  Problem problem;
  Limits limits;
  std::string forced;  // PLAIT_FORCE_ALGORITHM

  friend bool operator==(const Key&, const Key&) = default;
};

struct Hash {
  std::size_t operator()(const Key& key) const {
    std::size_t hash = 0;
    // The bits of the golden ratio spread neighbouring sizes. Keys with equal hashes are compared.
    const auto mix = [&hash](auto value) {
      hash = (hash ^ static_cast<std::size_t>(value)) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 32;
    };
    const Problem& p = key.problem;
    for (const std::int64_t size : {p.n, p.c_i, p.h, p.w, p.c_o, p.k_h, p.k_w, p.stride.h,
                                    p.stride.w, p.padding.top, p.padding.bottom, p.padding.left,
                                    p.padding.right, p.dilation.h, p.dilation.w, p.groups}) {
      mix(size);
    }
    mix(p.bias);
    mix(p.residual);
    mix(p.activation.kind);
    mix(p.dtype);
    mix(p.x_layout);
    mix(key.limits.accuracy);
    mix(key.limits.max_workspace_bytes);
    mix(key.limits.threads);
    mix(std::hash<std::string>()(key.limits.algorithm));
    return hash;
  }
};

Key key_of(const Problem& problem, const Limits& limits) {
  const char* forced = std::getenv("PLAIT_FORCE_ALGORITHM");
  return {problem, limits, forced == nullptr ? "" : forced};
}

class Cache {
 public:
  Plan get(const Problem& problem, const Limits& limits) {
    Key key = key_of(problem, limits);
    {
      const std::lock_guard lock(fork_guard());
      const auto found = index_.find(key);
      if (found != index_.end()) {
        plans_.splice(plans_.begin(), plans_, found->second);
        return found->second->second;
      }
    }
    Plan made = plan(problem, limits);  // without the lock, so that other shapes need not wait
    const std::lock_guard lock(fork_guard());
    if (index_.contains(key)) return made;
    plans_.emplace_front(key, made);
    index_.emplace(std::move(key), plans_.begin());
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
  using Plans = std::list<std::pair<Key, Plan>>;
  Plans plans_;  // most recently used first
  std::unordered_map<Key, Plans::iterator, Hash> index_;
};

// The cache is made when the library is loaded and never destroyed, because static objects of the
// program may still convolve when the process exits.
Cache& cache = *new Cache;

}  // namespace

Plan cached_plan(const Problem& problem, const Limits& limits) {
  return cache.get(problem, limits);
}

std::size_t cached_plan_count() { return cache.size(); }
void clear_plan_cache() { cache.clear(); }

}  // namespace plait
