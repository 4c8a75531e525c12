// The bodies of the transforms; see winograd.hpp for what they compute. Included once per target.

#if defined(PLAIT_KERNELS_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_WINOGRAD_INL_H_
#undef PLAIT_KERNELS_WINOGRAD_INL_H_
#else
#define PLAIT_KERNELS_WINOGRAD_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "kernels/simd/unroll-inl.h"
#include "kernels/tile/store-inl.h"
#include "kernels/winograd/axis_transform-inl.h"
#include "kernels/winograd/deinterleave-inl.h"
#include "kernels/winograd/winograd.hpp"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Most points of a tile whose transforms are unrolled.
constexpr int kMostUnrolled = HWY_TARGET <= HWY_AVX3 ? 36 : HWY_TARGET == HWY_EMU128 ? 0 : 16;

// Calls body(0), body(1) ..., the transforms of a tile's columns or rows. They are unrolled where
// the tile's values nearly fit the registers: as a loop, F(2, 3) takes 1.09 times as long and F(4,
// 3) 1.02; unrolled, F(6, 3) takes 1.05 times as long and much of the compiler's time [AMD Zen 5
// VM, 64 -> 64 at 56 px, 2026-11-30].
template <int kCount, int kPoints, class Body>
HWY_INLINE void ForEachOf(const Body& body) {
  if constexpr (kPoints <= kMostUnrolled) {
    PLAIT_UNROLL for (int i = 0; i < kCount; ++i) body(i);
  } else {
    PLAIT_ROLL for (int i = 0; i < kCount; ++i) body(i);
  }
}

// Transforms both axes of a tile: first down the columns, then along the rows; out[row * t +
// column].
template <class Down, class Across, class LoadAt, class StoreAt>
HWY_INLINE void TransformTile(const LoadAt& load, const StoreAt& store) {
  VectorArithmetic on;
  FloatVector half[Across::kT][Down::kT];  // [column][row]
  constexpr int kPoints = Down::kT * Across::kT;
  ForEachOf<Across::kT, kPoints>([&](int v) HWY_ATTR {
    FloatVector column[Down::kT];
    PLAIT_UNROLL for (int u = 0; u < Down::kT; ++u) column[u] = load(u, v);
    Down::In(on, column, half[v]);
  });
  ForEachOf<Down::kT, kPoints>([&](int u) HWY_ATTR {
    FloatVector row[Across::kT];
    FloatVector out[Across::kT];
    PLAIT_UNROLL for (int v = 0; v < Across::kT; ++v) row[v] = half[v][u];
    Across::In(on, row, out);
    PLAIT_UNROLL for (int v = 0; v < Across::kT; ++v) store(u * Across::kT + v, out[v]);
  });
}

// Lanes are tiles. The rows of a channel are deinterleaved into [row % m][column][row of tiles,
// tile], so that row u of tile (a, b) lies among those of phase u % m, u / m rows of tiles further
// on.
template <class Down, class Across>
HWY_NOINLINE void TransformLines(const TransformIn& given) {
  const TransformIn in = given;
  constexpr int kM = Down::kM;
  constexpr int kT = Across::kT;
  const FloatTag d;
  const std::int64_t tile_cols = in.region.tile_cols;
  const std::int64_t tiles = in.region.tiles();
  const std::int64_t columns = tile_cols * Across::kM + Across::kR - 1;
  const std::int64_t rows = in.region.tile_rows * kM + Down::kR - 1;
  const WinogradKernels sizes{.down = {kM, Down::kR}, .across = {Across::kM, Across::kR}};
  const std::int64_t pitch = sizes.line_pitch(in.region);
  float* const copied = in.scratch;  // rows with their padding
  const std::int64_t copied_floats = sizes.copied_floats(in.region);
  float* const split = copied + 2 * copied_floats;
  const std::int64_t split_floats = std::int64_t{kM} * kT * pitch + kWinogradSlack;
  const Deinterleaver<Across> deinterleaver(in.side_by_side ? in.first : 0,
                                            in.side_by_side ? in.width : columns, tile_cols,
                                            in.outside, pitch);
  const std::int64_t magnitude_pitch = sizes.magnitude_pitch(in.region);
  // Deinterleaves channels c and `next`, which may be the same.
  const auto deinterleave = [&](std::int64_t c, std::int64_t next, bool raises) HWY_ATTR {
    const RowsOfTwo channels{{in.x + c * in.channel_stride, in.x + next * in.channel_stride}};
    const std::int64_t apart = (next - c) * split_floats;
    std::int64_t phase = 0;
    float* row_of_tiles = split;
    std::int32_t* largest = in.largest;
    for (std::int64_t i = 0; i < rows; ++i, largest += magnitude_pitch) {
      float* const first = row_of_tiles + phase * kT * pitch;
      const PlacesOfTwo to{{first, first + apart}};
      const std::int64_t row = in.rows[i];
      if (row == kNoOffset) {
        deinterleaver.FillOutside(to.at[0]);
        deinterleaver.FillOutside(to.at[1]);
        if (!raises) std::fill_n(largest, columns, magnitude_of(in.outside));
      } else if (in.side_by_side) {
        deinterleaver.Deinterleave({{channels.at[0] + row, channels.at[1] + row}}, to, largest,
                                   raises);
      } else {
        for (std::int64_t j = 0; j < columns; ++j) {
          const std::int64_t column = in.columns[j];
          const bool outside = column == kNoOffset;
          copied[j] = outside ? in.outside : channels.at[0][row + column];
          copied[copied_floats + j] = outside ? in.outside : channels.at[1][row + column];
        }
        deinterleaver.Deinterleave({{copied, copied + copied_floats}}, to, largest, raises);
      }
      if (++phase == kM) {
        phase = 0;
        row_of_tiles += tile_cols;
      }
    }
  };
  for (std::int64_t c = 0; c < in.channels; ++c) {
    if (c % 2 == 0) deinterleave(c, std::min(c + 1, in.channels - 1), in.raises || c > 0);
    const float* const from = split + c % 2 * split_floats;
    float* const v = in.v + c * in.pitch;
    for (std::int64_t tile = 0; tile < tiles; tile += kFloatLanes) {
      TransformTile<Down, Across>(
          [&](int u, int column) HWY_ATTR {
            return hn::LoadU(d, from + (u % kM * kT + column) * pitch + u / kM * tile_cols + tile);
          },
          [&](int point, FloatVector value)
              HWY_ATTR { hn::StoreU(value, d, v + point * in.plane + tile); });
    }
  }
}

