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

using LineTag = hn::ScalableTag<float>;
using LineVector = hn::Vec<LineTag>;
constexpr std::int64_t kLineLanes = static_cast<std::int64_t>(hn::MaxLanes(LineTag()));

// Lanes [begin, end) of a vector, of which either may lie outside it.
HWY_INLINE hn::Mask<LineTag> LanesFrom(std::int64_t begin, std::int64_t end) {
  const LineTag d;
  const auto clamped = [](std::int64_t i) {
    return static_cast<std::size_t>(HWY_MIN(HWY_MAX(i, 0), kLineLanes));
  };
  return hn::AndNot(hn::FirstN(d, clamped(begin)), hn::FirstN(d, clamped(end)));
}

// Columns [begin, end) of one line.
HWY_INLINE void CopyOneByOne(const LineCopy& copy, const float* from, float* to, std::int64_t begin,
                             std::int64_t end) {
  for (std::int64_t j = begin; j < end; ++j) {
    to[j] = j < copy.first || j >= copy.last ? copy.outside : from[(j - copy.first) * copy.step];
  }
}

// Every kStep-th element of what lies in kStep vectors.
template <int kStep>
HWY_INLINE LineVector Pick(const LineVector* vectors) {
  if constexpr (kStep == 1) {
    return vectors[0];
  } else {
    const LineVector low = Pick<kStep / 2>(vectors);
    const LineVector high = Pick<kStep / 2>(vectors + kStep / 2);
    return hn::ConcatEven(LineTag(), high, low);
  }
}

// Columns [j, j + kLineLanes) of a line, all of which are read, and more unless kStep is 1.
template <int kStep>
HWY_INLINE void CopyInside(const LineCopy& copy, const float* from, float* to, std::int64_t j) {
  const LineTag d;
  LineVector vectors[kStep];
  for (int s = 0; s < kStep; ++s) {
    vectors[s] = hn::LoadU(d, from + (j - copy.first) * kStep + s * kLineLanes);
  }
  hn::StoreU(Pick<kStep>(vectors), d, to + j);
}

// The same columns where some of them are outside or behind the last. Its masks are made once for
// all lines: lines are short, and masks take longer than what they guard.
template <int kStep>
class Edge {
 public:
  Edge(const LineCopy& copy, std::int64_t j) : copy_(copy), j_(j) {
#if HWY_TARGET <= HWY_AVX2
    wanted_ = LanesFrom(copy.first - j, copy.last - j);
    stored_ = LanesFrom(0, copy.columns - j);
    const std::int64_t floats = (copy.last - copy.first - 1) * kStep + 1;
    for (int s = 0; s < kStep; ++s) {
      const std::int64_t offset = (j - copy.first) * kStep + s * kLineLanes;
      read_[s] = LanesFrom(-offset, floats - offset);
    }
#endif
  }

  HWY_INLINE void Copy(const float* from, float* to) const {
#if HWY_TARGET <= HWY_AVX2
    const LineTag d;
    LineVector vectors[kStep];
    for (int s = 0; s < kStep; ++s) {
      vectors[s] = hn::MaskedLoad(read_[s], d, from + (j_ - copy_.first) * kStep + s * kLineLanes);
    }
    const LineVector outside = hn::Set(d, copy_.outside);
    hn::BlendedStore(hn::IfThenElse(wanted_, Pick<kStep>(vectors), outside), stored_, d, to + j_);
#else  // Highway's masked loads read all lanes here
    CopyOneByOne(copy_, from, to, j_, HWY_MIN(copy_.columns, j_ + kLineLanes));
#endif
  }

 private:
  const LineCopy& copy_;
  std::int64_t j_;
#if HWY_TARGET <= HWY_AVX2
  hn::Mask<LineTag> read_[kStep], wanted_, stored_;
#endif
};

// Lines of an edge, vectors inside and an edge, as most are; then what is left of wide borders.
template <int kStep>
void CopyEveryNth(const LineCopy& given) {
  const LineCopy copy = given;  // what is stored cannot change it
  // Of the last vector that is picked from, less than all is the line's.
  const std::int64_t inside_end = copy.last - kLineLanes - (kStep > 1 ? 1 : 0);
  std::int64_t second = kLineLanes;
  if (second >= copy.first && second <= inside_end) {
    second += ((inside_end - second) / kLineLanes + 1) * kLineLanes;
  }
  const Edge<kStep> left(copy, 0);
  const Edge<kStep> right(copy, second);
  for (std::int64_t line = 0; line < copy.lines; ++line) {
    const float* from = copy.from + line * copy.from_stride;
    float* to = copy.to + line * copy.to_stride;
    left.Copy(from, to);
    for (std::int64_t j = kLineLanes; j < second; j += kLineLanes) {
      CopyInside<kStep>(copy, from, to, j);
    }
    if (second < copy.columns) right.Copy(from, to);
  }
  for (std::int64_t j = second + kLineLanes; j < copy.columns; j += kLineLanes) {
    const Edge<kStep> edge(copy, j);
    for (std::int64_t line = 0; line < copy.lines; ++line) {
      edge.Copy(copy.from + line * copy.from_stride, copy.to + line * copy.to_stride);
    }
  }
}

void CopyLines(const LineCopy& copy) {
  const bool vectors = copy.first < copy.last;
  if (vectors && copy.step == 1) {
    CopyEveryNth<1>(copy);
  } else if (vectors && copy.step == 2) {
    CopyEveryNth<2>(copy);
  } else if (vectors && copy.step == 4) {
    CopyEveryNth<4>(copy);
  } else {
    for (std::int64_t line = 0; line < copy.lines; ++line) {
      CopyOneByOne(copy, copy.from + line * copy.from_stride, copy.to + line * copy.to_stride, 0,
                   copy.columns);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

LineCopyFunction line_copy(Target target) { return PLAIT_SELECT_TARGET(target, CopyLines); }

}  // namespace plait::kernels
#endif
