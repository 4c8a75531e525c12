// Packing components of unequal sizes into equal groups. It is bin packing in two dimensions, hence
// hard in general: numbers of groups are tried in the order of what they would take at least; each
// first by putting the largest components first where they make the groups grow least, and then,
// for few components, by branch and bound.
#include <algorithm>
#include <limits>
#include <numeric>

#include "core/integers.hpp"
#include "rewrite/inspect/blocks.hpp"

namespace plait::rewrite {
namespace {

constexpr std::size_t kSearchedComponents = 24;
constexpr std::int64_t kMostSteps = 200'000;  // of branch and bound, some 10 ms
constexpr std::size_t kMostTries = 128;       // of numbers of groups

struct Size {
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;

  std::int64_t area() const { return outputs * inputs; }
  friend bool operator==(const Size&, const Size&) = default;
};
Size operator+(const Size& a, const Size& b) {
  return {a.outputs + b.outputs, a.inputs + b.inputs};
}
Size larger(const Size& a, const Size& b) {
  return {std::max(a.outputs, b.outputs), std::max(a.inputs, b.inputs)};
}

// Which group each component is in.
struct Assignment {
  std::vector<std::size_t> groups;
  Size size;  // of the largest group on each side
};

class Search {
 public:
  // Sizes from the largest to the smallest.
  Search(std::vector<Size> sizes, std::int64_t c_o) : sizes_(std::move(sizes)), c_o_(c_o) {
    for (const Size& size : sizes_) {
      sum_ = sum_ + size;
      largest_ = larger(largest_, size);
    }
  }

  // The smallest size that so many groups can have.
  Size least(std::int64_t groups) const {
    return larger(largest_, {ceil_div(sum_.outputs, groups), ceil_div(sum_.inputs, groups)});
  }
  std::int64_t least_products(std::int64_t groups) const { return groups * least(groups).area(); }
  bool possible(std::int64_t groups) const { return groups * least(groups).outputs <= c_o_; }

  // Tries so many groups, and keeps what is better than the best so far.
  void try_groups(std::int64_t groups) {
    loads_.assign(static_cast<std::size_t>(groups), {});
    most_outputs_ = c_o_ / groups;
    greedy();
    if (sizes_.size() > kSearchedComponents) {
      leave_open(groups);
      return;
    }
    loads_.assign(static_cast<std::size_t>(groups), {});
    current_.assign(sizes_.size(), 0);
    branch(0, {});
  }

  std::int64_t best_products() const { return best_products_; }
  const Assignment& best() const { return best_; }
  // Notes that so many groups were not searched through.
  void leave_open(std::int64_t groups) { open_ = std::min(open_, least_products(groups)); }
  bool exhaustive() const { return best_products_ <= open_; }

 private:
  std::int64_t products(const Size& size) const {
    return static_cast<std::int64_t>(loads_.size()) * size.area();
  }

  void keep(const std::vector<std::size_t>& groups, const Size& size) {
    if (products(size) >= best_products_) return;
    best_products_ = products(size);
    best_ = {groups, size};
  }

  void greedy() {
    std::vector<std::size_t> groups;
    groups.reserve(sizes_.size());
    Size size;
    for (const Size& component : sizes_) {
      std::size_t chosen = loads_.size();
      std::int64_t least_area = std::numeric_limits<std::int64_t>::max();
      std::int64_t least_load = least_area;
      for (std::size_t g = 0; g < loads_.size(); ++g) {
        const Size load = loads_[g] + component;
        if (load.outputs > most_outputs_) continue;
        const std::int64_t area = larger(size, load).area();
        if (area > least_area || (area == least_area && load.area() >= least_load)) continue;
        chosen = g;
        least_area = area;
        least_load = load.area();
      }
      if (chosen == loads_.size()) return;
      loads_[chosen] = loads_[chosen] + component;
      size = larger(size, loads_[chosen]);
      groups.push_back(chosen);
    }
    keep(groups, size);
  }

  // Puts component `next` and all after it wherever they may still beat the best.
  void branch(std::size_t next, const Size& size) {
    if (++steps_ > kMostSteps) {
      leave_open(static_cast<std::int64_t>(loads_.size()));
      return;
    }
    if (products(larger(size, least(static_cast<std::int64_t>(loads_.size())))) >= best_products_) {
      return;
    }
    if (next == sizes_.size()) {
      keep(current_, size);
      return;
    }
    for (std::size_t g = 0; g < loads_.size(); ++g) {
      // A group as full as an earlier one would only repeat what was tried there.
      if (std::find(loads_.begin(), loads_.begin() + static_cast<std::ptrdiff_t>(g), loads_[g]) !=
          loads_.begin() + static_cast<std::ptrdiff_t>(g)) {
        continue;
      }
      const Size before = loads_[g];
      loads_[g] = before + sizes_[next];
      if (loads_[g].outputs <= most_outputs_) {
        current_[next] = g;
        branch(next + 1, larger(size, loads_[g]));
      }
      loads_[g] = before;
    }
  }

  std::vector<Size> sizes_;
  std::int64_t c_o_;
  Size sum_, largest_;
  std::vector<Size> loads_;
  std::int64_t most_outputs_ = 0;
  std::vector<std::size_t> current_;
  Assignment best_;
  std::int64_t best_products_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t steps_ = 0;
  std::int64_t open_ = std::numeric_limits<std::int64_t>::max();  // least products left open
};

Size size_of(const Channels& channels) {
  return {static_cast<std::int64_t>(channels.outputs.size()),
          static_cast<std::int64_t>(channels.inputs.size())};
}

void merge(const std::vector<std::int64_t>& from, std::vector<std::int64_t>& to) {
  const auto middle = to.insert(to.end(), from.begin(), from.end());
  std::inplace_merge(to.begin(), middle, to.end());
}

}  // namespace

Packing pack(const std::vector<Channels>& components, std::int64_t c_o) {
  std::vector<std::size_t> order(components.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return size_of(components[a]).area() > size_of(components[b]).area();
  });
  std::vector<Size> sizes;
  sizes.reserve(order.size());
  for (const std::size_t component : order) sizes.push_back(size_of(components[component]));
  Search search(std::move(sizes), c_o);

  std::vector<std::int64_t> numbers;  // of groups, the fewest products first
  for (std::int64_t groups = 1; groups <= static_cast<std::int64_t>(order.size()); ++groups) {
    if (search.possible(groups)) numbers.push_back(groups);
  }
  std::stable_sort(numbers.begin(), numbers.end(), [&](std::int64_t a, std::int64_t b) {
    return search.least_products(a) < search.least_products(b);
  });
  search.try_groups(1);
  std::size_t tries = 0;
  for (const std::int64_t groups : numbers) {
    if (search.least_products(groups) >= search.best_products()) break;
    if (++tries > kMostTries) {
      search.leave_open(groups);
      break;
    }
    search.try_groups(groups);
  }

  const Assignment& best = search.best();
  std::vector<Channels> groups(components.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    merge(components[order[i]].outputs, groups[best.groups[i]].outputs);
    merge(components[order[i]].inputs, groups[best.groups[i]].inputs);
  }
  std::erase_if(groups, [](const Channels& group) { return group.outputs.empty(); });
  std::sort(groups.begin(), groups.end(), [](const Channels& a, const Channels& b) {
    return a.outputs.front() < b.outputs.front();
  });
  return {std::move(groups), best.size.outputs, best.size.inputs, search.exhaustive()};
}

}  // namespace plait::rewrite
