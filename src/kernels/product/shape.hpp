// The sizes of a blocked product, and where its outputs lie.
#pragma once

#include <cstdint>

#include <plait/machine.hpp>

#include "core/integers.hpp"

namespace plait::kernels {

// What lies side by side in y: the pixels of a channel, the channels of a pixel, in small pixels
// with others in the same cache line, or nothing.
enum class OutputOrder { image_rows, pixels, small_pixels, scattered };

// One product of rows x columns outputs for every image and group. A row is an output channel, a
// column an output pixel, and depth counts the terms of a sum.
struct ProductShape {
  std::int64_t image_groups = 1;  // number u is group u % groups of image u / groups
  std::int64_t groups = 1;
  std::int64_t rows = 1;  // of a group
  std::int64_t columns = 1;
  std::int64_t depth = 1;
  OutputOrder order = OutputOrder::image_rows;
  std::int64_t even_columns = kCountLimit;  // columns in a row that lie evenly in y

  // Whether the outputs, beside the inputs, do not stay in any cache.
  bool leaves_caches(const Machine& machine) const {
    return saturated_product({image_groups, rows, columns, std::int64_t{sizeof(float)}}) >
           machine.caches.l3_bytes / 2;
  }
};

// Where outputs lie, and what is added to them. Columns are numbered along the rows of the image,
// `pitch` to a row, of which the first `width` are pixels; the others are computed and dropped.
struct ProductOutput {
  // Floats between images, output channels, rows of the image, and pixels.
  struct Strides {
    std::int64_t image = 0;
    std::int64_t channel = 0;
    std::int64_t image_row = 0;
    std::int64_t pixel = 1;
  };
  float* data = nullptr;
  Strides strides;
  const float* residual = nullptr;  // added to the outputs, or none
  Strides residual_strides;
  std::int64_t width = 1;
  std::int64_t pitch = 1;
  bool non_temporal = false;  // Destination::non_temporal

  // The outputs of one image and group.
  ProductOutput of(const ProductShape& shape, std::int64_t image_group) const {
    const auto offset = [&](const Strides& by) {
      return image_group / shape.groups * by.image +
             image_group % shape.groups * shape.rows * by.channel;
    };
    ProductOutput one = *this;
    one.data += offset(strides);
    if (residual != nullptr) one.residual += offset(residual_strides);
    return one;
  }
};

}  // namespace plait::kernels
