// The bodies of the pixel tiles; see pixels.hpp for what they compute. Included once per
// target.

#if defined(PLAIT_KERNELS_PIXELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_PIXELS_INL_H_
#undef PLAIT_KERNELS_PIXELS_INL_H_
#else
#define PLAIT_KERNELS_PIXELS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/depthwise/pixels.hpp"
#include "kernels/depthwise/planes-inl.h"
#include "kernels/simd/activate-inl.h"
#include "kernels/simd/prefetch.hpp"
#include "kernels/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void CopyPixels(const PixelRow& given) {
  const PlaneTag d;
  const PixelRow row = given;  // a copy: stores cannot change it
  const float* from = row.from;
  float* to = row.to;
  for (std::int64_t j = 0; j < row.pixels; ++j, from += row.from_stride, to += row.to_stride) {
    std::int64_t c = 0;
    for (; c + kPlaneLanes <= row.channels; c += kPlaneLanes) {
      hn::StoreU(hn::LoadU(d, from + c), d, to + c);
    }
    if (c < row.channels)
      StoreFirstN(LoadFirstN(from + c, row.channels - c), row.channels - c, to + c);
  }
}

// Applies the activations that take more than an instruction or two to outputs after they were
// stored: accumulators that a loop runs over would not stay in registers.
HWY_NOINLINE void ActivatePixels(const PixelArgs& args, int lines, int pixels, std::int64_t channel,
                                 std::int64_t count) {
  const PlaneTag d;
  for (int i = 0; i < lines; ++i) {
    for (int j = 0; j < pixels; ++j) {
      float* at = args.out + i * args.out_line + j * args.out_pixel + channel;
      const bool part = count < kPlaneLanes;
      const PlaneVector value =
          Activate(args.activation, args.slope, part ? LoadFirstN(at, count) : hn::LoadU(d, at));
      if (part) {
        StoreFirstN(value, count, at);
      } else {
        hn::StoreU(value, d, at);
      }
    }
  }
}

// Row r of x is row u = r - i of the window of line i, so that all lines share its loads; the first
// and the last rows serve only some lines. kWidth and kStride are PixelTile::k_w and ::stride.
// kPart: there are fewer channels than lanes.
template <int kWidth, int kStride, int kLines, int kPixels, bool kPart>
class PixelSums {
 public:
  // Channels [channel, channel + count) of all outputs of the tile.
  HWY_INLINE PixelSums(const PixelArgs& args, std::int64_t channel, std::int64_t count)
      : args_(args),
        offset_(args.offset + channel),
        weights_(args.weights + channel),
        window_row_(args.k_w * args.weight_stride),
        channel_(channel),
        count_(count) {}

  PLAIT_INLINE void Run() {
    if (args_.prefetch_output) PrefetchOutputs();
    ClearSums(sums_);
    FirstRows<0>();
    for (std::int64_t r = kLines - 1; r < args_.k_h; ++r) Row(0, kLines - 1, r);
    LastRows<1>();
    if (args_.k_h * args_.k_w > kChunk) AddChunks(args_.chunk_sums, sums_);
    Store();
  }

 private:
  HWY_INLINE PlaneVector Load(const float* from) const {
    return kPart ? LoadFirstN(from, count_) : hn::LoadU(PlaneTag(), from);
  }
  HWY_INLINE PlaneVector LoadShared(const float* from) const {
    return kPart ? LoadFirstN(from, count_) : LoadPinned(PlaneTag(), from);
  }

