#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tile/store.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h: these are compiled once per target.
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"
#include "kernels/simd/first_n-inl.h"
#include "kernels/tile/store-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums in rows, sums[r * cols + j]: the columns of a range lie side by side.
class RowStore {
 public:
  RowStore(const Epilogue& epilogue, const Destination& to) : epilogue_(epilogue), to_(to) {}

  void Run(const float* sums, int r, const StoreRange& range) const {
    const V bias =
        hn::Set(d_, epilogue_.bias != nullptr ? epilogue_.bias[r] : -0.0F);  // x + -0 is x
    for (int j = range.begin; j < range.end; j += kLanes) {
      const int count = HWY_MIN(range.end - j, kLanes);
      V sum = hn::Add(LoadAtMost(d_, sums + j, count), bias);
      if (epilogue_.residual) sum = hn::Add(sum, Residual(range, r, j, count));
      Store(Activate(epilogue_.activation, epilogue_.slope, sum), range, r, j, count);
    }
  }

 private:
  using D = FloatTag;
  using V = FloatVector;
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

  V Residual(const StoreRange& range, int r, int j, int count) const {
    const float* from = to_.residual + r * to_.residual_row_stride + range.residual_offset +
                        (j - range.begin) * to_.residual_pixel_stride;
    if (to_.residual_pixel_stride == 1) return LoadAtMost(d_, from, count);
    HWY_ALIGN float lanes[kLanes] = {};
    for (int i = 0; i < count; ++i) lanes[i] = from[i * to_.residual_pixel_stride];
    return hn::Load(d_, lanes);
  }

  void Store(V value, const StoreRange& range, int r, int j, int count) const {
    float* const to =
        to_.y + r * to_.row_stride + range.offset + (j - range.begin) * to_.pixel_stride;
    if (to_.pixel_stride == 1) {
      hn::BlendedStore(value, hn::FirstN(d_, static_cast<std::size_t>(count)), d_, to);
      return;
    }
    HWY_ALIGN float lanes[kLanes];
    hn::Store(value, d_, lanes);
    for (int i = 0; i < count; ++i) to[i * to_.pixel_stride] = lanes[i];
  }

  D d_;
  const Epilogue& epilogue_;
  const Destination& to_;
};

void StoreRows(const float* sums, int /*rows*/, int cols, const Epilogue& epilogue,
               const Destination& to) {
  const RowStore store(epilogue, to);
  for (int r = 0; r < to.rows; ++r, sums += cols) {
    for (const StoreRange& range : to.ranges) store.Run(sums, r, range);
  }
}

// Four vectors of channels, at four pixels side by side, become rows of four pixels, one for each
// channel.
template <class D>
HWY_INLINE void StoreBlocks(D d, hn::Vec<D> v, float* to, std::int64_t stride, int rows) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    if (rows > 0) hn::StoreU(v, d, to);
  } else {
    const hn::Half<D> half;
    constexpr int kRows = static_cast<int>(hn::MaxLanes(D()) / 2);
    StoreBlocks(half, hn::LowerHalf(half, v), to, stride, rows);
    StoreBlocks(half, hn::UpperHalf(half, v), to + kRows * stride, stride, rows - kRows);
  }
}

template <class D>
HWY_INLINE void StoreTransposed(D d, const hn::Vec<D> (&pixels)[4], float* to, std::int64_t stride,
                                int rows) {
  const hn::Repartition<double, D> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, pixels[0], pixels[1]));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, pixels[0], pixels[1]));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, pixels[2], pixels[3]));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, pixels[2], pixels[3]));
  // Every fourth channel, from the first, second, third and fourth on.
  StoreBlocks(d, hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), to, stride, rows);
  StoreBlocks(d, hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), to + stride, stride,
              rows - 1);
  StoreBlocks(d, hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), to + 2 * stride,
              stride, rows - 2);
  StoreBlocks(d, hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), to + 3 * stride,
              stride, rows - 3);
}

// Sums in columns, sums[j * rows + r]: the channels of a pixel lie side by side.
class ColumnStore {
 public:
  ColumnStore(const float* sums, int rows, const Epilogue& epilogue, const Destination& to)
      : sums_(sums), rows_(rows), epilogue_(epilogue), to_(to) {}

  // Simple epilogues.
  HWY_INLINE void Run(const StoreRange& range) const {
    for (int r = 0; r < to_.rows; r += kLanes) {
      const int count = Channels(r);
      const V bias = Bias(r, count);
      if (to_.row_stride == 1) {
        StorePixels(range, r, count, [&](int j) { return Value(j, r, bias); });
      } else if (to_.pixel_stride == 1 && range.end - range.begin >= 4) {
        StoreImageRows(range, r, count, bias);
      } else {
        StoreOneByOne(range, r, count, bias);
      }
    }
  }

