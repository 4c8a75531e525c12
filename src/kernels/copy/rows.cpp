#include "kernels/copy/rows.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copy/rows.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h: these are compiled once per target.
#include <hwy/highway.h>

#include "kernels/simd/targets-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowTag = hn::ScalableTag<float>;
using RowVector = hn::Vec<RowTag>;
constexpr std::int64_t kRowLanes = static_cast<std::int64_t>(hn::MaxLanes(RowTag()));

// Lanes [begin, end) of a vector; begin and end may lie outside it.
HWY_INLINE hn::Mask<RowTag> LanesFrom(std::int64_t begin, std::int64_t end) {
  const RowTag d;
  const auto clamped = [](std::int64_t i) {
    return static_cast<std::size_t>(HWY_MIN(HWY_MAX(i, 0), kRowLanes));
  };
  return hn::AndNot(hn::FirstN(d, clamped(begin)), hn::FirstN(d, clamped(end)));
}

// Columns [begin, end) of one row.
HWY_INLINE void CopyOneByOne(const RowCopy& copy, const float* from, float* to, std::int64_t begin,
                             std::int64_t end) {
  for (std::int64_t j = begin; j < end; ++j) {
    to[j] = j < copy.first || j >= copy.last ? copy.outside : from[(j - copy.first) * copy.step];
  }
}

// Every kStep-th element of kStep vectors.
template <int kStep>
HWY_INLINE RowVector EveryNth(const RowVector* vectors) {
  if constexpr (kStep == 1) {
    return vectors[0];
  } else {
    const RowVector low = EveryNth<kStep / 2>(vectors);
    const RowVector high = EveryNth<kStep / 2>(vectors + kStep / 2);
    return hn::ConcatEven(RowTag(), high, low);
  }
}

// Columns [j, j + kRowLanes) of a row, all of which lie inside it. Reads kStep whole vectors.
template <int kStep>
HWY_INLINE void CopyInside(const RowCopy& copy, const float* from, float* to, std::int64_t j) {
  const RowTag d;
  RowVector vectors[kStep];
  for (int s = 0; s < kStep; ++s) {
    vectors[s] = hn::LoadU(d, from + (j - copy.first) * kStep + s * kRowLanes);
  }
  hn::StoreU(EveryNth<kStep>(vectors), d, to + j);
}

// The same columns where some of them lie outside the row or behind the last column. The masks are
// made once for all rows: rows are short, and making masks takes longer than the copy.
template <int kStep>
class Edge {
 public:
  Edge(const RowCopy& copy, std::int64_t j) : copy_(copy), j_(j) {
#if HWY_TARGET <= HWY_AVX2
    wanted_ = LanesFrom(copy.first - j, copy.last - j);
    stored_ = LanesFrom(0, copy.columns - j);
    const std::int64_t floats = (copy.last - copy.first - 1) * kStep + 1;
    for (int s = 0; s < kStep; ++s) {
      const std::int64_t offset = (j - copy.first) * kStep + s * kRowLanes;
      read_[s] = LanesFrom(-offset, floats - offset);
    }
#endif
  }

  HWY_INLINE void Copy(const float* from, float* to) const {
#if HWY_TARGET <= HWY_AVX2
    const RowTag d;
    RowVector vectors[kStep];
    for (int s = 0; s < kStep; ++s) {
      vectors[s] = hn::MaskedLoad(read_[s], d, from + (j_ - copy_.first) * kStep + s * kRowLanes);
    }
    const RowVector outside = hn::Set(d, copy_.outside);
    hn::BlendedStore(hn::IfThenElse(wanted_, EveryNth<kStep>(vectors), outside), stored_, d,
                     to + j_);
#else  // Highway's masked loads read all lanes here
    CopyOneByOne(copy_, from, to, j_, HWY_MIN(copy_.columns, j_ + kRowLanes));
#endif
  }

 private:
  const RowCopy& copy_;
  std::int64_t j_;
#if HWY_TARGET <= HWY_AVX2
  hn::Mask<RowTag> read_[kStep], wanted_, stored_;
#endif
};

// Most rows are an edge, whole vectors and another edge; the rest of wide padding comes after them.
template <int kStep>
void CopyEveryNth(const RowCopy& given) {
  const RowCopy copy = given;  // a copy: stores cannot change it
  // The last vector that is read may extend past the end of the row.
  const std::int64_t inside_end = copy.last - kRowLanes - (kStep > 1 ? 1 : 0);
  std::int64_t second = kRowLanes;
  if (second >= copy.first && second <= inside_end) {
    second += ((inside_end - second) / kRowLanes + 1) * kRowLanes;
  }
  const Edge<kStep> left(copy, 0);
  const Edge<kStep> right(copy, second);
  for (std::int64_t row = 0; row < copy.rows; ++row) {
    const float* from = copy.from + row * copy.from_stride;
    float* to = copy.to + row * copy.to_stride;
    left.Copy(from, to);
    for (std::int64_t j = kRowLanes; j < second; j += kRowLanes) {
      CopyInside<kStep>(copy, from, to, j);
    }
    if (second < copy.columns) right.Copy(from, to);
  }
  for (std::int64_t j = second + kRowLanes; j < copy.columns; j += kRowLanes) {
    const Edge<kStep> edge(copy, j);
    for (std::int64_t row = 0; row < copy.rows; ++row) {
      edge.Copy(copy.from + row * copy.from_stride, copy.to + row * copy.to_stride);
    }
  }
}

void CopyRowsOf(const RowCopy& copy) {
  const bool vectors = copy.first < copy.last;
  if (vectors && copy.step == 1) {
    CopyEveryNth<1>(copy);
  } else if (vectors && copy.step == 2) {
    CopyEveryNth<2>(copy);
  } else if (vectors && copy.step == 4) {
    CopyEveryNth<4>(copy);
  } else {
    for (std::int64_t row = 0; row < copy.rows; ++row) {
      CopyOneByOne(copy, copy.from + row * copy.from_stride, copy.to + row * copy.to_stride, 0,
                   copy.columns);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

RowCopyFunction row_copy(Target target) { return PLAIT_SELECT_TARGET(target, CopyRowsOf); }

}  // namespace plait::kernels
#endif