  PLAIT_INLINE void PrefetchOutputs() const {
    PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
      PLAIT_UNROLL for (int j = 0; j < kPixels; ++j) {
        prefetch_to_write(args_.out + i * args_.out_line + j * args_.out_pixel + channel_);
      }
    }
  }

  // Row r for lines first .. last, which are constants wherever this is inlined. Each vector of x
  // is loaded once: column q of the row is column v = q - j kStride of the window of pixel j.
  PLAIT_INLINE void WholeRow(int first, int last, std::int64_t r) {
    PlaneVector kept[kLines][kWidth];
    const float* HWY_RESTRICT weights = weights_ + (r - first) * window_row_;
    PLAIT_UNROLL for (int i = first; i <= last; ++i, weights -= window_row_) {
      const float* of_column = weights;
      PLAIT_UNROLL for (int v = 0; v < kWidth; ++v, of_column += args_.weight_stride) {
        kept[i][v] = LoadPinned(PlaneTag(), of_column);
      }
    }
    const std::int64_t tap = args_.tap_stride;
    const float* HWY_RESTRICT from = args_.rows[r] + offset_;
    PLAIT_UNROLL for (int q = 0; q < (kPixels - 1) * kStride + kWidth; ++q) {
      const PlaneVector value = LoadPinned(PlaneTag(), from + q % 4 * tap);
      // x86 addresses four pixels by one pointer and a step: not every pixel needs a pointer.
      if (q % 4 == 3) from += 4 * tap;
      PLAIT_UNROLL for (int v = 0; v < kWidth; ++v) {
        const int j = (q - v) / kStride;
        if (q < v || j >= kPixels || (q - v) % kStride != 0) continue;
        PLAIT_UNROLL for (int i = first; i <= last; ++i) {
          sums_[i][j] = hn::MulAdd(kept[i][v], value, sums_[i][j]);
        }
      }
    }
  }

  // Window columns [v, v_end) of row r, for lines first .. last.
  PLAIT_INLINE void Span(int first, int last, std::int64_t r, std::int64_t v, std::int64_t v_end) {
    const std::int64_t pixel = args_.pixel_stride;
    const float* HWY_RESTRICT x = args_.rows[r] + offset_ + v * args_.tap_stride;
    const float* HWY_RESTRICT weights =
        weights_ + (r - first) * window_row_ + v * args_.weight_stride;
    for (; v < v_end; ++v, x += args_.tap_stride, weights += args_.weight_stride) {
      PlaneVector of_line[kLines];
      PLAIT_UNROLL for (int i = first; i <= last; ++i) {
        of_line[i] = LoadShared(weights - (i - first) * window_row_);
      }
      const float* HWY_RESTRICT from = x;
      PLAIT_UNROLL for (int j = 0; j < kPixels; ++j) {
        const float* at = from + j % 4 * pixel;
        const PlaneVector value = first == last ? Load(at) : LoadShared(at);
        PLAIT_UNROLL for (int i = first; i <= last; ++i) {
          sums_[i][j] = hn::MulAdd(of_line[i], value, sums_[i][j]);
        }
        // x86 addresses four pixels by one pointer and a step: not every pixel needs a pointer.
        if (j % 4 == 3) from += 4 * pixel;
      }
    }
  }

  PLAIT_INLINE void Row(int first, int last, std::int64_t r) {
    if constexpr (kWidth > 0) {
      WholeRow(first, last, r);
      return;
    }
    if (args_.k_h * args_.k_w <= kChunk) {
      Span(first, last, r, 0, args_.k_w);
      return;
    }
    for (std::int64_t v = 0; v < args_.k_w;) {
      std::int64_t end = args_.k_w;
      PLAIT_UNROLL for (int i = first; i <= last; ++i) {
        const std::int64_t tap = (r - i) * args_.k_w + v;
        if (tap > 0 && tap % kChunk == 0) EndChunk(args_.chunk_sums, i, tap == kChunk, sums_);
        end = std::min(end, v + kChunk - tap % kChunk);
      }
      Span(first, last, r, v, end);
      v = end;
    }
  }

  template <int kRow>
  HWY_INLINE void FirstRows() {
    if constexpr (kRow + 1 < kLines) {
      Row(0, kRow, kRow);
      FirstRows<kRow + 1>();
    }
  }
  template <int kFirst>
  HWY_INLINE void LastRows() {
    if constexpr (kFirst < kLines) {
      Row(kFirst, kLines - 1, args_.k_h - 1 + kFirst);
      LastRows<kFirst + 1>();
    }
  }

  PLAIT_INLINE void Store() {
    const PlaneTag d;
    const bool has_bias = args_.bias != nullptr;
    const PlaneVector bias = has_bias ? Load(args_.bias + channel_) : hn::Zero(d);
    PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
      PLAIT_UNROLL for (int j = 0; j < kPixels; ++j) {
        if (has_bias) sums_[i][j] = hn::Add(sums_[i][j], bias);
        if (args_.residual != nullptr) {
          const float* from =
              args_.residual + i * args_.residual_line + j * args_.residual_pixel + channel_;
          sums_[i][j] = hn::Add(sums_[i][j], Load(from));
        }
      }
    }
    const bool relu = args_.activation == ActivationKind::relu;
    PLAIT_UNROLL for (int i = 0; i < kLines; ++i) {
      PLAIT_UNROLL for (int j = 0; j < kPixels; ++j) {
        const PlaneVector value = relu ? NotBelowZero(sums_[i][j]) : sums_[i][j];
        float* to = args_.out + i * args_.out_line + j * args_.out_pixel + channel_;
        if (kPart) {
          StoreFirstN(value, count_, to);
        } else {
          hn::StoreU(value, d, to);
        }
      }
    }
    if (args_.activation > ActivationKind::relu)
      ActivatePixels(args_, kLines, kPixels, channel_, count_);
  }

  const PixelArgs& args_;
  std::int64_t offset_;
  const float* weights_;
  std::int64_t window_row_;
  std::int64_t channel_;
  std::int64_t count_;
  PlaneVector sums_[kLines][kPixels];
};

