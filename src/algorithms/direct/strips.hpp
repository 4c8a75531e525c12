// A strip has some rows of the input, copied once into cache with their padding and split into the
// phases of the stride. Where the input itself can serve as a strip, it is read in place. Every tap
// reads a shifted view of a strip.
#pragma once

#include <vector>

#include "algorithms/matmul/matmul.hpp"
#include "core/problem/phases.hpp"
#include "kernels/product/strips.hpp"

namespace plait::algorithm::direct {

// How a strip lies in memory. A stride splits the padded input into s_h x s_w phases, and for
// output (i, j) tap (u, v) reads phase (u d_h mod s_h, v d_w mod s_w) at row i + u d_h / s_h,
// column j + v d_w / s_w.
struct StripGeometry {
  enum class Order {
    planes,   // [channel][phase][row][column]
    pixels,   // [row][column][channel] without phases, as in NHWC
    in_place  // x itself, which must have no padding
  };

  StripGeometry(const Problem& problem, Order order);

  // The offsets of all terms, in the order of K, in a strip of so many output rows.
  std::vector<std::int32_t> offsets(const Problem& problem, std::int64_t block_image_rows) const;
  std::int64_t plane_stride(std::int64_t block_image_rows) const {
    return (block_image_rows + vertical.extent) * shape.pitch;
  }

  Order order;
  AxisPhases vertical, horizontal;
  // For the order `pixels` alone:
  std::int64_t pixel_floats = 0;  // from one pixel to the next
  std::int64_t row_floats = 0;    // from one row of the padded input to the next
  kernels::StripShape shape;
};

// The variants of the algorithm differ in their tiles and in the orders that these can read.
struct Variant {
  std::string_view name;
  const kernels::TileSet& (*tiles)(Target);
  bool any_order;  // not only planes
};

// Offers the order and the blocking with the lowest predicted time. Refuses if no strip for one
// output row fits under the cap, or if 32 bits do not address it.
Answer offer_strips(const Variant& variant, const Question& question);

}  // namespace plait::algorithm::direct
