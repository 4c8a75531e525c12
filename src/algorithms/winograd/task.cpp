#include "algorithms/winograd/task.hpp"

#include <algorithm>
#include <numeric>

#include "algorithms/matmul/matmul.hpp"
#include "algorithms/winograd/work.hpp"
#include "core/integers.hpp"
#include "core/problem/padding.hpp"

namespace plait::algorithm::winograd {

Layer::Layer(const Problem& given, const Cut& given_cut)
    : problem(given),
      cut(given_cut),
      kernels(kernels::winograd_kernels(given_cut.target, given_cut.down, given_cut.across)),
      x_strides(problem.effective_x_strides()),
      y_strides(problem.effective_y_strides()),
      residual_strides(problem.effective_residual_strides()),
      direct(cut),
      places(static_cast<std::size_t>(cut.form.chunk())) {
  std::iota(places.begin(), places.end(), 0);
}

Task::Task(const Layer& layer, const Args& args, const float* weights, std::byte* workspace,
           kernels::LoopCounters* tally)
    : layer_(layer),
      args_(args),
      problem_(layer.problem),
      cut_(layer.cut),
      weights_(weights),
      biases_(weights + cut_.biases_at),
      tally_(tally),
      rows_(reinterpret_cast<std::int64_t*>(workspace)),
      columns_(rows_ + cut_.region.tile_rows * cut_.down.m + cut_.down.r),
      magnitudes_(reinterpret_cast<std::int32_t*>(workspace) + cut_.table_floats),
      marks_(reinterpret_cast<kernels::TileMark*>(magnitudes_ + cut_.magnitude_floats)),
      scratch_(reinterpret_cast<float*>(marks_) + cut_.mark_floats),
      v_(scratch_ + cut_.scratch_floats),
      m_(v_ + cut_.points() * cut_.v_plane) {}

// Tasks in the order of images, groups, phases, regions, and last the blocks of rows of a region.
void Task::run(std::int64_t task) {
  const std::int64_t parts = ceil_div(cut_.row_blocks, cut_.task_blocks);
  const std::int64_t part = task % parts;
  const std::int64_t region = task / parts % cut_.regions;
  const std::int64_t phase = task / parts / cut_.regions % cut_.phases();
  const std::int64_t unit = task / parts / cut_.regions / cut_.phases();
  const std::int64_t group = unit % problem_.groups;
  const std::int64_t n = unit / problem_.groups;
  const std::int64_t block = part * cut_.task_blocks;
  const std::int64_t block_end = std::min(cut_.row_blocks, block + cut_.task_blocks);
  if (!set_region(phase, region)) return;
  judgement_ = {};
  for (std::int64_t c = 0; c < cut_.channels; c += cut_.channel_block) {
    const std::int64_t channels = std::min(cut_.channel_block, cut_.channels - c);
    count(kChannelBlocks, c / cut_.channel_block, channels < cut_.channel_block);
    transform_in(n, group, c, channels);
    if (c + channels == cut_.channels) judge(group, part == 0);
    if (judgement_.direct_tiles == region_.tiles()) break;
    for (std::int64_t b = block; b < block_end; ++b) {
      if (args_.cancelled()) return;
      count(kRowBlocks, b - block, (b + 1) * cut_.tiles->rows() > problem_.c_o / problem_.groups);
      float* const sums = m_ + (cut_.m_blocks == 1 ? 0 : b - block) * cut_.points() * cut_.m_plane;
      multiply(group * cut_.row_blocks + b, c, channels, sums);
      if (c + channels == cut_.channels) transform_out(n, group, b, sums);
    }
  }
  if (judgement_.direct_tiles > 0) sum_directly(n, group, block, block_end);
}

bool Task::set_region(std::int64_t phase, std::int64_t index) {
  phase_ = {phase / cut_.columns.phases, phase % cut_.columns.phases};
  const std::int64_t regions_across = ceil_div(cut_.tile_cols, cut_.region.tile_cols);
  first_row_ = index / regions_across * cut_.region.tile_rows;
  first_column_ = index % regions_across * cut_.region.tile_cols;
  const kernels::AxisForm& down = cut_.down;
  const kernels::AxisForm& across = cut_.across;
  const std::int64_t tile_rows = ceil_div(cut_.lines.outputs_of(phase_.h), down.m);
  const std::int64_t tile_cols = ceil_div(cut_.columns.outputs_of(phase_.w), across.m);
  region_.tile_rows = std::min(cut_.region.tile_rows, tile_rows - first_row_);
  region_.tile_cols = std::min(cut_.region.tile_cols, tile_cols - first_column_);
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
  const float* const limits = weights_ + cut_.limits_at + group * cut_.row_blocks;
  const float largest = *std::min_element(limits, limits + cut_.row_blocks);
  judgement_ = judge_tiles(cut_, region_, height(), width(), largest, magnitudes(), marks_);
  if (tally_ != nullptr && counts) tally_->count_tiles(region_.tiles(), judgement_.direct_tiles);
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
  in.first = first_column_ * cut_.across.m - problem_.padding.left;
  in.width = problem_.w;
  in.outside = padding_value(problem_);
  in.region = region_;
  in.v = v_;
  in.plane = cut_.v_plane;
  in.pitch = cut_.v_pitch;
  in.scratch = scratch_;
  in.raises = channel > 0;
  in.largest = magnitudes_;
  if (cut_.lanes == Lanes::tiles) {
    layer_.kernels.by_lines(in);
  } else {
    layer_.kernels.by_channels(in);
  }
  if (tally_ != nullptr) {
    tally_->transform(operations_in(layer_.kernels, cut_.lanes, region_.tiles(), channels));
  }
}

// One block of rows at all points; `sums` go on from the channels before.
void Task::multiply(std::int64_t block, std::int64_t channel, std::int64_t channels, float* sums) {
  const std::int64_t rows = cut_.tiles->rows();
  const std::int64_t chunk = cut_.form.chunk();
  const std::int64_t tiles = region_.tiles();
  const float* weights = weights_ + block * cut_.points() * cut_.channels * rows;
  kernels::TileArgs args;
  args.b_offsets = layer_.places.data();
  args.b_step = args.b_stride = cut_.v_pitch;
  for (int f = 0; f < cut_.points(); ++f) {
    const float* const v = v_ + f * cut_.v_plane;
    float* const m = sums + f * cut_.m_plane;
    for (std::int64_t k = 0; k < channels; k += chunk) {
      args.depth = std::min(chunk, channels - k);
      args.a = weights + (f * cut_.channels + channel + k) * rows;
      count(kChunks, (channel + k) / chunk, args.depth < chunk);
      std::int64_t piece = 0;
      cut_.tiles->cut(tiles, [&](std::int64_t first, const kernels::Tile& tile) {
        args.sums = m + first * rows;
        args.partial = channel + k == 0 ? nullptr : args.sums;
        if (cut_.lanes == Lanes::tiles) {
          args.b = v + k * cut_.v_pitch + first;
          tile.packed(args);
        } else {
          args.b = v + first * cut_.v_pitch + k;
          tile.strided(args);
        }
        count(kColumns, piece++);
        if (tally_ != nullptr) {
          tally_->multiply(args.depth * rows * tile.cols);
          if (args.partial != nullptr) tally_->add(rows * tile.cols);
        }
      });
    }
  }
}

kernels::RegionOutputs Task::outputs_of(std::int64_t n, std::int64_t group, std::int64_t first,
                                        std::int64_t rows) const {
  const std::int64_t per_group = problem_.c_o / problem_.groups;
  const std::int64_t o = group * per_group + first;
  // In outputs of the phase.
  const std::int64_t i = first_row_ * cut_.down.m;
  const std::int64_t j = first_column_ * cut_.across.m;
  const Pair& step = problem_.dilation;
  const auto at = [&](const Dims& strides) {
    return n * strides[0] + o * strides[1] + (phase_.h + i * step.h) * strides[2] +
           (phase_.w + j * step.w) * strides[3];
  };
  const float* const biases = biases_ + group * cut_.row_blocks * cut_.tiles->rows() + first;
  kernels::RegionOutputs outputs;
  outputs.epilogue = {problem_.bias ? biases : nullptr, problem_.activation.kind,
                      static_cast<float>(problem_.activation.slope), problem_.residual};
  outputs.to.y = static_cast<float*>(args_.out) + at(layer_.y_strides);
  outputs.to.row_stride = layer_.y_strides[1];
  outputs.to.pixel_stride = layer_.y_strides[3] * step.w;
  outputs.to.rows = static_cast<int>(std::min(rows, per_group - first));
  outputs.to.non_temporal = cut_.streams;
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
  const std::int64_t rows = cut_.tiles->rows();
  kernels::TransformOut out;
  out.m = sums;
  out.plane = cut_.m_plane;
  out.rows = static_cast<int>(rows);
  out.region = region_;
  out.height = height();
  out.width = width();
  out.outputs = outputs_of(n, group, block * rows, rows);
  out.marks = judgement_.marks ? marks_ : nullptr;
  layer_.kernels.out(out);
  if (tally_ != nullptr) {
    tally_->transform(operations_out(layer_.kernels, region_.tiles(), out.outputs.to.rows));
  }
}

// The values at the points and their sums are not needed any more: their memory is used again.
void Task::sum_directly(std::int64_t n, std::int64_t group, std::int64_t block,
                        std::int64_t block_end) {
  const std::int64_t rows = cut_.direct_tiles->rows();
  const std::int64_t first = block * cut_.tiles->rows();
  const std::int64_t per_group = problem_.c_o / problem_.groups;
  DirectArgs direct;
  direct.x = input(n, group, 0);
  direct.channel_stride = layer_.x_strides[1];
  direct.rows = rows_;
  direct.columns = columns_;
  direct.pixel_stride = layer_.x_strides[3] * problem_.dilation.w;
  direct.outside = padding_value(problem_);
  direct.weights = weights_ + cut_.kernel_at +
                   (group * cut_.row_blocks + block) * layer_.direct.terms * cut_.tiles->rows();
  direct.region = region_;
  direct.marks = marks_;
  direct.height = height();
  direct.width = width();
  direct.copied = v_;
  direct.sums = m_;
  direct.blocks = ceil_div(std::min(block_end * cut_.tiles->rows(), per_group) - first, rows);
  direct.tally = tally_;
  DirectSums(cut_, layer_.direct, direct).run(args_, [&](std::int64_t b) {
    return outputs_of(n, group, first + b * rows, rows);
  });
}

}  // namespace plait::algorithm::winograd
