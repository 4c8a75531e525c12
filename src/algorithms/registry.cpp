#include "algorithms/registry.hpp"

#include <vector>

namespace plait {

#define PLAIT_ALGORITHM(name)            \
  namespace algorithm::name {            \
  std::span<const Algorithm> variants(); \
  }
#include "algorithms/registry.inc"
#undef PLAIT_ALGORITHM

std::span<const Algorithm> registry() {
  static const std::vector<Algorithm> algorithms = [] {
    std::vector<Algorithm> all;
    auto add = [&all](std::span<const Algorithm> variants) {
      all.insert(all.end(), variants.begin(), variants.end());
    };
#define PLAIT_ALGORITHM(name) add(algorithm::name::variants());
#include "algorithms/registry.inc"
#undef PLAIT_ALGORITHM
    return all;
  }();
  return algorithms;
}

namespace {

// The list is made when the library is loaded, so that no thread can be about to make it at a fork.
[[maybe_unused]] const std::size_t made_early = registry().size();

}  // namespace
}  // namespace plait
