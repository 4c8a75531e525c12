#include "algorithms/registry.hpp"

#include <vector>

namespace plait {

#define PLAIT_ROOM(room)              \
  namespace rooms::room {             \
  std::span<const Algorithm> forms(); \
  }
#include "algorithms/registry.inc"
#undef PLAIT_ROOM

std::span<const Algorithm> registry() {
  static const std::vector<Algorithm> algorithms = [] {
    std::vector<Algorithm> all;
    auto add = [&all](std::span<const Algorithm> forms) {
      all.insert(all.end(), forms.begin(), forms.end());
    };
#define PLAIT_ROOM(room) add(rooms::room::forms());
#include "algorithms/registry.inc"
#undef PLAIT_ROOM
    return all;
  }();
  return algorithms;
}

namespace {

// The list is made when the library is loaded, so that no thread can be making it during a fork.
[[maybe_unused]] const std::size_t made_early = registry().size();

}  // namespace
}  // namespace plait
