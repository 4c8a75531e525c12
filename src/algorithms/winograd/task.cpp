#include "algorithms/winograd/task.hpp"

#include <algorithm>
#include <numeric>

#include "algorithms/matmul/matmul.hpp"
#include "algorithms/winograd/work.hpp"
#include "core/integers.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::winograd {

Layer::Layer(const Problem& given, const Blocking& given_blocking)
    : problem(given),
      blocking(given_blocking),
      kernels(kernels::winograd_kernels(given_blocking.target, given_blocking.down,
                                        given_blocking.across)),
      x_strides(problem.effective_x_strides()),
      y_strides(problem.effective_y_strides()),
      residual_strides(problem.effective_residual_strides()),
      direct(blocking),
      places(static_cast<std::size_t>(blocking.form.chunk())) {
  std::iota(places.begin(), places.end(), 0);
}

Task::Task(const Layer& layer, const Args& args, const float* weights, std::byte* workspace,
           kernels::LoopCounters* counters)
    : layer_(layer),
      args_(args),
      problem_(layer.problem),
      blocking_(layer.blocking),
      weights_(weights),
      biases_(weights + blocking_.biases_at),
      counters_(counters),
      rows_(reinterpret_cast<std::int64_t*>(workspace)),
      columns_(rows_ + blocking_.region.tile_rows * blocking_.down.m + blocking_.down.r),
      magnitudes_(reinterpret_cast<std::int32_t*>(workspace) + blocking_.table_floats),
      marks_(reinterpret_cast<kernels::TileMark*>(magnitudes_ + blocking_.magnitude_floats)),
      scratch_(reinterpret_cast<float*>(marks_) + blocking_.mark_floats),
      v_(scratch_ + blocking_.scratch_floats),
      m_(v_ + blocking_.points() * blocking_.v_plane) {}

// Tasks are numbered by image, group, phase, region, and innermost by part of the blocks of rows.
void Task::run(std::int64_t task) {
  const std::int64_t parts = ceil_div(blocking_.row_blocks, blocking_.task_blocks);
  const std::int64_t part = task % parts;
  const std::int64_t region = task / parts % blocking_.regions;
  const std::int64_t phase = task / parts / blocking_.regions % blocking_.phases();
  const std::int64_t image_group = task / parts / blocking_.regions / blocking_.phases();
  const std::int64_t group = image_group % problem_.groups;
  const std::int64_t n = image_group / problem_.groups;
  const std::int64_t block = part * blocking_.task_blocks;
  const std::int64_t block_end = std::min(blocking_.row_blocks, block + blocking_.task_blocks);
  if (!set_region(phase, region)) return;
  judgement_ = {};
  for (std::int64_t c = 0; c < blocking_.channels; c += blocking_.channel_block) {
    const std::int64_t channels = std::min(blocking_.channel_block, blocking_.channels - c);
    count(kChannelBlocks, c / blocking_.channel_block, channels < blocking_.channel_block);
    transform_in(n, group, c, channels);
    if (c + channels == blocking_.channels) judge(group, part == 0);
    if (judgement_.direct_tiles == region_.tiles()) break;
    for (std::int64_t b = block; b < block_end; ++b) {
      if (args_.cancelled()) return;
      count(kRowBlocks, b - block,
            (b + 1) * blocking_.tiles->rows() > problem_.c_o / problem_.groups);
      float* const sums =
          m_ + (blocking_.m_blocks == 1 ? 0 : b - block) * blocking_.points() * blocking_.m_plane;
      multiply(group * blocking_.row_blocks + b, c, channels, sums);
      if (c + channels == blocking_.channels) transform_out(n, group, b, sums);
    }
  }
  if (judgement_.direct_tiles > 0) sum_directly(n, group, block, block_end);
}

