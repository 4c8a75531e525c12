// Tiles of weighted sums where the channels of a pixel lie side by side, as in NHWC:
//
//   out[i][j][c] = epilogue( sum over taps (u, v) of
//                            weight[u][v][c] * row[i + u][j * pixel + v * tap + c] )
//
// Lanes run along c: x and the weights are loaded as they lie, and nothing is moved between lanes.
// Written once in depthwise_pixels-inl.h and built for every SIMD target.
//
// Bits: those of the plane tiles (depthwise.hpp), taps in the order of (u, v) in chunks of kChunk.
#pragma once

#include <cstdint>
#include <span>

#include <plait/machine.hpp>

#include "kernels/simd/curve.hpp"

namespace plait::kernels {

struct PixelArgs {
  const float* const* rows = nullptr;  // of lines - 1 + k_h rows: where their first pixel lies,
  std::int64_t offset = 0;             // and from there tap (0, 0) of the first output, channel 0
  std::int64_t pixel_stride = 0;
  std::int64_t tap_stride = 0;
  const float* weights = nullptr;  // [k_h k_w][weight_stride]
  std::int64_t weight_stride = 0;
  std::int64_t k_h = 1;
  std::int64_t k_w = 1;
  std::int64_t channels = 0;  // nothing is read or written beyond them
  float* out = nullptr;       // out[i * out_line + j * out_pixel + c]
  std::int64_t out_line = 0;
  std::int64_t out_pixel = 0;
  bool asks_early = false;      // for the lines of out, to own them by the time they are written
  const float* bias = nullptr;  // one per channel, or none
  const float* residual = nullptr;  // as out, or none
  std::int64_t residual_line = 0;
  std::int64_t residual_pixel = 0;
  Curve curve = Curve::none;
  float slope = 0;              // of `leaky`
  float* chunk_sums = nullptr;  // kMaxPlaneTile, aligned; used by windows of more than kChunk taps
};

// Returns the products that it executed.
using PixelFunction = std::int64_t (*)(const PixelArgs&);

// A tile of lines x pixels outputs, all channels of them, a vector at a time. Each loaded vector of
// x serves all lines whose windows hold it.
struct PixelTile {
  // If set: windows of so many columns, unrolled, and each loaded vector serves all pixels whose
  // windows hold it. At least a vector of channels, at most kChunk taps.
  int k_w = 0;
  int stride = 1;  // with k_w: pixel_stride in units of tap_stride
  int lines = 1;   // at most k_h
  int pixels = 1;
  PixelFunction function = nullptr;
};

// Pixels of a row on their way into a copy: to[j * to_stride + c] = from[j * from_stride + c].
struct PixelRow {
  const float* from = nullptr;
  std::int64_t from_stride = 0;
  float* to = nullptr;
  std::int64_t to_stride = 0;
  std::int64_t pixels = 0;
  std::int64_t channels = 0;  // nothing is read or written beyond them
};
using CopyPixelsFunction = void (*)(const PixelRow& row);

struct PixelKernels {
  Target target;  // as compiled in, not as asked for
  int lanes;
  CopyPixelsFunction copy;
  std::span<const PixelTile> tiles;  // one of a line and a pixel takes any window
};

const PixelKernels& pixel_kernels(Target target);

}  // namespace plait::kernels
