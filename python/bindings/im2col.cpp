// im2col: the patches matrix of a Python array, as an array of the same kind.
#include <plait/analysis/im2col.hpp>

#include <utility>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "long_call.hpp"

namespace plait::python {
namespace {

// The rate at which one thread writes the matrix. It only decides whether the call watches for
// Ctrl-C.
constexpr double kBytesPerSecond = 1e9;

template <class T>
nb::object matrix_of(const Array& x, Im2colOptions options) {
  auto view = x.view<const T>();
  if (view.rank() == 2) view = with_axis(view, 0);
  const Dims shape = im2col_shape(view.shape(), options, x.dtype());
  const double bytes = static_cast<double>(element_count(shape)) * double{sizeof(T)};
  Tensor<T> matrix;
  run_released(bytes / kBytesPerSecond, [&](std::atomic<bool>* cancel) {
    options.cancel = cancel;
    matrix = im2col<T>(view, options);
  });
  return to_numpy(std::move(matrix));
}

nb::object im2col_of(nb::handle x_object, nb::handle kernel_size, nb::handle stride,
                     nb::handle padding, nb::handle dilation, nb::handle padding_mode,
                     nb::handle padding_value) {
  Array x("x", x_object);
  require({&x});
  const Dtype dtype = promote({&x});
  const Kind kind(x);
  kind.check({&x});
  Im2colOptions options;
  options.kernel = to_size("kernel_size", kernel_size);
  options.stride = to_pair("stride", stride, Axes::hw);
  options.dilation = to_pair("dilation", dilation, Axes::hw);
  Problem sizes;  // the sizes that the padding 'same' depends on; the library refuses wrong ranks
  sizes.stride = options.stride;
  sizes.dilation = options.dilation;
  sizes.k_h = options.kernel.h;
  sizes.k_w = options.kernel.w;
  const int rank = x.shape().rank();
  if (rank >= 2) {
    sizes.h = x.shape()[rank - 2];
    sizes.w = x.shape()[rank - 1];
  }
  options.padding = to_padding(padding, Axes::hw, sizes);
  options.padding_mode = to_padding_mode(padding_mode);
  options.padding_value = to_double("padding_value", padding_value);
  return kind.adopt(dtype == Dtype::f64 ? matrix_of<double>(x, options)
                                        : matrix_of<float>(x, options));
}

}  // namespace

void add_im2col(nb::module_& m) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def("im2col", &im2col_of, any("x"), any("kernel_size"), any("stride"), any("padding"),
        any("dilation"), any("padding_mode"), any("padding_value"));
}

}  // namespace plait::python
