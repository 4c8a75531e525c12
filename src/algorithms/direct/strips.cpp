#include "algorithms/direct/strips.hpp"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <limits>

#include "algorithms/direct/strip_rows.hpp"
#include "core/integers.hpp"
#include "core/machine/cycles.hpp"

namespace plait::algorithm::direct {
namespace {

double gather_cycles(const Problem& problem, const StripGeometry& geometry) {
  if (geometry.order == StripGeometry::Order::pixels) return costs::direct::kCopyCyclesPerFloat;
  const std::int64_t step = column_step(problem);
  const bool by_vectors = step == 2 || step == 4;
  const double one_by_one = std::abs(step) < kCacheLineFloats
                                ? costs::direct::kGatherCyclesPerFloat
                                : costs::direct::kGatherFarCyclesPerFloat;
  const double cycles = step == 1    ? costs::direct::kCopyCyclesPerFloat
                        : by_vectors ? costs::direct::kGatherByVectorsCyclesPerFloat
                                     : one_by_one;
  return cycles +
         costs::direct::kBeginCyclesPerImageRow / static_cast<double>(geometry.shape.pitch);
}

kernels::StripBlocking blocking_of(const Variant& variant, const StripGeometry& geometry,
                                   const Question& question) {
  const Machine& machine = question.machine;
  const kernels::TileSet& tiles = variant.tiles(machine.target);
  const double cycle = 1e-9 / machine.rates.ghz;
  const bool has_planes = geometry.order == StripGeometry::Order::planes;
  return kernels::choose_strip_blocking(
      {blocking_limits(variant.name, tiles, question), geometry.shape, tiles,
       gather_cycles(question.problem, geometry) * cycle,
       has_planes ? costs::direct::kBeginCyclesPerPlane * cycle : 0},
      machine);
}

// Whether 32 bits hold the sum of the distances, which bounds every offset of a block.
bool is_addressable(std::initializer_list<std::int64_t> distances) {
  std::int64_t sum = 0;
  for (const std::int64_t distance : distances) sum = saturated_sum(sum, distance);
  return sum <= std::numeric_limits<std::int32_t>::max();
}

std::int64_t extent_of(std::int64_t taps, std::int64_t dilation) {
  return saturated_product({taps - 1, dilation});
}

bool is_strip_in_place(const Problem& problem) {
  const Dims strides = problem.effective_x_strides();
  const std::int64_t rows =
      saturated_sum(problem.stride.h, extent_of(problem.k_h, problem.dilation.h));
  const std::int64_t columns =
      saturated_sum(problem.stride.w, extent_of(problem.k_w, problem.dilation.w));
  constexpr std::int64_t kMostTerms = 1 << 22;  // each has an offset in a table
  return problem.padding == Padding(0) && problem.depth() <= kMostTerms &&
         is_addressable({saturated_product({problem.c_i / problem.groups, std::abs(strides[1])}),
                         saturated_product({rows, std::abs(strides[2])}),
                         saturated_product({columns, std::abs(strides[3])})});
}

// The number of pixels of a padded input row that an output row reads.
std::int64_t pixels_of_row(const Problem& problem) {
  return saturated_sum(saturated_product({problem.w_o() - 1, problem.stride.w}),
                       saturated_sum(extent_of(problem.k_w, problem.dilation.w), 1));
}

// A pixel's floats in a strip. If pixels lie a multiple of 2 KiB apart, those of a tile and of the
// rows above and below share two sets of L1, and 3x3 with 512 channels at 14 and 28 px takes 1.26
// and 1.30 times as long as in NCHW [Emerald Rapids VM, two threads, 2026-11-26].
std::int64_t floats_of_pixel(std::int64_t channels) {
  constexpr std::int64_t kFewSets = 512;
  return channels % kFewSets == 0 ? channels + kCacheLineFloats : channels;
}

// Whether the channels of a pixel of x lie side by side, and offsets into a strip of pixels fit.
bool has_channels_side_by_side(const Problem& problem) {
  const Dims strides = problem.effective_x_strides();
  const std::int64_t pixel_floats = floats_of_pixel(problem.c_i / problem.groups);
  const std::int64_t rows =
      saturated_sum(problem.stride.h, saturated_sum(extent_of(problem.k_h, problem.dilation.h), 1));
  return strides[1] == 1 && strides[3] != 1 &&
         is_addressable({saturated_product({rows, pixels_of_row(problem), pixel_floats}),
                         saturated_product({problem.stride.w, pixel_floats})});
}

struct StripPlan {
  StripGeometry geometry;
  kernels::StripBlocking blocking;  // does not fit if no tile keeps to the limits
};

// The cheapest order of the strips, and its blocking.
StripPlan plan_strips(const Variant& variant, const Question& question) {
  using Order = StripGeometry::Order;
  const Problem& problem = question.problem;
  const auto of_order = [&](Order order) {
    const StripGeometry geometry(problem, order);
    return StripPlan{geometry, blocking_of(variant, geometry, question)};
  };
  const bool by_pixels = variant.any_order && has_channels_side_by_side(problem);
  StripPlan copied = of_order(by_pixels ? Order::pixels : Order::planes);
  if (!variant.any_order || !is_strip_in_place(problem)) return copied;
  StripPlan in_place = of_order(Order::in_place);
  if (!in_place.blocking.fits()) return copied;
  const bool faster =
      !copied.blocking.fits() || in_place.blocking.seconds() <= copied.blocking.seconds();
  return faster ? in_place : copied;
}

class StripExecution final : public TileExecution {
 public:
  StripExecution(const Variant& variant, const Problem& problem, const StripPlan& plan)
      : TileExecution(variant.name, problem, *plan.blocking.tile, plan.blocking.target,
                      plan.blocking.threads),
        geometry_(plan.geometry),
        blocking_(plan.blocking),
        offsets_(geometry_.offsets(problem, blocking_.block_image_rows)),
        ranges_(problem, geometry_) {}

