// plait.ConvLayer as the library's value and back.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include <plait/layers.hpp>

#include "arguments.hpp"
#include "arrays.hpp"

namespace plait::python {

// The fields of a plait.ConvLayer, its arrays as memory. `name` stands in front of theirs.
class LayerArgument {
 public:
  LayerArgument(const std::string& name, nb::handle fields);

  const Array& kernel() const { return kernel_; }
  const Array& bias() const { return bias_; }

  // A copy. TypeError if an array's dtype is not T's.
  template <class T>
  ConvLayer<T> layer() const;

 private:
  std::string kernel_name_, bias_name_;
  Array kernel_, bias_;
  Pair stride_, dilation_;
  Padding padding_;
  std::int64_t groups_;
};

nb::tuple to_tuple(const Pair& pair);
nb::tuple to_tuple(const Padding& padding);  // (h, w) where that says all, as torch takes it

// The padding of a layer with a kernel of that shape, as numbers. ValueError for words that need to
// know the size of x.
Padding to_layer_padding(nb::handle padding, const Dims& kernel_shape, const Pair& stride,
                         const Pair& dilation);

// The fields of a plait.ConvLayer, arrays in that kind.
template <class T>
nb::tuple to_fields(ConvLayer<T>&& layer, const Kind& kind);

// An array's values, or an empty tensor if it is not given.
template <class T>
Tensor<T> to_tensor(const Array& array) {
  return array.given() ? dense_copy(array.view<const T>()) : Tensor<T>();
}

}  // namespace plait::python