bool Task::set_region(std::int64_t phase, std::int64_t index) {
  phase_ = {phase / blocking_.across_phases.phases, phase % blocking_.across_phases.phases};
  const std::int64_t regions_across = ceil_div(blocking_.tile_cols, blocking_.region.tile_cols);
  first_row_ = index / regions_across * blocking_.region.tile_rows;
  first_column_ = index % regions_across * blocking_.region.tile_cols;
  const kernels::AxisForm& down = blocking_.down;
  const kernels::AxisForm& across = blocking_.across;
  const std::int64_t tile_rows = ceil_div(blocking_.down_phases.outputs_of(phase_.h), down.m);
  const std::int64_t tile_cols = ceil_div(blocking_.across_phases.outputs_of(phase_.w), across.m);
  region_.tile_rows = std::min(blocking_.region.tile_rows, tile_rows - first_row_);
  region_.tile_cols = std::min(blocking_.region.tile_cols, tile_cols - first_column_);
  if (region_.tile_rows <= 0 || region_.tile_cols <= 0) return false;
  const auto fill = [this](std::int64_t* offsets, std::int64_t count, std::int64_t first,
                           std::int64_t step, std::int64_t size, std::int64_t after,
                           std::int64_t stride) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t at = source_position(problem_.padding_mode, first + i * step, size, after);
      offsets[i] = at == kOutside ? kernels::kNoOffset : at * stride;
    }
  };
  const Pair& step = problem_.dilation;
  fill(rows_, region_.tile_rows * down.m + down.r - 1,
       phase_.h + first_row_ * down.m * step.h - problem_.padding.top, step.h, problem_.h,
       problem_.padding.bottom, layer_.x_strides[2]);
  fill(columns_, region_.tile_cols * across.m + across.r - 1,
       phase_.w + first_column_ * across.m * step.w - problem_.padding.left, step.w, problem_.w,
       problem_.padding.right, layer_.x_strides[3]);
  return true;
}

void Task::judge(std::int64_t group, bool counts) {
  const float* const limits = weights_ + blocking_.limits_at + group * blocking_.row_blocks;
  const float largest = *std::min_element(limits, limits + blocking_.row_blocks);
  judgement_ = judge_tiles(blocking_, region_, height(), width(), largest, magnitudes(), marks_);
  if (counters_ != nullptr && counts)
    counters_->count_tiles(region_.tiles(), judgement_.direct_tiles);
}

void Task::transform_in(std::int64_t n, std::int64_t group, std::int64_t channel,
                        std::int64_t channels) {
  kernels::TransformIn in;
  in.x = input(n, group, channel);
  in.channel_stride = layer_.x_strides[1];
  in.channels = channels;
  in.rows = rows_;
  in.columns = columns_;
  in.side_by_side =
      layer_.x_strides[3] == 1 && problem_.dilation.w == 1 && padding_is_one_value(problem_);
  in.first = first_column_ * blocking_.across.m - problem_.padding.left;
  in.width = problem_.w;
  in.outside = padding_value(problem_);
  in.region = region_;
  in.v = v_;
  in.plane = blocking_.v_plane;
  in.pitch = blocking_.v_pitch;
  in.scratch = scratch_;
  in.raises = channel > 0;
  in.largest = magnitudes_;
  if (blocking_.lanes == Lanes::tiles) {
    layer_.kernels.by_lines(in);
  } else {
    layer_.kernels.by_channels(in);
  }
  if (counters_ != nullptr) {
    counters_->transform(operations_in(layer_.kernels, blocking_.lanes, region_.tiles(), channels));
  }
}

// Multiplies one block of rows at all points, and adds to the sums of the channels before.
void Task::multiply(std::int64_t block, std::int64_t channel, std::int64_t channels, float* sums) {
  const std::int64_t rows = blocking_.tiles->rows();
  const std::int64_t chunk = blocking_.form.chunk();
  const std::int64_t tiles = region_.tiles();
  const float* weights = weights_ + block * blocking_.points() * blocking_.channels * rows;
  kernels::TileArgs args;
  args.b_offsets = layer_.places.data();
  args.b_step = args.b_stride = blocking_.v_pitch;
  for (int f = 0; f < blocking_.points(); ++f) {
    const float* const v = v_ + f * blocking_.v_plane;
    float* const m = sums + f * blocking_.m_plane;
    for (std::int64_t k = 0; k < channels; k += chunk) {
      args.depth = std::min(chunk, channels - k);
      args.a = weights + (f * blocking_.channels + channel + k) * rows;
      count(kChunks, (channel + k) / chunk, args.depth < chunk);
      std::int64_t range = 0;
      blocking_.tiles->split(tiles, [&](std::int64_t first, const kernels::Tile& tile) {
        args.sums = m + first * rows;
        args.partial = channel + k == 0 ? nullptr : args.sums;
        if (blocking_.lanes == Lanes::tiles) {
          args.b = v + k * blocking_.v_pitch + first;
          tile.packed(args);
        } else {
          args.b = v + first * blocking_.v_pitch + k;
          tile.strided(args);
        }
        count(kColumns, range++);
        if (counters_ != nullptr) {
          counters_->multiply(args.depth * rows * tile.cols);
          if (args.partial != nullptr) counters_->add(rows * tile.cols);
        }
      });
    }
  }
}