  void run(const Args& args) const override {
    const StripRows source(problem(), geometry_, ranges_, blocking_.target,
                           static_cast<const float*>(args.in));
    run_and_report(args, geometry_.shape.pitch, kernels::kStripLoops,
                   [&](const kernels::ProductOperands& operands) {
                     kernels::run_strips(geometry_.shape, blocking_, source, offsets_.data(),
                                         operands);
                   });
  }

  std::string config() const override {
    std::string text = tile_text(*blocking_.tile);
    if (geometry_.shape.in_place) {
      text += ", pixels read in place";
    } else {
      text += ", strips of " + std::to_string(blocking_.block_image_rows) +
              (blocking_.block_image_rows == 1 ? " row, " : " rows, ") +
              std::to_string(blocking_.strip_bytes) + " bytes";
    }
    if (blocking_.block_depth < problem().depth()) {
      text += ", " + std::to_string(blocking_.block_depth) + " terms at a time";
    }
    return text;
  }

  TileBlock block() const override {
    const kernels::Tile& tile = *blocking_.tile;
    return {tile.rows, tile.cols, tile.lanes_are_channels, true};
  }

 private:
  StripGeometry geometry_;
  kernels::StripBlocking blocking_;
  std::vector<std::int32_t> offsets_;
  PhaseRanges ranges_;
};

}  // namespace

StripGeometry::StripGeometry(const Problem& problem, Order order_)
    : order(order_),
      vertical(problem.k_h, problem.stride.h, problem.dilation.h),
      horizontal(problem.k_w, problem.stride.w, problem.dilation.w) {
  const std::int64_t channels = problem.c_i / problem.groups;
  const Dims strides = problem.effective_x_strides();
  shape.image_rows = problem.h_o();
  shape.width = problem.w_o();
  shape.pitch = shape.width;
  shape.planes = channels;
  switch (order) {
    case Order::planes:
      shape.pitch = shape.width + horizontal.extent;
      shape.planes = saturated_product({channels, vertical.phases, horizontal.phases});
      shape.image_row_floats = saturated_product({shape.planes, shape.pitch});
      shape.halo_floats = saturated_product({shape.image_row_floats, vertical.extent});
      shape.image_row_step = shape.pitch;
      break;
    case Order::pixels: {
      pixel_floats = floats_of_pixel(channels);
      shape.pixel_step = problem.stride.w * pixel_floats;
      row_floats = pixels_of_row(problem) * pixel_floats;
      shape.image_row_step = problem.stride.h * row_floats;
      shape.image_row_floats = shape.image_row_step;
      shape.halo_floats =
          (extent_of(problem.k_h, problem.dilation.h) + 1 - problem.stride.h) * row_floats;
      break;
    }
    case Order::in_place:
      shape.in_place = true;
      shape.image_row_floats = saturated_product({channels, shape.width});
      shape.image_row_step = problem.stride.h * strides[2];
      shape.pixel_step = problem.stride.w * strides[3];
      break;
  }
  shape.product = product_shape(problem);
  shape.product.columns = shape.image_rows * shape.pitch;
  if (shape.image_rows > 1 && shape.pitch != shape.width) shape.product.even_columns = shape.width;
}

std::vector<std::int32_t> StripGeometry::offsets(const Problem& problem,
                                                 std::int64_t block_image_rows) const {
  const Dims strides = problem.effective_x_strides();
  const std::int64_t plane = plane_stride(block_image_rows);
  const std::int64_t of_channel = order == Order::in_place ? strides[1]
                                  : order == Order::pixels
                                      ? 1
                                      : vertical.phases * horizontal.phases * plane;
  const auto of_row = [&](std::int64_t u) {
    if (order == Order::in_place) return u * problem.dilation.h * strides[2];
    if (order == Order::pixels) return u * problem.dilation.h * row_floats;
    return vertical.phase_of(u) * horizontal.phases * plane + vertical.step_of(u) * shape.pitch;
  };
  const auto of_column = [&](std::int64_t v) {
    if (order == Order::in_place) return v * problem.dilation.w * strides[3];
    if (order == Order::pixels) return v * problem.dilation.w * pixel_floats;
    return horizontal.phase_of(v) * plane + horizontal.step_of(v);
  };
  // The divisions of columns would take most of the time to make a plan, so each is made once.
  std::vector<std::int64_t> columns(static_cast<std::size_t>(problem.k_w));
  for (std::size_t v = 0; v < columns.size(); ++v) {
    columns[v] = of_column(static_cast<std::int64_t>(v));
  }
  std::vector<std::int32_t> list(static_cast<std::size_t>(problem.depth()));
  std::size_t k = 0;
  for (std::int64_t u = 0; u < problem.k_h; ++u) {
    const std::int64_t row = of_row(u);
    for (const std::int64_t column : columns) list[k++] = static_cast<std::int32_t>(row + column);
  }
  const std::size_t taps = k;
  for (; k < list.size(); ++k) {
    list[k] = list[k - taps] + static_cast<std::int32_t>(of_channel);
  }
  return list;
}

Answer offer_strips(const Variant& variant, const Question& question) {
  const StripPlan plan = plan_strips(variant, question);
  const kernels::StripBlocking& blocking = plan.blocking;
  if (!blocking.fits()) {
    return refuse_tiles(variant.name, variant.tiles(question.machine.target), question.limits);
  }
  if (blocking.strip_bytes / sizeof(float) > std::numeric_limits<std::int32_t>::max()) {
    return Refusal{"one row of output needs a strip of " + std::to_string(blocking.strip_bytes) +
                   " bytes, offsets have 32 bits"};
  }
  const auto prepare = [plan, &variant](const Question& asked) {
    return std::make_unique<StripExecution>(variant, asked.problem, plan);
  };
  return Offer{product_cost(question.problem, question.machine, blocking, blocking.threads,
                            kernels::workspace_bytes(blocking), blocking.weights_bytes),
               prepare};
}

}  // namespace plait::algorithm::direct
