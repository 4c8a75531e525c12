#include "algorithms/strip_room.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/counts.hpp"
#include "core/padding.hpp"
#include "kernels/pick.hpp"

namespace plait {
namespace {

// Copies lines of x into strips, phase by phase, with what the padding is around them.
class Lines final : public kernels::StripSource {
 public:
  Lines(const Problem& problem, const StripGeometry& geometry, Target target, const float* x)
      : problem_(problem),
        geometry_(geometry),
        x_(x),
        strides_(problem.effective_x_strides()),
        pick_every_second_(kernels::pick_every_second(target)),
        outside_(padding_value(problem)) {}

  void fill(std::int64_t unit, std::int64_t first_line, std::int64_t lines, float* strip,
            std::int64_t plane_stride) const override {
    const float* channel = in_place(unit, 0);
    for (std::int64_t c = 0; c < problem_.c_i / problem_.groups; ++c, channel += strides_[1]) {
      for (std::int64_t i = 0; i < geometry_.vertical.phases; ++i) {
        for (std::int64_t j = 0; j < geometry_.horizontal.phases; ++j) {
          fill_plane(channel, geometry_.vertical.first_of(i), geometry_.horizontal.first_of(j),
                     first_line, lines + geometry_.shape.halo_lines, strip);
          strip += plane_stride;
        }
      }
    }
  }

  const float* in_place(std::int64_t unit, std::int64_t first_line) const override {
    const std::int64_t channels = problem_.c_i / problem_.groups;
    return x_ + unit / problem_.groups * strides_[0] +
           unit % problem_.groups * channels * strides_[1] + first_line * strides_[2];
  }

 private:
  // The columns [first, last) of a plane are real input: column j is column + j * stride of x.
  struct Span {
    std::int64_t first, last, column;
  };

  void fill_plane(const float* channel, std::int64_t first_row, std::int64_t first_col,
                  std::int64_t first_line, std::int64_t lines, float* to) const {
    const std::int64_t pitch = geometry_.shape.pitch;
    const std::int64_t step = problem_.stride.w;
    const std::int64_t column = first_col - problem_.padding.left;
    const std::int64_t first = std::min(pitch, column >= 0 ? 0 : (-column + step - 1) / step);
    const std::int64_t last =
        std::max(first, std::min(pitch, (problem_.w - column + step - 1) / step));
    for (std::int64_t line = first_line; line < first_line + lines; ++line, to += pitch) {
      const std::int64_t row = source_position(
          problem_.padding_mode, line * problem_.stride.h + first_row - problem_.padding.top,
          problem_.h, problem_.padding.bottom);
      if (row == kOutside) {
        std::fill(to, to + pitch, outside_);
      } else {
        fill_line(channel + row * strides_[2], {first, last, column}, to);
      }
    }
  }

  void fill_line(const float* row, const Span& span, float* to) const {
    const std::int64_t step = problem_.stride.w;
    const std::int64_t count = span.last - span.first;
    fill_around(row, span, 0, span.first, to);
    fill_around(row, span, span.last, geometry_.shape.pitch, to);
    if (count == 0) return;
    const float* from = row + (span.column + span.first * step) * strides_[3];
    // A step over huge padding is only taken from one real pixel to another.
    const std::int64_t stride = count == 1 ? 1 : step * strides_[3];
    if (stride == 1) {
      std::memcpy(to + span.first, from, static_cast<std::size_t>(count) * sizeof(float));
    } else if (stride == 2) {
      pick_every_second_(from, count, to + span.first);
    } else {
      for (std::int64_t j = span.first; j < span.last; ++j, from += stride) to[j] = *from;
    }
  }

