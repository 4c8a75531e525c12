#include "algorithms/reference/terms.hpp"

#include <algorithm>

#include "core/problem/axis_reach.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::reference {
namespace {

// The largest number of positions on a padded axis that read the same position of x.
double most_copies(PaddingMode mode, std::int64_t before, std::int64_t after) {
  if (mode == PaddingMode::replicate) return 1.0 + static_cast<double>(std::max(before, after));
  return padding_is_one_value(mode) ? 1 : 3;
}

}  // namespace

std::int64_t products_of(const Problem& problem) {
  switch (problem.direction) {
    case Direction::forward:
    case Direction::backward_weights:
      break;
    case Direction::backward_data:
      if (!padding_is_one_value(problem)) break;
      return problem.n * problem.c_o * (problem.c_i / problem.groups) *
             reach_of(AxisWindows::rows_of(problem), PaddingMode::zeros).pairs *
             reach_of(AxisWindows::columns_of(problem), PaddingMode::zeros).pairs;
    case Direction::backward_bias:
      return 0;
  }
  return problem.multiplications();
}

double most_terms(const Problem& problem) {
  const Padding& pad = problem.padding;
  const std::int64_t outputs =
      problem.c_o / problem.groups;  // output channels that read an input channel
  switch (problem.direction) {
    case Direction::forward:
      break;
    case Direction::backward_data:
      return static_cast<double>(outputs) * static_cast<double>(problem.k_h) *
             static_cast<double>(problem.k_w) *
             most_copies(problem.padding_mode, pad.top, pad.bottom) *
             most_copies(problem.padding_mode, pad.left, pad.right);
    case Direction::backward_weights:
    case Direction::backward_bias:
      return static_cast<double>(problem.n) * static_cast<double>(problem.h_o()) *
             static_cast<double>(problem.w_o());
  }
  return static_cast<double>(problem.depth());
}

std::int64_t additions_of(const Problem& problem, std::int64_t products) {
  return problem.direction == Direction::backward_bias ? element_count(problem.y_shape())
                                                       : products;
}

}  // namespace plait::algorithm::reference
