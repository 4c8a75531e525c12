#include "rewrite/finite.hpp"

#include <algorithm>
#include <cmath>

#include <plait/error.hpp>

namespace plait::rewrite {

std::string element_text(const std::string& name, const Dims& shape, std::int64_t place) {
  const Dims strides = dense_strides(shape);
  std::string text = name;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    text += (axis == 0 ? "[" : ",") + std::to_string(place / strides[axis] % shape[axis]);
  }
  return text + "]";
}

template <class T>
void check_finite(const std::string& name, const Tensor<T>& tensor, const Dims& shape) {
  const auto* found = std::find_if(tensor.begin(), tensor.end(),
                                   [](const T value) { return !std::isfinite(value); });
  if (found == tensor.end()) return;
  const char* value = std::isnan(*found) ? "nan" : *found > 0 ? "inf" : "-inf";
  const std::size_t colon = name.rfind(": ");  // "branch 1: kernel" is a kernel's name in full
  throw Error(Status::invalid_argument,
              element_text(name, shape, found - tensor.begin()) + " is " + value +
                  " but must be finite (" +
                  (colon == std::string::npos ? name : name.substr(colon + 2)) + " is " +
                  to_string(shape) + ")");
}

template void check_finite(const std::string&, const Tensor<float>&, const Dims&);
template void check_finite(const std::string&, const Tensor<double>&, const Dims&);

}  // namespace plait::rewrite
