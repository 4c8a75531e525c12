// The kernel to decompose, in f64 and scaled so that no square of a value leaves the range.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/tensor.hpp>

#include "rewrite/decompose/plane.hpp"

namespace plait::rewrite {

struct ScaledKernel {
  std::int64_t c_o = 1;
  std::int64_t c_i = 1;  // input channels per group
  std::int64_t k_h = 1;
  std::int64_t k_w = 1;
  std::int64_t groups = 1;
  int exponent = 0;            // the given values are these times 2^exponent
  double epsilon = 0;          // between 1 and the next number of the given type
  std::vector<double> values;  // the largest in [0.5, 1), or all zero

  std::int64_t outputs() const { return c_o / groups; }  // per group
  std::int64_t taps() const { return k_h * k_w; }
  bool one_channel() const { return c_o == 1 && c_i == 1; }
  const double* at(std::int64_t o, std::int64_t i) const {
    return values.data() + (o * c_i + i) * taps();
  }
  Plane plane(std::int64_t o, std::int64_t i) const;
};

// The singular values that rounding explains, as a share of the largest or of the norm: 16 units of
// rounding, a few for each value given. To this comes the error of the decomposition itself, for
// matrices of so many rows or columns.
double tolerance_of(double epsilon, std::int64_t size);

// The nearest values of the type with this epsilon.
Plane rounded(const Plane& plane, double epsilon);

void stop_if(const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
