// Copying rows of an image, or every step-th pixel of them, with padding around them.
#pragma once

#include <cstdint>

#include <plait/machine.hpp>

namespace plait::kernels {

// For i < rows and j < columns:
//   to[i * to_stride + j] = from[i * from_stride + (j - first) * step]   if first <= j < last
//                           outside                                      else
// Nothing else is read or written.
struct RowCopy {
  const float* from = nullptr;
  std::int64_t from_stride = 0;
  std::int64_t step = 1;
  std::int64_t rows = 1;
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t columns = 0;
  float outside = 0;
  float* to = nullptr;
  std::int64_t to_stride = 0;
};

using RowCopyFunction = void (*)(const RowCopy& copy);
RowCopyFunction row_copy(Target target);

}  // namespace plait::kernels