  // Columns [begin, end), none of which is real input.
  void fill_around(const float* row, const Span& span, std::int64_t begin, std::int64_t end,
                   float* to) const {
    if (padding_is_one_value(problem_)) {
      std::fill(to + begin, to + end, outside_);
      return;
    }
    for (std::int64_t j = begin; j < end; ++j) {
      const std::int64_t column =
          source_position(problem_.padding_mode, span.column + j * problem_.stride.w, problem_.w,
                          problem_.padding.right);
      to[j] = column == kOutside ? outside_ : row[column * strides_[3]];
    }
  }

  const Problem& problem_;
  const StripGeometry& geometry_;
  const float* x_;
  Dims strides_;
  kernels::PickFunction pick_every_second_;
  float outside_;
};

// Cycles to write one element of a strip, copied, picked by vectors or one by one, and one line of
// one plane: fitted to 3x3 layers at 56, 28 and 14 pixels, strides 1 and 2 [Zen 4, 2026-11-22; by
// vectors: Emerald Rapids, 2026-11-26].
constexpr double kCopyCycles = 0.3;
constexpr double kPickSecondCycles = 0.4;
constexpr double kPickCycles = 0.9;
constexpr double kLineCycles = 20;

double fill_cycles(const Problem& problem) {
  const std::int64_t step = problem.stride.w * problem.effective_x_strides()[3];
  return step == 1 ? kCopyCycles : step == 2 ? kPickSecondCycles : kPickCycles;
}

kernels::StripBlocking blocking_of(const StripRoom& room, const StripGeometry& geometry,
                                   const Problem& problem, const Limits& limits,
                                   const Machine& machine) {
  const double cycles =
      fill_cycles(problem) + kLineCycles / static_cast<double>(geometry.shape.pitch);
  kernels::StripRequest request;
  request.shape = geometry.shape;
  request.tiles = room.tiles(machine.target);
  request.threads = limits.threads;
  request.max_workspace_bytes = limits.max_workspace_bytes;
  request.prepacked = limits.prepacked;
  request.delta = limits.delta;
  request.fill_seconds_per_element = cycles * 1e-9 / machine.rates.ghz;
  request.tile_rows = required_tile_rows(room.name, request.tiles, problem, limits);
  return kernels::choose_strips(request, machine);
}

bool is_strip_in_place(const Problem& problem) {
  const Dims strides = problem.effective_x_strides();
  return problem.stride == Pair(1) && problem.padding == Padding(0) && strides[3] == 1 &&
         strides[2] >= problem.w && strides[1] > 0 &&
         saturated_product({problem.c_i, strides[1]}) <= std::numeric_limits<std::int32_t>::max();
}

class StripExecution final : public TileExecution {
 public:
  StripExecution(const StripRoom& room, const Problem& problem, const StripPlan& plan)
      : TileExecution(room.name, problem, *plan.blocking.tile, plan.blocking.target,
                      plan.blocking.threads),
        geometry_(plan.geometry),
        blocking_(plan.blocking),
        offsets_(geometry_.offsets(problem, blocking_.plane_stride(geometry_.shape))) {}

  void run(const Args& args) const override {
    const Lines source(problem(), geometry_, blocking_.target, static_cast<const float*>(args.x));
    run_and_report(args, geometry_.shape.pitch, kernels::kStripLoops,
                   [&](const kernels::ProductOperands& operands) {
                     kernels::run_strips(geometry_.shape, blocking_, source, offsets_.data(),
                                         operands);
                   });
  }

  std::string config() const override {
    std::string text = tile_text(*blocking_.tile);
    if (geometry_.in_place()) {
      text += ", pixels read in place";
    } else {
      text += ", strips of " + std::to_string(blocking_.block_lines) +
              (blocking_.block_lines == 1 ? " line, " : " lines, ") +
              std::to_string(blocking_.strip_bytes) + " bytes";
    }
    if (blocking_.block_depth < problem().depth()) {
      text += ", " + std::to_string(blocking_.block_depth) + " terms at a time";
    }
    return text;
  }

