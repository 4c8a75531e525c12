#include "algorithms/depthwise/task.hpp"

#include <algorithm>

#include "algorithms/matmul/matmul.hpp"

namespace plait::algorithm::depthwise {

Layer::Layer(const Problem& problem_, const Cut& cut_, Target target)
    : problem(problem_),
      kernels(kernels::plane_kernels(target)),
      geometry(problem, kernels.lanes),
      cut(cut_),
      y_strides(problem.effective_y_strides()),
      residual_strides(problem.effective_residual_strides()) {
  switch (cut.tile(cut.tile_lines).form) {
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

namespace {}  // namespace

Task::Task(const Layer& layer, const Args& args, const Weights& weights, std::byte* workspace,
           kernels::LoopCounters* tally)
    : layer_(layer),
      args_(args),
      problem_(layer.problem),
      cut_(layer.cut),
      h_o_(problem_.h_o()),
      w_o_(problem_.w_o()),
      depth_(problem_.depth()),
      lines_(problem_, layer.geometry, layer.kernels, static_cast<const float*>(args.in)),
      weights_(weights),
      strips_(reinterpret_cast<float*>(workspace)),
      tally_(tally) {
  const ActivationKind kind = problem_.activation.kind;
  const bool clamps = kind <= ActivationKind::relu6;
  finishes_ = problem_.residual || !clamps;
  finish_.activation = kind;
  finish_.slope = static_cast<float>(problem_.activation.slope);
  tile_.row_stride = layer.geometry.row_stride;
  tile_.phase_stride = layer.geometry.pitch;
  tile_.line_stride = layer.geometry.line_stride();
  tile_.offsets = layer.offsets.data();
  tile_.k_h = problem_.k_h;
  tile_.k_w = problem_.k_w;
  tile_.epilogue.relu = !finishes_ && kind != ActivationKind::none;
  tile_.epilogue.six = !finishes_ && kind == ActivationKind::relu6;
  line_buffer_ = strips_ + cut_.block_planes * cut_.strip_floats;
  residual_buffer_ = line_buffer_ + cut_.line_floats;
  tile_.chunk_sums = residual_buffer_ + cut_.residual_floats;
}

// All strips are written before the first is read: what was stored just now cannot be loaded at
// other boundaries before it has reached the cache.
void Task::run_block(std::int64_t plane, std::int64_t line) {
  const std::int64_t lines = std::min(cut_.block_lines, h_o_ - line);
  const std::int64_t planes = std::min(cut_.block_planes, problem_.n * problem_.c_i - plane);
  for (std::int64_t p = 0; p < planes; ++p) {
    const std::int64_t n = (plane + p) / problem_.c_i;
    lines_.fill(n, plane + p - n * problem_.c_i, line, lines, strips_ + p * cut_.strip_floats,
                p >= bordered_);
  }
  if (lines == h_o_) bordered_ = std::max(bordered_, planes);
  for (std::int64_t p = 0; p < planes; ++p) {
    strip_ = strips_ + p * cut_.strip_floats;
    run_plane(plane + p, line, lines);
    count(kPlanes, p);
  }
  count(kLineBlocks, line / cut_.block_lines, lines < cut_.block_lines);
  count(kPlaneBlocks, plane / cut_.block_planes);
}

void Task::run_plane(std::int64_t plane, std::int64_t line, std::int64_t lines) {
  const std::int64_t n = plane / problem_.c_i;
  const std::int64_t outputs = problem_.c_o / problem_.c_i;
  const std::int64_t o = (plane - n * problem_.c_i) * outputs;
  for (std::int64_t i = 0; i < outputs; ++i) {
    run_output(n, o + i, line, lines);
    count(kOutputs, i);
  }
}

void Task::run_output(std::int64_t n, std::int64_t o, std::int64_t line, std::int64_t lines) {
  tile_.weights = weights_.kernel + o * depth_;
  tile_.epilogue.bias = weights_.bias == nullptr ? nullptr : weights_.bias + o;
  for (std::int64_t column = 0; column < w_o_; column += cut_.block_columns) {
    tile_.columns = std::min(cut_.block_columns, w_o_ - column);
    for (std::int64_t i = 0; i < lines;) {
      if (args_.cancelled()) return;
      const kernels::PlaneTile& tile = cut_.tile(lines - i);
      tile_.plane = strip_ + layer_.geometry.lead + i * tile_.line_stride + column;
      run_tile(tile, n, o, line + i, column);
      count(kLineTiles, i / cut_.tile_lines, tile.lines < cut_.tile_lines);
      i += tile.lines;
    }
    count(kColumnBlocks, column / cut_.block_columns, tile_.columns < cut_.block_columns);
  }
}

// tile.lines lines of output from (line, column) on.
void Task::run_tile(const kernels::PlaneTile& tile, std::int64_t n, std::int64_t o,
                    std::int64_t line, std::int64_t column) {
  const Dims& y = layer_.y_strides;
  float* const out =
      static_cast<float*>(args_.out) + n * y[0] + o * y[1] + line * y[2] + column * y[3];
  const bool in_place = y[3] == 1;
  tile_.out = in_place ? out : line_buffer_;
  tile_.out_stride = in_place ? y[2] : cut_.line_floats / cut_.tile_lines;
  const std::int64_t products = tile.function(tile_);
  if (tally_ != nullptr) {
    tally_->multiply(products);
    tally_->add(kernels::chunk_additions(products, problem_.depth(), kernels::kChunk));
  }
  if (!finishes_ && in_place) return;
  for (int i = 0; i < tile.lines; ++i) {
    float* const from = tile_.out + i * tile_.out_stride;
    if (finishes_) {
      finish_.residual = residual_line(n, o, line + i, column);
      layer_.kernels.apply_epilogue(finish_, from, tile_.columns);
    }
    if (in_place) continue;
    for (std::int64_t j = 0; j < tile_.columns; ++j) out[i * y[2] + j * y[3]] = from[j];
  }
}

// The residual side by side, or null.
const float* Task::residual_line(std::int64_t n, std::int64_t o, std::int64_t line,
                                 std::int64_t column) {
  if (!problem_.residual) return nullptr;
  const Dims& strides = layer_.residual_strides;
  const float* from = static_cast<const float*>(args_.residual) + n * strides[0] + o * strides[1] +
                      line * strides[2] + column * strides[3];
  if (strides[3] == 1) return from;
  for (std::int64_t j = 0; j < tile_.columns; ++j) residual_buffer_[j] = from[j * strides[3]];
  return residual_buffer_;
}

}  // namespace plait::algorithm::depthwise
