#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tile/store.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h: these are compiled once per target.
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"
#include "kernels/simd/part-inl.h"
#include "kernels/tile/store-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums in rows, sums[r * cols + j]: each run of each row is a piece of a line.
class RowFinisher {
 public:
  RowFinisher(const Epilogue& epilogue, const Destination& to) : epilogue_(epilogue), to_(to) {}

  void Run(const float* sums, int r, const StoreRun& run) const {
    const V bias =
        hn::Set(d_, epilogue_.bias != nullptr ? epilogue_.bias[r] : -0.0F);  // x + -0 is x
    for (int j = run.begin; j < run.end; j += kLanes) {
      const int count = HWY_MIN(run.end - j, kLanes);
      V sum = hn::Add(LoadFirst(d_, sums + j, count), bias);
      if (epilogue_.residual) sum = hn::Add(sum, Residual(run, r, j, count));
      Store(Activate(epilogue_.curve, epilogue_.slope, sum), run, r, j, count);
    }
  }

 private:
  using D = FloatTag;
  using V = FloatVector;
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

  V Residual(const StoreRun& run, int r, int j, int count) const {
    const float* from = to_.residual + r * to_.residual_row_stride + run.residual_offset +
                        (j - run.begin) * to_.residual_pixel_stride;
    if (to_.residual_pixel_stride == 1) return LoadFirst(d_, from, count);
    HWY_ALIGN float lanes[kLanes] = {};
    for (int i = 0; i < count; ++i) lanes[i] = from[i * to_.residual_pixel_stride];
    return hn::Load(d_, lanes);
  }

  void Store(V value, const StoreRun& run, int r, int j, int count) const {
    float* const to = to_.y + r * to_.row_stride + run.offset + (j - run.begin) * to_.pixel_stride;
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

void FinishRows(const float* sums, int /*rows*/, int cols, const Epilogue& epilogue,
                const Destination& to) {
  const RowFinisher finisher(epilogue, to);
  for (int r = 0; r < to.rows; ++r, sums += cols) {
    for (const StoreRun& run : to.runs) finisher.Run(sums, r, run);
  }
}

// Four vectors of channels at four pixels in a row become lines of four pixels, one per channel.
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
class ColumnFinisher {
 public:
  ColumnFinisher(const float* sums, int rows, const Epilogue& epilogue, const Destination& to)
      : sums_(sums), rows_(rows), epilogue_(epilogue), to_(to) {}

  // Of simple epilogues.
  HWY_INLINE void Run(const StoreRun& run) const {
    for (int r = 0; r < to_.rows; r += kLanes) {
      const int count = Channels(r);
      const V bias = Bias(r, count);
      if (to_.row_stride == 1) {
        StorePixels(run, r, count, [&](int j) { return Finished(j, r, bias); });
      } else if (to_.pixel_stride == 1 && run.end - run.begin >= 4) {
        StoreLines(run, r, count, bias);
      } else {
        StoreOneByOne(run, r, count, bias);
      }
    }
  }

  // Of any epilogue, where the channels of a pixel lie side by side in y and the residual, too.
  HWY_INLINE void RunPixels(const StoreRun& run) const {
    for (int r = 0; r < to_.rows; r += kLanes) {
      const int count = Channels(r);
      const V bias = Bias(r, count);
      StorePixels(run, r, count, [&](int j) {
        V sum = hn::Add(Sum(j, r), bias);
        if (epilogue_.residual) {
          const float* const added =
              to_.residual + r + run.residual_offset + (j - run.begin) * to_.residual_pixel_stride;
          sum = hn::Add(sum, LoadFirst(d_, added, count));
        }
        return Activate(epilogue_.curve, epilogue_.slope, sum);
      });
    }
  }

 private:
  using D = FloatTag;
  using V = FloatVector;
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

  // Of the vector from channel r on.
  HWY_INLINE int Channels(int r) const { return HWY_MIN(to_.rows - r, kLanes); }

  HWY_INLINE V Bias(int r, int count) const {
    return epilogue_.bias != nullptr ? LoadFirst(d_, epilogue_.bias + r, count)
                                     : hn::Set(d_, -0.0F);  // x + -0 is x
  }

  HWY_INLINE V Sum(int j, int r) const {
    return hn::Load(d_, sums_ + static_cast<std::ptrdiff_t>(j) * rows_ + r);
  }

  template <class Value>
  HWY_INLINE void StorePixels(const StoreRun& run, int r, int count, const Value& value) const {
    const auto mask = hn::FirstN(d_, static_cast<std::size_t>(count));
    const bool streams = MayStream(to_, Address(run, run.begin, r));
    for (int j = run.begin; j < run.end; ++j) {
      if (count == kLanes) {
        StoreOrStream(value(j), Address(run, j, r), streams);
      } else {
        hn::BlendedStore(value(j), mask, d_, Address(run, j, r));
      }
    }
  }

  HWY_INLINE V Finished(int j, int r, V bias) const {
    const V sum = hn::Add(Sum(j, r), bias);
    return epilogue_.curve == Curve::relu ? NotBelowZero(sum) : sum;
  }

  HWY_INLINE float* Address(const StoreRun& run, int j, int r) const {
    return to_.y + r * to_.row_stride + run.offset + (j - run.begin) * to_.pixel_stride;
  }

  // Four pixels at a time; the last four may overlap the ones before.
  HWY_INLINE void StoreLines(const StoreRun& run, int r, int count, V bias) const {
    for (int next = run.begin; next < run.end; next += 4) {
      const int j = HWY_MIN(next, run.end - 4);
      const V pixels[4] = {Finished(j, r, bias), Finished(j + 1, r, bias), Finished(j + 2, r, bias),
                           Finished(j + 3, r, bias)};
      StoreTransposed(d_, pixels, Address(run, j, r), to_.row_stride, count);
    }
  }

  HWY_INLINE void StoreOneByOne(const StoreRun& run, int r, int count, V bias) const {
    HWY_ALIGN float channels[hn::MaxLanes(D())];
    for (int j = run.begin; j < run.end; ++j) {
      hn::Store(Finished(j, r, bias), d_, channels);
      float* const to = Address(run, j, r);
      for (int i = 0; i < count; ++i) to[i * to_.row_stride] = channels[i];
    }
  }

  D d_;
  const float* sums_;
  int rows_;
  const Epilogue epilogue_;  // copies: what is stored cannot change them
  const Destination to_;
};

void FinishColumns(const float* sums, int rows, int cols, const Epilogue& epilogue,
                   const Destination& to) {
  const bool in_pixels = to.row_stride == 1 && (!epilogue.residual || to.residual_row_stride == 1);
  if (!epilogue.is_simple() && in_pixels) {
    const ColumnFinisher finisher(sums, rows, epilogue, to);
    for (const StoreRun& run : to.runs) finisher.RunPixels(run);
    return;
  }
  if (!epilogue.is_simple()) {  // turned to rows first
    HWY_ALIGN float turned[kMaxTile];
    const StoreRun all{0, 0, 0, cols};
    const Destination here{.y = turned, .row_stride = cols, .rows = to.rows, .runs = {&all, 1}};
    ColumnFinisher(sums, rows, Epilogue{}, here).Run(all);
    FinishRows(turned, rows, cols, epilogue, to);
    return;
  }
  const ColumnFinisher finisher(sums, rows, epilogue, to);
  for (const StoreRun& run : to.runs) finisher.Run(run);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();
