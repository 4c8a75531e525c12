// Converts plait.ConvLayer to the library's value and back.
#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <deque>
#include <string>

#include <plait/rewrite/layers.hpp>

#include "arguments.hpp"
#include "arrays.hpp"

namespace plait::python {

// The fields of a plait.ConvLayer, whose arrays are read in place. Their names in messages begin
// with `name`.
class LayerArgument {
 public:
  LayerArgument(const std::string& name, nb::handle fields);

  const Array& kernel() const { return kernel_; }
  const Array& bias() const { return bias_; }
  std::array<Array*, 2> operands() { return {&kernel_, &bias_}; }

  // A copy as the library's value, once promote() has given the arrays the dtype of T.
  template <class T>
  ConvLayer<T> layer() const;

 private:
  std::string kernel_name_, bias_name_;
  Array kernel_, bias_;
  Pair stride_, dilation_;
  nb::object padding_;
  std::int64_t groups_;
};

// A deque, as the arrays must stay in place while they are read.
using LayerArguments = std::deque<LayerArgument>;
// The common dtype of all their arrays and of one more.
Dtype promote(LayerArguments& layers, Array* operand = nullptr);

// The shape and the view of a kernel with four axes: k_h x k_w has one channel, k also one row.
Dims kernel_shape(const Array& array);
template <class T>
TensorView<const T> kernel_view(const Array& array) {
  auto view = array.view<const T>();
  if (view.rank() != 1 && view.rank() != 2) return view;
  while (view.rank() < 4) view = with_axis(view, 0);
  return view;
}

nb::tuple to_tuple(const Pair& pair);
nb::tuple to_tuple(const Padding& padding);  // (h, w) if it is symmetric, as torch takes it

// The padding of a layer with a kernel of that shape, as numbers. ValueError for words that depend
// on the size of x.
Padding to_layer_padding(nb::handle padding, const Dims& kernel_shape, const Pair& stride,
                         const Pair& dilation);

// The fields of a plait.ConvLayer, with arrays of that kind.
template <class T>
nb::tuple to_fields(ConvLayer<T>&& layer, const Kind& kind);

// The values of an array, or an empty tensor if there is none.
template <class T>
Tensor<T> to_tensor(const Array& array) {
  return array.given() ? dense_copy(array.view<const T>()) : Tensor<T>();
}

}  // namespace plait::python