 private:
  StripGeometry geometry_;
  kernels::StripBlocking blocking_;
  std::vector<std::int32_t> offsets_;
};

}  // namespace

StripGeometry::StripGeometry(const Problem& problem, bool allow_in_place)
    : vertical(problem.k_h, problem.stride.h, problem.dilation.h),
      horizontal(problem.k_w, problem.stride.w, problem.dilation.w) {
  shape.lines = problem.h_o();
  shape.width = problem.w_o();
  shape.pitch = shape.width + horizontal.reach;
  shape.halo_lines = vertical.reach;
  shape.planes = problem.c_i / problem.groups * vertical.phases * horizontal.phases;
  shape.product = product_shape(problem);
  if (allow_in_place && is_strip_in_place(problem)) {
    const Dims strides = problem.effective_x_strides();
    shape.in_place_plane_stride = strides[1];
    shape.pitch = strides[2];
  }
  shape.product.columns = shape.lines * shape.pitch;
}

std::vector<std::int32_t> StripGeometry::offsets(const Problem& problem,
                                                 std::int64_t plane_stride) const {
  std::vector<std::int32_t> list;
  list.reserve(static_cast<std::size_t>(problem.depth()));
  const std::int64_t phases = vertical.phases * horizontal.phases;
  for (std::int64_t c = 0; c < problem.c_i / problem.groups; ++c) {
    for (std::int64_t u = 0; u < problem.k_h; ++u) {
      for (std::int64_t v = 0; v < problem.k_w; ++v) {
        const std::int64_t plane =
            c * phases + vertical.phase_number(u) * horizontal.phases + horizontal.phase_number(v);
        list.push_back(static_cast<std::int32_t>(
            plane * plane_stride + vertical.step_of(u) * shape.pitch + horizontal.step_of(v)));
      }
    }
  }
  return list;
}

StripPlan plan_strips(const StripRoom& room, const Problem& problem, const Limits& limits,
                      const Machine& machine) {
  const auto cut = [&](bool in_place) {
    const StripGeometry geometry(problem, in_place);
    return StripPlan{geometry, blocking_of(room, geometry, problem, limits, machine)};
  };
  StripPlan copied = cut(false);
  if (!room.reads_in_place || !is_strip_in_place(problem)) return copied;
  StripPlan in_place = cut(true);
  if (in_place.blocking.tile == nullptr) return copied;
  const bool faster = copied.blocking.tile == nullptr ||
                      in_place.blocking.cost.seconds() <= copied.blocking.cost.seconds();
  return faster ? in_place : copied;
}

Verdict accepts_as_strips(const StripRoom& room, const Problem& problem, const Limits& limits,
                          const Machine& machine) {
  Verdict verdict = accepts_as_product(problem);
  if (!verdict) return verdict;
  const kernels::StripBlocking blocking = plan_strips(room, problem, limits, machine).blocking;
  if (blocking.tile == nullptr) {
    return refuse_tiles(room.name, room.tiles(machine.target), limits);
  }
  if (blocking.strip_bytes / sizeof(float) > std::numeric_limits<std::int32_t>::max()) {
    return Verdict::no("one line of output needs a strip of " +
                       std::to_string(blocking.strip_bytes) + " bytes, offsets have 32 bits");
  }
  return Verdict::yes();
}

Cost strip_cost(const StripRoom& room, const Problem& problem, const Limits& limits,
                const Machine& machine) {
  const kernels::StripBlocking blocking = plan_strips(room, problem, limits, machine).blocking;
  return product_cost(problem, machine, blocking.cost, blocking.threads,
                      kernels::workspace_bytes(blocking), blocking.weights_bytes);
}

std::unique_ptr<Execution> prepare_strips(const StripRoom& room, const Problem& problem,
                                          const Limits& limits, const Machine& machine) {
  return std::make_unique<StripExecution>(room, problem,
                                          plan_strips(room, problem, limits, machine));
}

}  // namespace plait
