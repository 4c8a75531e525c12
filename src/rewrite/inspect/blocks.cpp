// Which outputs and inputs are connected by kernels that are not zero.
#include "rewrite/inspect/blocks.hpp"

#include <numeric>

namespace plait::rewrite {
namespace {

bool all_within(const KernelMap& map, std::int64_t groups) {
  const std::int64_t outputs = map.c_o / groups;
  const std::int64_t inputs = map.c_i / groups;
  for (std::int64_t o = 0; o < map.c_o; ++o) {
    for (std::int64_t j = 0; j < map.inputs_per_group(); ++j) {
      if (map.at(o, j) && map.input_of(o, j) / inputs != o / outputs) return false;
    }
  }
  return true;
}

// Union-find with halved paths (Tarjan and van Leeuwen, 1984).
class Sets {
 public:
  explicit Sets(std::int64_t size) : parents_(static_cast<std::size_t>(size)) {
    std::iota(parents_.begin(), parents_.end(), 0);
  }
  std::int64_t find(std::int64_t element) {
    while (parent(element) != element) {
      parent(element) = parent(parent(element));
      element = parent(element);
    }
    return element;
  }
  void join(std::int64_t a, std::int64_t b) { parent(find(a)) = find(b); }

 private:
  std::int64_t& parent(std::int64_t element) { return parents_[static_cast<std::size_t>(element)]; }
  std::vector<std::int64_t> parents_;
};

}  // namespace

std::int64_t stored_blocks(const KernelMap& map) {
  for (std::int64_t groups = std::gcd(map.c_o, map.c_i); groups > map.groups; --groups) {
    if (map.c_o % groups == 0 && map.c_i % groups == 0 && all_within(map, groups)) return groups;
  }
  return map.groups;
}

std::vector<Channels> components_of(const KernelMap& map) {
  Sets sets(map.c_o + map.c_i);  // outputs, then inputs
  std::vector<bool> joined(static_cast<std::size_t>(map.c_o + map.c_i));
  for (std::int64_t o = 0; o < map.c_o; ++o) {
    for (std::int64_t j = 0; j < map.inputs_per_group(); ++j) {
      if (!map.at(o, j)) continue;
      const std::int64_t input = map.c_o + map.input_of(o, j);
      sets.join(o, input);
      joined[static_cast<std::size_t>(o)] = true;
      joined[static_cast<std::size_t>(input)] = true;
    }
  }
  std::vector<Channels> components;
  std::vector<std::int64_t> numbers(joined.size(), -1);  // of each set its component
  for (std::int64_t channel = 0; channel < map.c_o + map.c_i; ++channel) {
    if (!joined[static_cast<std::size_t>(channel)]) continue;
    std::int64_t& number = numbers[static_cast<std::size_t>(sets.find(channel))];
    if (number < 0) {
      number = static_cast<std::int64_t>(components.size());
      components.emplace_back();
    }
    Channels& component = components[static_cast<std::size_t>(number)];
    if (channel < map.c_o) {
      component.outputs.push_back(channel);
    } else {
      component.inputs.push_back(channel - map.c_o);
    }
  }
  return components;
}

}  // namespace plait::rewrite
