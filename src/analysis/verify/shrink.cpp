#include "analysis/verify/shrink.hpp"

#include <algorithm>
#include <vector>

namespace plait {
namespace {

bool same(const Case& a, const Case& b) {
  return a.problem == b.problem && a.limits == b.limits && a.data == b.data &&
         a.guard_behind == b.guard_behind && a.machine.caches == b.machine.caches &&
         a.machine.rates == b.machine.rates;
}

// The smaller values to try for a size, the smallest first.
std::vector<std::int64_t> smaller(std::int64_t value, std::int64_t least) {
  std::vector<std::int64_t> values;
  for (const std::int64_t v : {least, value / 2, value - 1}) {
    if (v >= least && v < value) values.push_back(v);
  }
  return values;
}

class Simplifications {
 public:
  explicit Simplifications(const Case& from) : from_(from) {}

  // Simpler cases, from the largest simplification to the smallest.
  std::vector<Case> all() {
    surroundings();
    options();
    geometry();
    sizes();
    return std::move(cases_);
  }

 private:
  // Adds the case with a change, unless the change has no effect or makes the case invalid.
  template <class Change>
  void with(Change change) {
    Case simpler = from_;
    change(simpler);
    if (same(simpler, from_)) return;
    try {
      validate(simpler.problem);
    } catch (const Error&) {
      return;
    }
    cases_.push_back(std::move(simpler));
  }

  void surroundings() {
    with([](Case& c) {
      c.machine.caches = host_machine().caches;
      c.machine.rates.fork_join_seconds = host_machine().rates.fork_join_seconds;
    });
    with([](Case& c) { c.limits.threads = 1; });
    with([](Case& c) { c.limits.max_workspace_bytes = kNoWorkspaceCap; });
    with([](Case& c) { c.limits.prepacked = true; });
    with([](Case& c) { c.limits.tile_columns = 0; });
    with([](Case& c) { c.data = DataKind::integers; });
    if (from_.data != DataKind::integers) with([](Case& c) { c.data = DataKind::relu_like; });
    with([](Case& c) { c.guard_behind = true; });
  }

  void options() {
    with([](Case& c) { c.problem.x_strides.reset(); });
    with([](Case& c) { c.problem.y_strides.reset(); });
    with([](Case& c) { c.problem.residual_strides.reset(); });
    with([](Case& c) { c.problem.x_layout = Layout::nchw; });
    with([](Case& c) { c.problem.y_layout = Layout::nchw; });
    with([](Case& c) {
      c.problem.residual = false;
      c.problem.residual_strides.reset();
    });
    with([](Case& c) { c.problem.bias = false; });
    with([](Case& c) { c.problem.activation = {}; });
    with([](Case& c) {
      c.problem.padding_mode = PaddingMode::zeros;
      c.problem.padding_value = 0;
    });
    with([](Case& c) { c.problem.dtype = Dtype::f32; });
  }

  void geometry() {
    with([](Case& c) { c.problem.padding = 0; });
    for (std::int64_t Padding::*side :
         {&Padding::top, &Padding::bottom, &Padding::left, &Padding::right}) {
      for (const std::int64_t v : smaller(from_.problem.padding.*side, 0)) {
        with([=](Case& c) { c.problem.padding.*side = v; });
      }
    }
    for (std::int64_t Pair::*axis : {&Pair::h, &Pair::w}) {
      for (const std::int64_t v : smaller(from_.problem.stride.*axis, 1)) {
        with([=](Case& c) { c.problem.stride.*axis = v; });
      }
      for (const std::int64_t v : smaller(from_.problem.dilation.*axis, 1)) {
        with([=](Case& c) { c.problem.dilation.*axis = v; });
      }
    }
  }

  void sizes() {
    const std::int64_t groups = from_.problem.groups;
    with([groups](Case& c) {
      c.problem.groups = 1;
      c.problem.c_i /= groups;
      c.problem.c_o /= groups;
    });
    for (std::int64_t Problem::*size : {&Problem::c_i, &Problem::c_o}) {
      for (const std::int64_t v : smaller(from_.problem.*size / groups, 1)) {
        with([=](Case& c) { c.problem.*size = v * groups; });
      }
    }
    for (std::int64_t Problem::*size :
         {&Problem::n, &Problem::h, &Problem::w, &Problem::k_h, &Problem::k_w}) {
      for (const std::int64_t v : smaller(from_.problem.*size, 1)) {
        with([=](Case& c) { c.problem.*size = v; });
      }
    }
  }

  const Case& from_;
  std::vector<Case> cases_;
};

}  // namespace

Case shrink(const Case& failing, const std::function<bool(const Case&)>& fails, int max_trials) {
  Case smallest = failing;
  int trials = 0;
  bool smaller_found = true;
  while (smaller_found) {
    smaller_found = false;
    for (const Case& simpler : Simplifications(smallest).all()) {
      if (++trials > max_trials) return smallest;
      if (fails(simpler)) {
        smallest = simpler;
        smaller_found = true;
        break;
      }
    }
  }
  return smallest;
}

}  // namespace plait
