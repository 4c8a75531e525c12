#include "layers.hpp"

#include <utility>
#include <vector>

#include <plait/error.hpp>

namespace plait::python {

nb::tuple to_tuple(const Pair& pair) { return nb::make_tuple(pair.h, pair.w); }

nb::tuple to_tuple(const Padding& p) {
  if (p.top == p.bottom && p.left == p.right) return nb::make_tuple(p.top, p.left);
  return nb::make_tuple(nb::make_tuple(p.top, p.bottom), nb::make_tuple(p.left, p.right));
}

LayerArgument::LayerArgument(const std::string& name, nb::handle fields)
    : kernel_name_(name + "kernel"),
      bias_name_(name + "bias"),
      kernel_(kernel_name_.c_str(), fields[0]),
      bias_(bias_name_.c_str(), fields[1]),
      stride_(to_pair("stride", fields[2], Axes::hw)),
      dilation_(to_pair("dilation", fields[4], Axes::hw)),
      padding_(fields[3]),
      groups_(to_int("groups", fields[5])) {
  require({&kernel_});
}

Dtype promote(LayerArguments& layers, Array* operand) {
  std::vector<Array*> operands;
  if (operand != nullptr) operands.push_back(operand);
  for (LayerArgument& layer : layers) {
    for (Array* one : layer.operands()) operands.push_back(one);
  }
  return promote(operands);
}

Dims kernel_shape(const Array& array) {
  const Dims& shape = array.shape();
  if (shape.rank() == 1) return {1, 1, 1, shape[0]};
  if (shape.rank() == 2) return {1, 1, shape[0], shape[1]};
  return shape;
}

template <class T>
ConvLayer<T> LayerArgument::layer() const {
  return {.kernel = dense_copy(kernel_view<T>(kernel_)),
          .bias = to_tensor<T>(bias_),
          .stride = stride_,
          .padding = to_layer_padding(padding_, kernel_shape(kernel_), stride_, dilation_),
          .dilation = dilation_,
          .groups = groups_};
}

Padding to_layer_padding(nb::handle padding, const Dims& kernel_shape, const Pair& stride,
                         const Pair& dilation) {
  Problem sizes;
  sizes.stride = stride;
  sizes.dilation = dilation;
  if (kernel_shape.rank() == 4) {  // other ranks are for the library to refuse
    sizes.k_h = kernel_shape[2];
    sizes.k_w = kernel_shape[3];
  }
  const Padding numbers = to_padding(padding, Axes::hw, sizes);
  const bool same = PyUnicode_Check(padding.ptr()) && numbers != full_padding(sizes);
  if (same && stride != Pair(1) && numbers != Padding()) {
    throw Error(Status::invalid_argument, "padding " + std::string(nb::repr(padding).c_str()) +
                                              " with stride " + std::to_string(stride.h) + "x" +
                                              std::to_string(stride.w) +
                                              " depends on the size of x: pass its numbers");
  }
  return numbers;
}

template <class T>
nb::tuple to_fields(ConvLayer<T>&& layer, const Kind& kind) {
  nb::object bias = nb::none();
  if (layer.bias.size() != 0) bias = kind.adopt(to_numpy(std::move(layer.bias)));
  return nb::make_tuple(kind.adopt(to_numpy(std::move(layer.kernel))), bias, to_tuple(layer.stride),
                        to_tuple(layer.padding), to_tuple(layer.dilation), layer.groups);
}

template ConvLayer<float> LayerArgument::layer() const;
template ConvLayer<double> LayerArgument::layer() const;
template nb::tuple to_fields(ConvLayer<float>&&, const Kind&);
template nb::tuple to_fields(ConvLayer<double>&&, const Kind&);

}  // namespace plait::python
