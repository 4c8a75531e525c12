// Kernels, biases and norms with values that are not finite are refused: no algebra holds for them.
#pragma once

#include <cstdint>
#include <string>

#include <plait/tensor.hpp>

namespace plait::rewrite {

// "kernel[0,1,2,0]" for the element at a place in row-major order.
std::string element_text(const std::string& name, const Dims& shape, std::int64_t place);

// Throws Error, "kernel[0,1,2,0] is nan but must be finite (kernel is 4x2x3x3)", for the first
// value that is not. `shape`: as the caller gave it, where it is the tensor's with other axes.
template <class T>
void check_finite(const std::string& name, const Tensor<T>& tensor, const Dims& shape);
template <class T>
void check_finite(const std::string& name, const Tensor<T>& tensor) {
  check_finite(name, tensor, tensor.shape());
}

}  // namespace plait::rewrite
