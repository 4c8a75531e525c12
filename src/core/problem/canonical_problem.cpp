#include "core/problem/canonical_problem.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace plait {
namespace {

constexpr int kImages = 0, kChannels = 1, kRows = 2, kColumns = 3;  // axes of a tensor

// The strides of x, y and the residual, in elements and in the order n, c, h, w.
struct Strides {
  explicit Strides(const Problem& p)
      : x(p.effective_x_strides()),
        y(p.effective_y_strides()),
        residual(p.residual ? p.effective_residual_strides() : y) {}

  Dims x, y, residual;
};

// Whether, in every tensor, a step along `outer` is as long as `size` steps along `inner`.
bool lie_evenly(const Strides& s, int outer, int inner, std::int64_t size) {
  const auto evenly = [&](const Dims& d) { return d[outer] == d[inner] * size; };
  return evenly(s.x) && evenly(s.y) && evenly(s.residual);
}

// Drops rows at the bottom and columns at the right that are padding and that no window reads.
void drop_unread_padding(Problem& p) {
  // `positions` counts the places that the window can take along an axis at stride 1.
  const auto drop = [](std::int64_t& after, std::int64_t positions, std::int64_t& stride) {
    const std::int64_t unread = std::min(after, (positions - 1) % stride);
    after -= unread;
    stride = std::min(stride, positions - unread);
  };
  Padding& pad = p.padding;
  drop(pad.bottom, p.h + pad.top + pad.bottom - p.dilation.h * (p.k_h - 1), p.stride.h);
  drop(pad.right, p.w + pad.left + pad.right - p.dilation.w * (p.k_w - 1), p.stride.w);
}

// Makes the rows of a channel channels, if the window covers all of them and they follow those of
// the channel before in memory: a sum over (c, u, v) is then one over (c u, v). Depthwise layers
// stay as they are.
void fold_rows(Problem& p, Strides& s) {
  const bool is_depthwise = p.groups > 1 && p.c_i == p.groups;
  if (p.h == 1 || p.k_h != p.h || p.padding.top + p.padding.bottom != 0 || p.dilation.h != 1) {
    return;
  }
  if (is_depthwise || (p.c_i > 1 && s.x[kChannels] != s.x[kRows] * p.h)) return;
  s.x[kChannels] = s.x[kRows];
  p.c_i *= p.h;
  p.h = p.k_h = p.stride.h = 1;
}

// Exchanges rows and columns. The window has one row or one column, so the weight's bytes stay.
void transpose(Problem& p, Strides& s) {
  std::swap(p.h, p.w);
  std::swap(p.k_h, p.k_w);
  std::swap(p.stride.h, p.stride.w);
  std::swap(p.dilation.h, p.dilation.w);
  std::swap(p.padding.top, p.padding.left);
  std::swap(p.padding.bottom, p.padding.right);
  for (Dims* strides : {&s.x, &s.y, &s.residual}) std::swap((*strides)[2], (*strides)[3]);
}

bool is_one_column(const Problem& p) {
  return p.w == 1 && p.k_w == 1 && p.padding.left + p.padding.right == 0;
}

// The number of rows of a rectangle with so many pixels. Algorithms split their work between rows,
// and the fixed cost of a row should weigh little, so the rectangle is as nearly square as the
// divisors of `pixels` allow, and has at most 256 rows so that few divisors are tried.
std::int64_t rows_of(std::int64_t pixels) {
  constexpr std::int64_t kMostRows = 256;
  auto rows = kMostRows;
  if (pixels < kMostRows * kMostRows) {
    rows = static_cast<std::int64_t>(std::sqrt(static_cast<double>(pixels)));
  }
  while (pixels % rows != 0) --rows;
  return rows;
}

// Whether the channels of an image lie between it and its pixels, as in NCHW.
bool holds_channels(const Problem& p, const Strides& s, int outer, int inner) {
  const auto holds = [&](const Dims& d) {
    const std::int64_t channel = std::abs(d[kChannels]);
    return std::abs(d[outer]) >= channel && channel > std::abs(d[inner]);
  };
  return (p.c_i > 1 && holds(s.x)) || (p.c_o > 1 && holds(s.y));
}

// Lines along which pixels lie: `size` of them, with the strides of the tensors' `axis`.
struct PixelAxis {
  std::int64_t size;
  int axis;
};

void set_axes(Problem& p, Strides& s, const PixelAxis& images, const PixelAxis& rows,
              const PixelAxis& columns) {
  const Strides given = s;
  p.n = images.size;
  p.h = rows.size;
  p.w = columns.size;
  for (const auto& [to, from] : {std::pair{&s.x, &given.x}, std::pair{&s.y, &given.y},
                                 std::pair{&s.residual, &given.residual}}) {
    (*to)[kImages] = (*from)[images.axis];
    (*to)[kRows] = (*from)[rows.axis];
    (*to)[kColumns] = (*from)[columns.axis];
  }
}

// Lays the pixels of one row out as a rectangle that is nearly square.
void square(Problem& p, Strides& s) {
  const std::int64_t pixels = p.w;
  p.h = rows_of(pixels);
  p.w = pixels / p.h;
  for (Dims* strides : {&s.x, &s.y, &s.residual}) (*strides)[kRows] = (*strides)[kColumns] * p.w;
}

// Makes images rows if the window has one row, and rows pixels if it has one column as well. An
// axis that does not lie evenly stays an axis of rows, which register tiles may span. Images that
// fill many tiles by themselves stay images, so that their pixels are read in place. As rows, 1x1
// layers take 0.53 of the time at 2x2 pixels and 0.95 at 14x14 [`pointwise`, Zen 4 VM, AVX-512, one
// thread, 2026-12-01].
void merge_pixels(Problem& p, Strides& s) {
  constexpr std::int64_t kManyPixels = 256;
  if (p.k_h != 1 || p.padding.top + p.padding.bottom != 0 || p.stride.h != 1) return;
  const bool all_are_pixels =
      p.k_w == 1 && p.padding.left + p.padding.right == 0 && p.stride.w == 1;
  std::array<PixelAxis, 3> axes = {};
  std::size_t count = 0;
  const auto add = [&](const PixelAxis& next) {
    if (next.size == 1) return;
    PixelAxis& last = axes[count == 0 ? 0 : count - 1];
    if (count > 0 && lie_evenly(s, last.axis, next.axis, next.size)) {
      last = {last.size * next.size, next.axis};
    } else {
      axes[count++] = next;
    }
  };
  add({p.n, kImages});
  add({p.h, kRows});
  PixelAxis pixels = {p.w, kColumns};
  if (all_are_pixels) {
    add(pixels);
    if (count > 0) pixels = axes[--count];
  }
  if (count > 1) return;
  const PixelAxis none = {1, kImages};
  const PixelAxis outer = count == 1 ? axes[0] : none;
  const bool are_images =
      pixels.size >= kManyPixels && holds_channels(p, s, outer.axis, pixels.axis);
  set_axes(p, s, are_images ? outer : none, are_images ? none : outer, pixels);
  if (all_are_pixels && p.h == 1) square(p, s);
}

// The layout in which a tensor is dense, or its strides if it is dense in neither.
struct Place {
  Place(const Dims& shape, const Dims& given)
      : layout(shape[kRows] * shape[kColumns] == 1 ? Layout::nhwc : Layout::nchw) {
    const Layout other = layout == Layout::nchw ? Layout::nhwc : Layout::nchw;
    for (const Layout dense : {layout, other}) {
      if (used_strides(shape, given, dense) != layout_strides(shape, dense)) continue;
      layout = dense;
      return;
    }
    strides = used_strides(shape, given, layout);
  }