  // Any epilogue, where the channels of a pixel lie side by side in y and in the residual.
  HWY_INLINE void RunPixels(const StoreRange& range) const {
    for (int r = 0; r < to_.rows; r += kLanes) {
      const int count = Channels(r);
      const V bias = Bias(r, count);
      StorePixels(range, r, count, [&](int j) {
        V sum = hn::Add(Sum(j, r), bias);
        if (epilogue_.residual) {
          const float* const added = to_.residual + r + range.residual_offset +
                                     (j - range.begin) * to_.residual_pixel_stride;
          sum = hn::Add(sum, LoadAtMost(d_, added, count));
        }
        return Activate(epilogue_.activation, epilogue_.slope, sum);
      });
    }
  }

 private:
  using D = FloatTag;
  using V = FloatVector;
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

  // How many channels the vector from channel r on has.
  HWY_INLINE int Channels(int r) const { return HWY_MIN(to_.rows - r, kLanes); }

  HWY_INLINE V Bias(int r, int count) const {
    return epilogue_.bias != nullptr ? LoadAtMost(d_, epilogue_.bias + r, count)
                                     : hn::Set(d_, -0.0F);  // x + -0 is x
  }

  HWY_INLINE V Sum(int j, int r) const {
    return hn::Load(d_, sums_ + static_cast<std::ptrdiff_t>(j) * rows_ + r);
  }

  template <class ValueAt>
  HWY_INLINE void StorePixels(const StoreRange& range, int r, int count,
                              const ValueAt& value) const {
    const auto mask = hn::FirstN(d_, static_cast<std::size_t>(count));
    const bool non_temporal = IsNonTemporal(to_, Address(range, range.begin, r));
    for (int j = range.begin; j < range.end; ++j) {
      if (count == kLanes) {
        StoreVector(value(j), Address(range, j, r), non_temporal);
      } else {
        hn::BlendedStore(value(j), mask, d_, Address(range, j, r));
      }
    }
  }

  HWY_INLINE V Value(int j, int r, V bias) const {
    const V sum = hn::Add(Sum(j, r), bias);
    return epilogue_.activation == ActivationKind::relu ? NotBelowZero(sum) : sum;
  }

  HWY_INLINE float* Address(const StoreRange& range, int j, int r) const {
    return to_.y + r * to_.row_stride + range.offset + (j - range.begin) * to_.pixel_stride;
  }

  // Four pixels at a time; the last four may overlap the ones before.
  HWY_INLINE void StoreImageRows(const StoreRange& range, int r, int count, V bias) const {
    for (int next = range.begin; next < range.end; next += 4) {
      const int j = HWY_MIN(next, range.end - 4);
      const V pixels[4] = {Value(j, r, bias), Value(j + 1, r, bias), Value(j + 2, r, bias),
                           Value(j + 3, r, bias)};
      StoreTransposed(d_, pixels, Address(range, j, r), to_.row_stride, count);
    }
  }

  HWY_INLINE void StoreOneByOne(const StoreRange& range, int r, int count, V bias) const {
    HWY_ALIGN float channels[hn::MaxLanes(D())];
    for (int j = range.begin; j < range.end; ++j) {
      hn::Store(Value(j, r, bias), d_, channels);
      float* const to = Address(range, j, r);
      for (int i = 0; i < count; ++i) to[i * to_.row_stride] = channels[i];
    }
  }

  D d_;
  const float* sums_;
  int rows_;
  const Epilogue epilogue_;  // copies: what is stored cannot change them
  const Destination to_;
};

void StoreColumns(const float* sums, int rows, int cols, const Epilogue& epilogue,
                  const Destination& to) {
  const bool in_pixels = to.row_stride == 1 && (!epilogue.residual || to.residual_row_stride == 1);
  if (!epilogue.is_simple() && in_pixels) {
    const ColumnStore store(sums, rows, epilogue, to);
    for (const StoreRange& range : to.ranges) store.RunPixels(range);
    return;
  }
  if (!epilogue.is_simple()) {  // transposed to rows first
    HWY_ALIGN float transposed[kMaxTile];
    const StoreRange all{0, 0, 0, cols};
    const Destination here{
        .y = transposed, .row_stride = cols, .rows = to.rows, .ranges = {&all, 1}};
    ColumnStore(sums, rows, Epilogue{}, here).Run(all);
    StoreRows(transposed, rows, cols, epilogue, to);
    return;
  }
  const ColumnStore store(sums, rows, epilogue, to);
  for (const StoreRange& range : to.ranges) store.Run(range);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();
