#include "rewrite/decompose/scaled_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <plait/error.hpp>

namespace plait::rewrite {

Plane ScaledKernel::plane(std::int64_t o, std::int64_t i) const {
  Plane plane(static_cast<int>(k_h), static_cast<int>(k_w));
  std::copy_n(at(o, i), taps(), plane.values.begin());
  return plane;
}

double tolerance_of(double epsilon, std::int64_t size) {
  constexpr double kUnits = 16;
  constexpr double kOfTheMethod = 4;
  return kUnits * epsilon + kOfTheMethod * std::sqrt(static_cast<double>(size)) *
                                std::numeric_limits<double>::epsilon();
}

Plane rounded(const Plane& plane, double epsilon) {
  Plane result = plane;
  if (epsilon == std::numeric_limits<double>::epsilon()) return result;
  for (double& value : result.values) value = double{static_cast<float>(value)};
  return result;
}

void stop_if(const std::atomic<bool>* cancel) {
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    throw Error(Status::cancelled, "cancelled while the kernel was decomposed");
  }
}

}  // namespace plait::rewrite