kernels::RegionOutputs Task::outputs_of(std::int64_t n, std::int64_t group, std::int64_t first,
                                        std::int64_t rows) const {
  const std::int64_t per_group = problem_.c_o / problem_.groups;
  const std::int64_t o = group * per_group + first;
  // Output (i, j) of the phase is the first one of the region.
  const std::int64_t i = first_row_ * blocking_.down.m;
  const std::int64_t j = first_column_ * blocking_.across.m;
  const Pair& step = problem_.dilation;
  const auto at = [&](const Dims& strides) {
    return n * strides[0] + o * strides[1] + (phase_.h + i * step.h) * strides[2] +
           (phase_.w + j * step.w) * strides[3];
  };
  const float* const biases =
      biases_ + group * blocking_.row_blocks * blocking_.tiles->rows() + first;
  kernels::RegionOutputs outputs;
  outputs.epilogue = {problem_.bias ? biases : nullptr, problem_.activation.kind,
                      static_cast<float>(problem_.activation.slope), problem_.residual};
  outputs.to.y = static_cast<float*>(args_.out) + at(layer_.y_strides);
  outputs.to.row_stride = layer_.y_strides[1];
  outputs.to.pixel_stride = layer_.y_strides[3] * step.w;
  outputs.to.rows = static_cast<int>(std::min(rows, per_group - first));
  outputs.to.non_temporal = blocking_.non_temporal;
  outputs.line_stride = layer_.y_strides[2] * step.h;
  if (problem_.residual) {
    outputs.to.residual = static_cast<const float*>(args_.residual) + at(layer_.residual_strides);
    outputs.to.residual_row_stride = layer_.residual_strides[1];
    outputs.to.residual_pixel_stride = layer_.residual_strides[3] * step.w;
    outputs.residual_line_stride = layer_.residual_strides[2] * step.h;
  }
  return outputs;
}

void Task::transform_out(std::int64_t n, std::int64_t group, std::int64_t block,
                         const float* sums) {
  const std::int64_t rows = blocking_.tiles->rows();
  kernels::TransformOut out;
  out.m = sums;
  out.plane = blocking_.m_plane;
  out.rows = static_cast<int>(rows);
  out.region = region_;
  out.height = height();
  out.width = width();
  out.outputs = outputs_of(n, group, block * rows, rows);
  out.marks = judgement_.marks ? marks_ : nullptr;
  layer_.kernels.out(out);
  if (counters_ != nullptr) {
    counters_->transform(operations_out(layer_.kernels, region_.tiles(), out.outputs.to.rows));
  }
}

// This reuses the memory of the values at the points and of their sums.
void Task::sum_directly(std::int64_t n, std::int64_t group, std::int64_t block,
                        std::int64_t block_end) {
  const std::int64_t rows = blocking_.direct_tiles->rows();
  const std::int64_t first = block * blocking_.tiles->rows();
  const std::int64_t per_group = problem_.c_o / problem_.groups;
  DirectArgs direct;
  direct.x = input(n, group, 0);
  direct.channel_stride = layer_.x_strides[1];
  direct.rows = rows_;
  direct.columns = columns_;
  direct.pixel_stride = layer_.x_strides[3] * problem_.dilation.w;
  direct.outside = padding_value(problem_);
  direct.weights =
      weights_ + blocking_.kernel_at +
      (group * blocking_.row_blocks + block) * layer_.direct.terms * blocking_.tiles->rows();
  direct.region = region_;
  direct.marks = marks_;
  direct.height = height();
  direct.width = width();
  direct.copied = v_;
  direct.sums = m_;
  direct.blocks = ceil_div(std::min(block_end * blocking_.tiles->rows(), per_group) - first, rows);
  direct.counters = counters_;
  DirectSums(blocking_, layer_.direct, direct).run(args_, [&](std::int64_t b) {
    return outputs_of(n, group, first + b * rows, rows);
  });
}

}  // namespace plait::algorithm::winograd