// The largest magnitude of a pixel's channels, side by side.
HWY_INLINE std::int32_t MagnitudeOfPixel(const float* x, std::int64_t channels) {
  const FloatTag d;
  const BitsTag bits;
  BitsVector largest = hn::Zero(bits);
  for (std::int64_t c = 0; c < channels; c += kFloatLanes) {
    const int count = static_cast<int>(std::min(channels - c, kFloatLanes));
    largest = hn::Max(largest, MagnitudeOf(LoadAtMost(d, x + c, count)));
  }
  return hn::GetLane(hn::MaxOfLanes(bits, largest));
}

// Lanes are channels.
template <class Down, class Across>
HWY_NOINLINE void TransformChannels(const TransformIn& given) {
  const TransformIn in = given;
  const FloatTag d;
  const FloatVector outside = hn::Set(d, in.outside);
  const WinogradKernels sizes{.down = {Down::kM, Down::kR}, .across = {Across::kM, Across::kR}};
  const std::int64_t magnitude_pitch = sizes.magnitude_pitch(in.region);
  for (std::int64_t i = 0; i < in.region.tile_rows * Down::kM + Down::kR - 1; ++i) {
    std::int32_t* const largest = in.largest + i * magnitude_pitch;
    for (std::int64_t j = 0; j < in.region.tile_cols * Across::kM + Across::kR - 1; ++j) {
      const bool is_outside = in.rows[i] == kNoOffset || in.columns[j] == kNoOffset;
      const std::int32_t magnitude =
          is_outside ? magnitude_of(in.outside)
                     : MagnitudeOfPixel(in.x + in.rows[i] + in.columns[j], in.channels);
      largest[j] = in.raises ? std::max(largest[j], magnitude) : magnitude;
    }
  }
  for (std::int64_t a = 0; a < in.region.tile_rows; ++a) {
    for (std::int64_t b = 0; b < in.region.tile_cols; ++b) {
      const std::int64_t* const rows = in.rows + a * Down::kM;
      const std::int64_t* const columns = in.columns + b * Across::kM;
      float* const v = in.v + (a * in.region.tile_cols + b) * in.pitch;
      for (std::int64_t c = 0; c < in.channels; c += kFloatLanes) {
        const int count = static_cast<int>(std::min(in.channels - c, kFloatLanes));
        TransformTile<Down, Across>(
            [&](int u, int column) HWY_ATTR {
              if (rows[u] == kNoOffset || columns[column] == kNoOffset) return outside;
              return LoadAtMost(d, in.x + rows[u] + columns[column] + c, count);
            },
            [&](int point, FloatVector value)
                HWY_ATTR { hn::StoreU(value, d, v + point * in.plane + c); });
      }
    }
  }
}

// The ranges of a row of tiles with m outputs each, without the tiles whose sums are direct.
inline std::size_t RangesBetweenDirect(const TileMark* marks, std::int64_t tiles, int m, int width,
                                       const Destination& to, StoreRange* ranges) {
  std::size_t count = 0;
  for (int tile = 0; tile < static_cast<int>(tiles); ++tile) {
    if (marks[tile] == kDirectTile) continue;
    const int begin = tile * m;
    const int end = std::min(begin + m, width);
    if (count > 0 && ranges[count - 1].end == begin) {
      ranges[count - 1].end = end;
    } else {
      ranges[count++] = {begin * to.pixel_stride, begin * to.residual_pixel_stride, begin, end};
    }
  }
  return count;
}