template <int kWidth, int kStride, int kLines, int kPixels>
HWY_NOINLINE std::int64_t RunPixels(const PixelArgs& given) {
  const PixelArgs args = given;  // a copy: stores cannot change it
  std::int64_t channel = 0;
  if constexpr (kWidth > 0) {
    // The last vector computes some channels again.
    for (; channel < args.channels; channel += kPlaneLanes) {
      const std::int64_t first = std::min(channel, args.channels - kPlaneLanes);
      PixelSums<kWidth, kStride, kLines, kPixels, false>(args, first, kPlaneLanes).Run();
    }
  } else {
    for (; channel + kPlaneLanes <= args.channels; channel += kPlaneLanes) {
      PixelSums<0, 1, kLines, kPixels, false>(args, channel, kPlaneLanes).Run();
    }
    if (channel < args.channels) {
      PixelSums<0, 1, kLines, kPixels, true>(args, channel, args.channels - channel).Run();
      channel += kPlaneLanes;
    }
  }
  return channel * kLines * kPixels * args.k_h * args.k_w;
}

template <int kLines, int kPixels>
constexpr PixelTile MakePixels() {
  return {0, 1, kLines, kPixels, &RunPixels<0, 1, kLines, kPixels>};
}
template <int kWidth, int kStride, int kLines, int kPixels>
constexpr PixelTile MakeWide() {
  return {kWidth, kStride, kLines, kPixels, &RunPixels<kWidth, kStride, kLines, kPixels>};
}

// The family. Accumulators, one pixel, and one weight or a row of weights for each line must fit
// the registers. 3 x 7 for 3 columns needs all but one of 32, and GCC 12 keeps some weights on the
// stack; it still takes 0.95 of the time of 2 x 7 [Emerald Rapids VM, 3x3 at 14 and 112 px,
// 2026-11-26].
#if HWY_TARGET <= HWY_AVX3
constexpr PixelTile kPixelTiles[] = {
    MakePixels<4, 6>(),     MakePixels<2, 7>(),     MakePixels<2, 3>(),     MakePixels<1, 7>(),
    MakePixels<1, 3>(),     MakePixels<1, 1>(),     MakeWide<3, 1, 3, 7>(), MakeWide<3, 1, 2, 7>(),
    MakeWide<3, 1, 1, 7>(), MakeWide<5, 1, 2, 7>(), MakeWide<5, 1, 1, 7>(), MakeWide<7, 1, 2, 7>(),
    MakeWide<7, 1, 1, 7>(), MakeWide<3, 2, 1, 7>(), MakeWide<5, 2, 1, 7>(), MakeWide<7, 2, 1, 7>()};
#elif HWY_TARGET == HWY_AVX2
constexpr PixelTile kPixelTiles[] = {
    MakePixels<2, 5>(),     MakePixels<1, 7>(),     MakePixels<1, 3>(),     MakePixels<1, 1>(),
    MakeWide<3, 1, 2, 4>(), MakeWide<3, 1, 1, 7>(), MakeWide<5, 1, 1, 7>(), MakeWide<7, 1, 1, 7>(),
    MakeWide<3, 2, 1, 7>(), MakeWide<5, 2, 1, 7>()};
#else
constexpr PixelTile kPixelTiles[] = {MakePixels<2, 5>(),     MakePixels<1, 7>(),
                                     MakePixels<1, 3>(),     MakePixels<1, 1>(),
                                     MakeWide<3, 1, 1, 7>(), MakeWide<3, 2, 1, 7>()};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
