#include "algorithms/depthwise/plane_task.hpp"

#include <algorithm>

#include "algorithms/matmul/matmul.hpp"

namespace plait::algorithm::depthwise {

Layer::Layer(const Problem& problem_, const PlaneBlocking& given, Target target)
    : problem(problem_),
      kernels(kernels::plane_kernels(target)),
      geometry(problem, kernels.lanes),
      blocking(given),
      y_strides(problem.effective_y_strides()),
      residual_strides(problem.effective_residual_strides()) {
  switch (blocking.tile(blocking.tile_rows).form) {
    case kernels::PlaneForm::taps:
      offsets = geometry.tap_offsets(problem.k_h, problem.k_w);
      break;
    case kernels::PlaneForm::rows:
      offsets = geometry.tap_offsets(1, problem.k_w);
      break;
    case kernels::PlaneForm::fixed:
      break;
  }
}

Task::Task(const Layer& layer, const Args& args, const Weights& weights, std::byte* workspace,
           kernels::LoopCounters* counters)
    : layer_(layer),
      args_(args),
      problem_(layer.problem),
      blocking_(layer.blocking),
      h_o_(problem_.h_o()),
      w_o_(problem_.w_o()),
      depth_(problem_.depth()),
      source_(problem_, layer.geometry, layer.kernels, static_cast<const float*>(args.in)),
      weights_(weights),
      strips_(reinterpret_cast<float*>(workspace)),
      counters_(counters) {
  const ActivationKind kind = problem_.activation.kind;
  const bool clamps = kind <= ActivationKind::relu6;
  has_epilogue_ = problem_.residual || !clamps;
  epilogue_.activation = kind;
  epilogue_.slope = static_cast<float>(problem_.activation.slope);
  tile_.row_stride = layer.geometry.row_stride;
  tile_.phase_stride = layer.geometry.pitch;
  tile_.line_stride = layer.geometry.output_row_stride();
  tile_.offsets = layer.offsets.data();
  tile_.k_h = problem_.k_h;
  tile_.k_w = problem_.k_w;
  tile_.epilogue.relu = !has_epilogue_ && kind != ActivationKind::none;
  tile_.epilogue.six = !has_epilogue_ && kind == ActivationKind::relu6;
  output_buffer_ = strips_ + blocking_.block_planes * blocking_.strip_floats;
  residual_buffer_ = output_buffer_ + blocking_.output_floats;
  tile_.chunk_sums = residual_buffer_ + blocking_.residual_floats;
}

// All strips are written before the first is read, because a load that spans two recent stores
// waits until both have reached the cache.
void Task::run_block(std::int64_t plane, std::int64_t row) {
  const std::int64_t rows = std::min(blocking_.block_rows, h_o_ - row);
  const std::int64_t planes = std::min(blocking_.block_planes, problem_.n * problem_.c_i - plane);
  for (std::int64_t p = 0; p < planes; ++p) {
    const std::int64_t n = (plane + p) / problem_.c_i;
    source_.fill(n, plane + p - n * problem_.c_i, row, rows, strips_ + p * blocking_.strip_floats,
                 p >= bordered_);
  }
  if (rows == h_o_) bordered_ = std::max(bordered_, planes);
  for (std::int64_t p = 0; p < planes; ++p) {
    strip_ = strips_ + p * blocking_.strip_floats;
    run_plane(plane + p, row, rows);
    count(kPlanes, p);
  }
  count(kRowBlocks, row / blocking_.block_rows, rows < blocking_.block_rows);
  count(kPlaneBlocks, plane / blocking_.block_planes);
}

void Task::run_plane(std::int64_t plane, std::int64_t row, std::int64_t rows) {
  const std::int64_t n = plane / problem_.c_i;
  const std::int64_t outputs = problem_.c_o / problem_.c_i;
  const std::int64_t o = (plane - n * problem_.c_i) * outputs;
  for (std::int64_t i = 0; i < outputs; ++i) {
    run_output(n, o + i, row, rows);
    count(kOutputs, i);
  }
}

void Task::run_output(std::int64_t n, std::int64_t o, std::int64_t row, std::int64_t rows) {
  tile_.weights = weights_.kernel + o * depth_;
  tile_.epilogue.bias = weights_.bias == nullptr ? nullptr : weights_.bias + o;
  for (std::int64_t column = 0; column < w_o_; column += blocking_.block_columns) {
    tile_.columns = std::min(blocking_.block_columns, w_o_ - column);
    for (std::int64_t i = 0; i < rows;) {
      if (args_.cancelled()) return;
      const kernels::PlaneTile& tile = blocking_.tile(rows - i);
      tile_.plane = strip_ + layer_.geometry.lead + i * tile_.line_stride + column;
      run_tile(tile, n, o, row + i, column);
      count(kRowTiles, i / blocking_.tile_rows, tile.lines < blocking_.tile_rows);
      i += tile.lines;
    }
    count(kColumnBlocks, column / blocking_.block_columns, tile_.columns < blocking_.block_columns);
  }
}

// Computes the outputs of a tile from (row, column) on.
void Task::run_tile(const kernels::PlaneTile& tile, std::int64_t n, std::int64_t o,
                    std::int64_t row, std::int64_t column) {
  const Dims& y = layer_.y_strides;
  float* const out =
      static_cast<float*>(args_.out) + n * y[0] + o * y[1] + row * y[2] + column * y[3];
  const bool in_place = y[3] == 1;
  tile_.out = in_place ? out : output_buffer_;
  tile_.out_stride = in_place ? y[2] : blocking_.output_floats / blocking_.tile_rows;
  const std::int64_t products = tile.function(tile_);
  if (counters_ != nullptr) {
    counters_->multiply(products);
    counters_->add(kernels::chunk_additions(products, problem_.depth(), kernels::kChunk));
  }
  if (!has_epilogue_ && in_place) return;
  for (int i = 0; i < tile.lines; ++i) {
    float* const from = tile_.out + i * tile_.out_stride;
    if (has_epilogue_) {
      epilogue_.residual = residual_row(n, o, row + i, column);
      layer_.kernels.apply_epilogue(epilogue_, from, tile_.columns);
    }
    if (in_place) continue;
    for (std::int64_t j = 0; j < tile_.columns; ++j) out[i * y[2] + j * y[3]] = from[j];
  }
}

// A row of the residual with its pixels side by side, or null.
const float* Task::residual_row(std::int64_t n, std::int64_t o, std::int64_t row,
                                std::int64_t column) {
  if (!problem_.residual) return nullptr;
  const Dims& strides = layer_.residual_strides;
  const float* from = static_cast<const float*>(args_.residual) + n * strides[0] + o * strides[1] +
                      row * strides[2] + column * strides[3];
  if (strides[3] == 1) return from;
  for (std::int64_t j = 0; j < tile_.columns; ++j) residual_buffer_[j] = from[j * strides[3]];
  return residual_buffer_;
}

}  // namespace plait::algorithm::depthwise
