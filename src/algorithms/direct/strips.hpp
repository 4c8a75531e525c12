// What the rooms share that read shifted views of strips: lines of the input, copied once into
// cache with zeros around them and split into phases, or the input itself where it is such a strip.
#pragma once

#include <numeric>
#include <vector>

#include "algorithms/matmul/matmul.hpp"
#include "kernels/product/strips.hpp"

namespace plait {

// One axis. The phases that taps read repeat after stride / gcd(stride, dilation) taps; phase
// number i is that of tap i.
struct Axis {
  Axis(std::int64_t taps, std::int64_t stride_, std::int64_t dilation_)
      : stride(stride_),
        dilation(dilation_),
        phases(std::min(taps, stride_ / std::gcd(stride_, dilation_))),
        reach((taps - 1) * dilation_ / stride_) {}

  std::int64_t phase_number(std::int64_t tap) const { return tap % phases; }
  // First line (or column) of the padded input in a phase.
  std::int64_t first_of(std::int64_t phase) const { return phase * dilation % stride; }
  std::int64_t step_of(std::int64_t tap) const { return tap * dilation / stride; }

  std::int64_t stride;
  std::int64_t dilation;
  std::int64_t phases;
  std::int64_t reach;  // of the last tap within its phase
};

// The strip of a problem. Stride s: the padded input falls into s_h x s_w phases (every s-th line
// and column), and tap (u, v) reads phase (u d_h mod s_h, v d_w mod s_w) at line i + u d_h / s_h,
// column j + v d_w / s_w: each phase is read like stride 1. Phases are the polyphase decomposition
// of signal processing.
struct StripGeometry {
  enum class Order {
    planes,   // [channel][phase][line][column]
    pixels,   // [line][column][channel], as in NHWC, any stride
    in_place  // x itself: no padding, any stride
  };

  StripGeometry(const Problem& problem, Order order);

  // Offsets of all terms in a strip of block_lines lines of output, in the order of K.
  std::vector<std::int32_t> offsets(const Problem& problem, std::int64_t block_lines) const;
  std::int64_t plane_stride(std::int64_t block_lines) const {
    return (block_lines + vertical.reach) * shape.pitch;
  }

  Order order;
  Axis vertical, horizontal;
  std::int64_t pixel_floats = 0;  // pixels: from one pixel to the next
  std::int64_t row_floats = 0;    // pixels: of one row of the padded input
  kernels::StripShape shape;
};

// What a room of strips chooses.
struct StripRoom {
  std::string_view name;
  const kernels::TileSet& (*tiles)(Target);
  bool any_order;  // not planes alone
};

// The cheapest way to cut up the problem; its blocking has no tile if none keeps to the limits.
struct StripPlan {
  StripGeometry geometry;
  kernels::StripBlocking blocking;
};
StripPlan plan_strips(const StripRoom& room, const Problem& problem, const Limits& limits,
                      const Machine& machine);

// Yes if a product room takes the problem, a strip of one line of output fits under the cap, and 32
// bits address it.
Verdict accepts_as_strips(const StripRoom& room, const Problem& problem, const Limits& limits,
                          const Machine& machine);
Cost strip_cost(const StripRoom& room, const Problem& problem, const Limits& limits,
                const Machine& machine);
std::unique_ptr<Execution> prepare_strips(const StripRoom& room, const Problem& problem,
                                          const Limits& limits, const Machine& machine);

}  // namespace plait
