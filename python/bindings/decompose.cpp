// plait.decompose. python/plait documents the arguments.
#include <plait/rewrite/decompose.hpp>

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "layers.hpp"
#include "long_call.hpp"
#include "rewrite/decompose_report.hpp"

namespace plait::python {
namespace {

// A kernel of one channel with as few axes as K has.
template <class T>
Tensor<T> with_axes(const Tensor<T>& kernel, int rank) {
  const Dims& s = kernel.shape();
  if (rank == 1) return dense_copy(TensorView<const T>(kernel.data(), {s[3]}));
  if (rank == 2) return dense_copy(TensorView<const T>(kernel.data(), {s[2], s[3]}));
  if (rank == 3) return dense_copy(TensorView<const T>(kernel.data(), {s[1], s[2], s[3]}));
  return kernel;
}

// (kernel, kernel) with K's axes where both are of one channel, or ().
template <class T>
nb::object kernels_of(const Layers<T>& layers, int rank, const Kind& kind) {
  nb::list kernels;
  for (const ConvLayer<T>& layer : layers) {
    const bool one_channel = layer.kernel.size(0) == 1 && layer.kernel.size(1) == 1;
    kernels.append(kind.adopt(to_numpy(with_axes(layer.kernel, one_channel ? rank : 4))));
  }
  return nb::tuple(kernels);
}

// ((fields of a ConvLayer, reads), ...)
template <class T>
nb::object layers_of(Layers<T>&& layers, const Kind& kind) {
  nb::list list;
  for (ConvLayer<T>& layer : layers) {
    nb::object reads = nb::none();
    if (!layer.reads.empty()) {
      nb::list channels;
      for (const std::int64_t channel : layer.reads) channels.append(channel);
      reads = channels;
    }
    list.append(nb::make_tuple(to_fields(std::move(layer), kind), reads));
  }
  return nb::tuple(list);
}

// The report as JSON and as text, the singular values, the factors' kernels and layers, and the
// layers of each approximation.
template <class T>
nb::object decomposed(const Array& kernel, DecomposeOptions options, const Kind& kind) {
  const auto view = kernel.view<const T>();
  const double values = static_cast<double>(view.size());
  const double seconds = options.input_size ? options.measure_seconds + 1 : 0;
  Decomposition<T> found;
  run_released(seconds + values * kSecondsPerValue, [&](std::atomic<bool>* cancel) {
    options.cancel = cancel;
    found = decompose<T>(view, options);
  });
  std::ostringstream text;
  text << found;
  const std::string json = cli::to_json(found).dump();
  Tensor<double>& sigma = found.separability.singular_values;
  if (view.rank() < 3) {
    sigma = dense_copy(TensorView<const double>(sigma.data(), {sigma.size(2)}));
  }
  nb::object kernels = kernels_of(found.factorisation.layers, view.rank(), kind);
  nb::list approximations;
  for (Approximation<T>& each : found.approximations) {
    approximations.append(layers_of(std::move(each.layers), kind));
  }
  return nb::make_tuple(json.c_str(), text.str().c_str(), to_numpy(std::move(sigma)), kernels,
                        layers_of(std::move(found.factorisation.layers), kind), approximations);
}

nb::object decompose_kernel(nb::handle kernel_object, nb::handle rank, nb::handle error,
                            nb::handle input_size, nb::handle stride, nb::handle padding,
                            nb::handle dilation, nb::handle groups, nb::handle measure_seconds,
                            nb::handle threads) {
  Array kernel("K", kernel_object);
  require({&kernel});
  const Dtype dtype = promote({&kernel});
  const Kind kind(kernel);
  kind.check({&kernel});
  DecomposeOptions options;
  if (!rank.is_none()) options.rank = to_int("rank", rank);
  if (!error.is_none()) options.error = to_double("error", error);
  options.stride = to_pair("stride", stride, Axes::hw);
  options.dilation = to_pair("dilation", dilation, Axes::hw);
  options.groups = to_int("groups", groups);
  options.threads = kind.threads(threads);
  const double seconds = to_double("measure_seconds", measure_seconds);
  // What words for a padding need to know: K with four axes.
  const int axes = kernel.shape().rank();
  const Dims shape{1, 1, axes < 2 ? 1 : kernel.shape()[axes - 2],
                   axes < 1 ? 1 : kernel.shape()[axes - 1]};
  if (input_size.is_none()) {
    options.padding = to_layer_padding(padding, shape, options.stride, options.dilation);
  } else {
    options.input_size = to_size("input_size", input_size);
    options.measure_seconds = seconds;
    Problem sizes;
    sizes.h = options.input_size->h;
    sizes.w = options.input_size->w;
    sizes.k_h = shape[2];
    sizes.k_w = shape[3];
    sizes.stride = options.stride;
    sizes.dilation = options.dilation;
    options.padding = to_padding(padding, Axes::hw, sizes);
  }
  return dtype == Dtype::f64 ? decomposed<double>(kernel, options, kind)
                             : decomposed<float>(kernel, options, kind);
}

}  // namespace

void add_decompose(nb::module_& m) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def("decompose", &decompose_kernel, any("K"), any("rank"), any("error"), any("input_size"),
        any("stride"), any("padding"), any("dilation"), any("groups"), any("measure_seconds"),
        any("threads"));
}

}  // namespace plait::python
