#include "core/problem/normalized_problem.hpp"

#include <algorithm>

namespace plait {
namespace {

void drop_unused(std::optional<Dims>& strides, const Dims& shape, Layout layout) {
  if (!strides) return;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) (*strides)[axis] = layout_strides(shape, layout)[axis];
  }
}

}  // namespace

Problem normalized_problem(const Problem& problem) {
  Problem p = problem;
  if (p.k_h == 1) p.dilation.h = 1;
  if (p.k_w == 1) p.dilation.w = 1;
  // The places that the window can take along each axis at stride 1.
  const std::int64_t rows = p.h + p.padding.top + p.padding.bottom - p.dilation.h * (p.k_h - 1);
  const std::int64_t columns = p.w + p.padding.left + p.padding.right - p.dilation.w * (p.k_w - 1);
  p.stride.h = std::min(p.stride.h, rows);
  p.stride.w = std::min(p.stride.w, columns);
  drop_unused(p.x_strides, p.x_shape(), p.x_layout);
  drop_unused(p.y_strides, p.y_shape(), p.y_layout);
  drop_unused(p.residual_strides, p.y_shape(), p.y_layout);
  return p;
}

}  // namespace plait
