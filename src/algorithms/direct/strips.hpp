// Strips: rows of the input, copied once into cache with zeros around them and split into phases,
// or the input itself where it is such a strip. The taps of a kernel read shifted views of a strip.
#pragma once

#include <vector>

#include "algorithms/matmul/matmul.hpp"
#include "core/problem/phases.hpp"
#include "kernels/product/strips.hpp"

namespace plait::algorithm::direct {

// The strip of a problem. With a stride s the padded input falls into s_h x s_w phases, and tap
// (u, v) reads phase (u d_h mod s_h, v d_w mod s_w) at row i + u d_h / s_h, column j + v d_w / s_w.
struct StripGeometry {
  enum class Order {
    planes,   // [channel][phase][line][column]
    pixels,   // [line][column][channel], as in NHWC, any stride
    in_place  // x itself: no padding, any stride
  };

  StripGeometry(const Problem& problem, Order order);

  // Offsets of all terms in a strip of block_image_rows rows of output, in the order of K.
  std::vector<std::int32_t> offsets(const Problem& problem, std::int64_t block_image_rows) const;
  std::int64_t plane_stride(std::int64_t block_image_rows) const {
    return (block_image_rows + vertical.extent) * shape.pitch;
  }

  Order order;
  AxisPhases vertical, horizontal;
  std::int64_t pixel_floats = 0;  // pixels: from one pixel to the next
  std::int64_t row_floats = 0;    // pixels: of one row of the padded input
  kernels::StripShape shape;
};

// What the variants of the algorithm differ by.
struct Variant {
  std::string_view name;
  const kernels::TileSet& (*tiles)(Target);
  bool any_order;  // not planes alone
};

// The strips of the order and the blocking with the lowest predicted time. Refuses where no strip
// of one row of output fits under the cap, or 32 bits do not address it.
Answer offer_strips(const Variant& variant, const Question& question);

}  // namespace plait::algorithm::direct