  // The stride of an axis with one element is never used: it becomes that of the dense layout.
  static Dims used_strides(const Dims& shape, const Dims& given, Layout layout) {
    Dims used = layout_strides(shape, layout);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] > 1) used[axis] = given[axis];
    }
    return used;
  }

  Layout layout;
  std::optional<Dims> strides;
};

void place(Problem& p, const Strides& s) {
  const Place x(p.x_shape(), s.x);
  const Place y(p.y_shape(), s.y);
  p.x_layout = x.layout;
  p.x_strides = x.strides;
  p.y_layout = y.layout;
  p.y_strides = y.strides;
  const Dims residual = Place::used_strides(p.y_shape(), s.residual, y.layout);
  p.residual_strides.reset();
  if (p.residual && residual != layout_strides(p.y_shape(), y.layout)) {
    p.residual_strides = residual;
  }
}

}  // namespace

Problem canonical_problem(const Problem& normalized) {
  Problem p = normalized;
  if (p.direction != Direction::forward) return p;
  Strides s(p);
  drop_unread_padding(p);
  fold_rows(p, s);
  if (p.k_h == 1) {
    transpose(p, s);
    fold_rows(p, s);  // the columns
    transpose(p, s);
  }
  if (is_one_column(p)) transpose(p, s);
  merge_pixels(p, s);
  place(p, s);
  return p;
}

std::string packed_weight_text(const Problem& problem) {
  Dims shape = problem.weight_shape();
  if (shape[kColumns] == 1) std::swap(shape[kRows], shape[kColumns]);
  return to_string(shape) + " g" + std::to_string(problem.groups);
}

}  // namespace plait