// Stores zeros for the outputs that are marked as such, in pixels[row][pixel * lanes].
template <int kRows, int kM, std::int64_t kRowFloats>
HWY_INLINE void ClearZeros(const TileMark* marks, std::int64_t tiles,
                           float (&pixels)[kRows][kRowFloats]) {
  const FloatTag d;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    if (marks[tile] == 0 || marks[tile] == kDirectTile) continue;
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kM; ++j) {
        if ((marks[tile] >> (i * kM + j) & 1) == 0) continue;
        hn::Store(hn::Zero(d), d, pixels[i] + (tile * kM + j) * kFloatLanes);
      }
    }
  }
}

// Takes kGroup tiles of a row of tiles at a time, and one vector of output channels. Their sums
// become pixels, which StoreColumns stores row by row.
template <class Down, class Across>
HWY_NOINLINE void TransformOutputs(const TransformOut& given) {
  const TransformOut out = given;
  constexpr int kRows = Down::kM;
  constexpr int kM = Across::kM;
  constexpr int kT = Across::kT;
  constexpr int kGroup = 28 / kM;
  constexpr std::int64_t kRowFloats = std::int64_t{kGroup} * kM * kFloatLanes;
  static_assert(kRowFloats <= kMaxTile);
  const FloatTag d;
  const std::int64_t tile_cols = out.region.tile_cols;
  HWY_ALIGN float pixels[kRows][kRowFloats];
  const Destination& first = out.outputs.to;
  for (std::int64_t r = 0; r < first.rows; r += kFloatLanes) {
    Epilogue epilogue = out.outputs.epilogue;
    if (epilogue.bias != nullptr) epilogue.bias += r;
    Destination to = first;
    to.rows = static_cast<int>(std::min(first.rows - r, kFloatLanes));
    for (std::int64_t a = 0; a < out.region.tile_rows; ++a) {
      for (std::int64_t b = 0; b < tile_cols; b += kGroup) {
        const std::int64_t group = std::min<std::int64_t>(kGroup, tile_cols - b);
        for (std::int64_t tile = 0; tile < group; ++tile) {
          const float* const m = out.m + (a * tile_cols + b + tile) * out.rows + r;
          VectorArithmetic on;
          FloatVector half[kT][kRows];  // [column][row]
          ForEachOf<kT, Down::kT * kT>([&](int v) HWY_ATTR {
            FloatVector column[Down::kT];
            PLAIT_UNROLL for (int u = 0; u < Down::kT; ++u) {
              column[u] = hn::LoadU(d, m + (u * kT + v) * out.plane);
            }
            Down::Out(on, column, half[v]);
          });
          ForEachOf<kRows, Down::kT * kT>([&](int i) HWY_ATTR {
            FloatVector row[kT];
            FloatVector pixel_row[kM];
            PLAIT_UNROLL for (int v = 0; v < kT; ++v) row[v] = half[v][i];
            Across::Out(on, row, pixel_row);
            PLAIT_UNROLL for (int j = 0; j < kM; ++j) {
              hn::Store(pixel_row[j], d, pixels[i] + (tile * kM + j) * kFloatLanes);
            }
          });
        }
        const std::int64_t rows = std::min<std::int64_t>(kRows, out.height - a * kRows);
        const auto width = static_cast<int>(std::min<std::int64_t>(group * kM, out.width - b * kM));
        StoreRange ranges[kGroup] = {{0, 0, 0, width}};
        to.ranges = {ranges, 1};
        if (out.marks != nullptr) {
          const TileMark* const marks = out.marks + a * tile_cols + b;
          ClearZeros<kRows, kM, kRowFloats>(marks, group, pixels);
          to.ranges = {ranges, RangesBetweenDirect(marks, group, kM, width, to, ranges)};
        }
        for (std::int64_t i = 0; i < rows; ++i) {
          const std::int64_t row = a * kRows + i;
          to.y = first.y + r * first.row_stride + row * out.outputs.line_stride +
                 b * kM * first.pixel_stride;
          if (first.residual != nullptr) {
            to.residual = first.residual + r * first.residual_row_stride +
                          row * out.outputs.residual_line_stride +
                          b * kM * first.residual_pixel_stride;
          }
          StoreColumns(pixels[i], static_cast<int>(kFloatLanes), static_cast<int>(group * kM),
                       epilogue, to);
        }
      }
    }
  }
}

template <std::size_t kIndex>
using TransformOf = AxisTransform<kWinogradForms[kIndex].m, kWinogradForms[kIndex].r>;

template <class Down, class Across>
constexpr WinogradKernels MakeWinograd() {
  return {{Down::kM, Down::kR},
          {Across::kM, Across::kR},
          static_cast<int>(kFloatLanes),
          OperationsIn<Down, Across>(),
          OperationsOut<Down, Across>(),
          &TransformLines<Down, Across>,
          &TransformChannels<Down, Across>,
          &TransformOutputs<Down, Across>};
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
