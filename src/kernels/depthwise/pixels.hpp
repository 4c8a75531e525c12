// Tiles of weighted sums where the channels of a pixel lie side by side, as in NHWC:
//
//   out[i][j][c] = epilogue( sum over taps (u, v) of
//                            weight[u][v][c] * row[i + u][j * pixel + v * tap + c] )
//
// Lanes run along c: x and the weights are loaded as they lie, and nothing is moved between lanes.
// Written once in pixels-inl.h and built for every SIMD target.
//
// Bits: those of the plane tiles (planes.hpp), taps in the order of (u, v) in chunks of kChunk.
#pragma once

#include <cstdint>
#include <span>

#include <plait/machine.hpp>

#include <plait/activation.hpp>

namespace plait::kernels {

struct PixelArgs {
  // The first pixels of lines - 1 + k_h rows. From each, tap (0, 0) of the first output is `offset`
  // floats further.
  const float* const* rows = nullptr;
  std::int64_t offset = 0;
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
  bool prefetch_output = false;  // the outputs are not in cache: own their lines before the stores
  const float* bias = nullptr;   // one per channel, or none
  const float* residual = nullptr;  // as out, or none
  std::int64_t residual_line = 0;
  std::int64_t residual_pixel = 0;
  ActivationKind activation = ActivationKind::none;
  float slope = 0;              // of `leaky`
  float* chunk_sums = nullptr;  // kMaxPlaneTile, aligned; used by windows of more than kChunk taps
};

// Returns the number of products that it executed.
using PixelFunction = std::int64_t (*)(const PixelArgs&);

// A tile of lines x pixels outputs with all their channels, a vector of channels at a time. A line
// is a row of outputs. Each loaded vector of x serves all lines whose windows hold it.
struct PixelTile {
  // If set: for windows of so many columns, unrolled; each loaded vector then serves all pixels
  // whose windows hold it. Needs at least a vector of channels and at most kChunk taps.
  int k_w = 0;
  int stride = 1;  // with k_w: pixel_stride in units of tap_stride
  int lines = 1;   // at most k_h
  int pixels = 1;
  PixelFunction function = nullptr;
};

// Copies pixels of a row: to[j * to_stride + c] = from[j * from_stride + c].
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
  std::span<const PixelTile> tiles;  // that of one line and one pixel takes any window
};

const PixelKernels& pixel_kernels(Target target);

}  // namespace plait::kernels
