// Tiles of weighted sums over shifted views of one plane (a channel of an image), several lines of
// outputs at once:
//
//   out[i][j] = epilogue( sum over taps (u, v) of
//                         weight[u][v] * plane[i * line + row(u) + col(v) + j] )
//
// A line is a row of outputs, a row one of the plane. Lanes run along j; weights are broadcast. A
// plane belongs to few outputs, so that only neighbouring lines can share its loads: the forms
// differ in how they do. Written once in planes-inl.h and built for every SIMD target.
//
// Bits: taps are added in the order of (u, v), in chunks of kChunk that start from zero and are
// added up in turn, with fused multiply-adds (a multiplication and an addition where the target has
// none). Neither the form nor the tile nor the vector width shows in the result.
#pragma once

#include <cstdint>
#include <span>

#include <plait/machine.hpp>

#include <plait/activation.hpp>
#include "kernels/tile/tile.hpp"

namespace plait::kernels {

enum class PlaneForm {
  taps,   // any window: one load for each tap and output, by a table of offsets
  rows,   // windows whose rows are one row apart: a row is loaded once for all lines of the tile
  fixed,  // the same for a window known at compile time, at stride 1 or 2
};

// What is applied to a finished sum in its register. PlaneKernels::apply_epilogue does the rest.
struct PlaneEpilogue {
  const float* bias = nullptr;  // one, or none
  bool relu = false;            // NaN stays NaN
  bool six = false;             // relu6
};

struct PlaneArgs {
  const float* plane = nullptr;   // tap (0, 0) of the first output
  std::int64_t row_stride = 0;    // rows, fixed: from one row of the plane to the next
  std::int64_t phase_stride = 0;  // fixed at stride 2: from the even columns to the odd ones
  std::int64_t line_stride = 0;   // taps: between the rows at which two lines start
  const std::int32_t* offsets =
      nullptr;                     // taps: one for each tap; rows: one for each window column
  const float* weights = nullptr;  // dense k_h x k_w
  std::int64_t k_h = 1;
  std::int64_t k_w = 1;
  float* out = nullptr;  // out[i * out_stride + j], j < columns; nothing else is written
  std::int64_t out_stride = 0;
  std::int64_t columns = 0;  // whole vectors are read, up to kPlaneSlack floats beyond the last
  PlaneEpilogue epilogue;
  float* chunk_sums = nullptr;  // kMaxPlaneTile, aligned; used by windows of more than kChunk taps
};

// Returns the number of products that it executed.
using PlaneFunction = std::int64_t (*)(const PlaneArgs&);

// A tile of `lines` lines with all their columns, `vectors` vectors at a time.
struct PlaneTile {
  PlaneForm form = PlaneForm::taps;
  int k = 0;       // fixed: window k x k
  int stride = 1;  // fixed: of both axes
  int lines = 1;   // rows: at most k_h
  int vectors = 1;
  PlaneFunction function = nullptr;
};

inline constexpr int kMaxPlaneTile = 384;  // lines * vectors * lanes of any tile
inline constexpr int kPlaneSlack = 16;     // floats: the widest vector

// Copies rows, whose pixels lie side by side, into a plane, with padding before and after each:
//   to[j] = value, j in [-before, 0);  = from[j], j < count;  = value, j in [count, count + after)
// Whole vectors are written: up to a vector less one float beyond either end.
struct PlaneRows {
  const float* from = nullptr;
  std::int64_t from_stride = 0;
  std::int64_t count = 0;
  float* to = nullptr;
  std::int64_t to_stride = 0;
  std::int64_t before = 0;
  std::int64_t after = 0;
  std::int64_t rows = 0;
  float value = 0;
};
// Where the odd columns of PlaneRows::from go; its own before, after and to are for the even ones.
struct OddColumns {
  float* to = nullptr;
  std::int64_t before = 0;
  std::int64_t after = 0;
};

// What is applied to a row of outputs after it was stored.
struct RowEpilogue {
  ActivationKind activation = ActivationKind::none;
  float slope = 0;                  // of `leaky`
  const float* residual = nullptr;  // added first, or none
};

using CopyFunction = void (*)(const PlaneRows& rows);
using SplitFunction = void (*)(const PlaneRows& rows, const OddColumns& odd);
using RowEpilogueFunction = void (*)(const RowEpilogue& epilogue, float* row, std::int64_t count);

struct PlaneKernels {
  Target target;  // as compiled in, not as asked for
  int lanes;
  std::span<const PlaneTile> tiles;
  CopyFunction copy;
  SplitFunction split;
  RowEpilogueFunction apply_epilogue;  // row[j] = activation(row[j] + residual[j])
};

const PlaneKernels& plane_kernels(Target target);

}  // namespace plait::kernels
