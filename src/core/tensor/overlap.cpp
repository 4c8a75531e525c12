// Whether strided regions share memory.
//
// A byte is shared when  a + sum i_k s_k + r = b + sum j_k t_k + q  has a solution with the indices
// i, j inside the shapes and r, q inside an element: one linear equation with bounded unknowns.
// It is searched from the largest stride down. Where strides nest, as in slices of one parent,
// only a few values of each index leave a remainder that the smaller strides can still reach.
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <plait/tensor.hpp>

#include "core/integers.hpp"

namespace plait {
namespace {

// stride * m for any m in [first, last]; stride > 0.
struct Term {
  Int128 stride = 1;
  Int128 first = 0;
  Int128 last = 0;
};

// One term for each axis of both regions, and one for the bytes inside an element.
struct Sum {
  std::array<Term, 2 * Dims::kMaxRank + 1> terms;
  std::size_t count = 0;

  void add(Int128 stride, Int128 first, Int128 last) {
    if (stride < 0) {
      stride = -stride;
      std::swap(first, last);
      first = -first;
      last = -last;
    }
    for (std::size_t k = 0; k < count; ++k) {
      if (terms[k].stride == stride) {
        terms[k].first += first;
        terms[k].last += last;
        return;
      }
    }
    terms[count++] = {stride, first, last};
  }
};

Int128 floor_divide(Int128 a, Int128 b) { return a / b - (a % b < 0 ? 1 : 0); }  // b > 0

// Whether terms k, k + 1, ... can sum up to `target`. Searches depth-first, largest stride first,
// and answers yes after `budget` steps: only strides that do not nest come near it.
bool reaches(const Sum& sum, std::size_t k, Int128 target, int& budget) {
  Int128 low = 0;
  Int128 high = 0;
  for (std::size_t j = k; j < sum.count; ++j) {
    low += sum.terms[j].stride * sum.terms[j].first;
    high += sum.terms[j].stride * sum.terms[j].last;
  }
  if (target < low || target > high) return false;
  const Term& term = sum.terms[k];
  if (k + 1 == sum.count) return true;  // the last stride is a single byte: every value is hit
  if (--budget < 0) return true;
  low -= term.stride * term.first;
  high -= term.stride * term.last;
  const Int128 first = std::max(term.first, -floor_divide(high - target, term.stride));
  const Int128 last = std::min(term.last, floor_divide(target - low, term.stride));
  for (Int128 m = first; m <= last; ++m) {
    if (reaches(sum, k + 1, target - term.stride * m, budget)) return true;
  }
  return false;
}

struct ByteRange {
  Int128 begin = 0;
  Int128 end = 0;
};

// The bytes between the lowest and the highest element, in elements relative to the first.
// element_count bounds the products: (size - 1) |stride| summed over the axes is below 2^125.
ByteRange element_range(const Dims& shape, const Dims& strides) {
  ByteRange range{0, 1};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Int128 extent = Int128{shape[axis] - 1} * strides[axis];
    (extent < 0 ? range.begin : range.end) += extent;
  }
  return range;
}

}  // namespace

bool may_overlap(const void* a, const Dims& a_shape, const Dims& a_strides, std::size_t a_size,
                 const void* b, const Dims& b_shape, const Dims& b_strides, std::size_t b_size) {
  if (element_count(a_shape) == 0 || element_count(b_shape) == 0) return false;
  const ByteRange a_range = element_range(a_shape, a_strides);
  const ByteRange b_range = element_range(b_shape, b_strides);
  constexpr Int128 kAddressSpace = Int128{1} << 64;
  for (const ByteRange& range : {a_range, b_range}) {
    // No array is that large; yes is always a safe answer.
    if (range.end - range.begin > kAddressSpace) return true;
  }
  const Int128 a_bytes{a_size};
  const Int128 b_bytes{b_size};
  const Int128 distance =
      Int128{reinterpret_cast<std::uintptr_t>(b)} - Int128{reinterpret_cast<std::uintptr_t>(a)};
  if (a_range.end * a_bytes <= distance + b_range.begin * b_bytes) return false;
  if (distance + b_range.end * b_bytes <= a_range.begin * a_bytes) return false;

  Sum sum;
  sum.add(1, -(b_bytes - 1), a_bytes - 1);
  for (int axis = 0; axis < a_shape.rank(); ++axis) {
    if (a_strides[axis] != 0) sum.add(a_strides[axis] * a_bytes, 0, a_shape[axis] - 1);
  }
  for (int axis = 0; axis < b_shape.rank(); ++axis) {
    if (b_strides[axis] != 0) sum.add(b_strides[axis] * b_bytes, 1 - b_shape[axis], 0);
  }
  std::sort(sum.terms.begin(), sum.terms.begin() + static_cast<std::ptrdiff_t>(sum.count),
            [](const Term& p, const Term& q) { return p.stride > q.stride; });
  int budget = 10'000;
  return reaches(sum, 0, distance, budget);
}

bool may_self_overlap(const Dims& shape, const Dims& strides) {
  if (element_count(shape) <= 1) return false;
  struct Axis {
    Int128 stride;
    Int128 size;
  };
  std::vector<Axis> axes;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Int128 stride = strides[axis];
    if (shape[axis] > 1) axes.push_back({stride < 0 ? -stride : stride, shape[axis]});
  }
  std::sort(axes.begin(), axes.end(),
            [](const Axis& p, const Axis& q) { return p.stride < q.stride; });
  Int128 covered = 0;  // distance from the first to the last element of the smaller axes
  for (const Axis& axis : axes) {
    if (axis.stride <= covered) return true;
    covered += axis.stride * (axis.size - 1);
  }
  return false;
}

}  // namespace plait
