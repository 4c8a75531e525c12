// plait.decompose and plait.inspect, and running the layers that they find. python/plait documents
// the arguments.
#include <plait/rewrite/decompose.hpp>
#include <plait/rewrite/inspect.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "layers.hpp"
#include "long_call.hpp"
#include "rewrite/rewrite_report.hpp"

namespace plait::python {
namespace {

// === layers that read and write some channels ===

nb::object to_list(const std::vector<std::int64_t>& channels) {
  if (channels.empty()) return nb::none();
  nb::list list;
  for (const std::int64_t channel : channels) list.append(channel);
  return list;
}

std::vector<std::int64_t> to_channels(const char* name, nb::handle list) {
  std::vector<std::int64_t> channels;
  if (list.is_none()) return channels;
  for (const nb::handle channel : list) channels.push_back(to_int(name, channel));
  return channels;
}

// [(the fields of a ConvLayer, reads, writes, channels of y), ...]
template <class T>
nb::list to_list(Layers<T>&& layers, const Kind& kind) {
  nb::list list;
  for (ConvLayer<T>& layer : layers) {
    const std::int64_t channels = layer.writes.empty() ? layer.kernel.size(0) : layer.y_channels;
    nb::object reads = to_list(layer.reads);
    nb::object writes = to_list(layer.writes);
    list.append(nb::make_tuple(to_fields(std::move(layer), kind), reads, writes, channels));
  }
  return list;
}

// A list of those for each of the rewrites.
template <class Rewrites>
nb::list layers_of(Rewrites& rewrites, const Kind& kind) {
  nb::list list;
  for (auto& rewrite : rewrites) list.append(to_list(std::move(rewrite.layers), kind));
  return list;
}

template <class T>
nb::object ran(const Array& x, nb::handle placed, const LayerArguments& arguments,
               const Kind& kind) {
  Layers<T> layers;
  for (const nb::handle one : placed) {
    ConvLayer<T> layer = arguments[layers.size()].template layer<T>();
    layer.reads = to_channels("reads", one[1]);
    layer.writes = to_channels("writes", one[2]);
    if (!layer.writes.empty()) layer.y_channels = to_int("y_channels", one[3]);
    layers.push_back(std::move(layer));
  }
  TensorView<const T> view = x.view<const T>();
  const bool batch = view.rank() != 3;
  if (!batch) view = with_axis(view, 0);
  const int threads = kind.threads(nb::none());
  Tensor<T> y;
  run_released(1, [&](std::atomic<bool>* cancel) {
    RunLayersOptions options;
    options.cancel = cancel;
    options.threads = threads;
    y = run_layers<T>(layers, view, options);
  });
  if (!batch) {
    const Dims shape = y.shape();
    y = dense_copy(TensorView<const T>(y.data(), {shape[1], shape[2], shape[3]}));
  }
  return kind.adopt(to_numpy(std::move(y)));
}

nb::object run_placed(nb::handle x_object, nb::handle layers) {
  Array x("x", x_object);
  require({&x});
  LayerArguments arguments;
  for (const nb::handle one : layers) arguments.emplace_back("", one[0]);
  const Dtype dtype = promote(arguments, &x);
  const Kind kind(x);
  kind.check({&x});
  return dtype == Dtype::f64 ? ran<double>(x, layers, arguments, kind)
                             : ran<float>(x, layers, arguments, kind);
}

// === what both take ===

// The arguments of a kernel's layer, and of how its alternatives are timed.
struct KernelArguments {
  nb::handle input_size, stride, padding, dilation, groups, measure_seconds, threads;
};

// DecomposeOptions or InspectOptions for a kernel of that shape, of any number of axes.
template <class Options>
Options to_options(const KernelArguments& arguments, const Dims& shape, const Kind& kind) {
  Options options;
  options.stride = to_pair("stride", arguments.stride, Axes::hw);
  options.dilation = to_pair("dilation", arguments.dilation, Axes::hw);
  options.groups = to_int("groups", arguments.groups);
  options.threads = kind.threads(arguments.threads);
  const double seconds = to_double("measure_seconds", arguments.measure_seconds);
  const int axes = shape.rank();
  const Dims window{1, 1, axes < 2 ? 1 : shape[axes - 2], axes < 1 ? 1 : shape[axes - 1]};
  if (arguments.input_size.is_none()) {
    options.measure_seconds = std::min(seconds, 0.0);  // a negative one is refused all the same
    options.padding = to_layer_padding(arguments.padding, window, options.stride, options.dilation);
    return options;
  }
  options.input_size = to_size("input_size", arguments.input_size);
  options.measure_seconds = seconds;
  const Problem sizes = Problem::of({1, 1, options.input_size->h, options.input_size->w}, window,
                                    options.stride, 0, options.dilation);
  options.padding = to_padding(arguments.padding, Axes::hw, sizes);
  return options;
}

// find(view, options), without the interpreter's lock, until Ctrl-C.
template <class View, class Options, class Find>
auto found_by(Find find, const View& kernel, Options options) {
  const double seconds = options.input_size ? options.measure_seconds + 1 : 0;
  decltype(find(kernel, options)) found;
  run_released(seconds + static_cast<double>(kernel.size()) * kSecondsPerValue,
               [&](std::atomic<bool>* cancel) {
                 options.cancel = cancel;
                 found = find(kernel, options);
               });
  return found;
}

// As JSON, and as text.
template <class Found>
std::pair<nb::str, nb::str> reports_of(const Found& found) {
  std::ostringstream text;
  text << found;
  return {nb::str(cli::to_json(found).dump().c_str()), nb::str(text.str().c_str())};
}

// call(T()) for the dtype of K; `call` gets K and its kind as well.
template <class Call>
nb::object with_kernel(nb::handle kernel_object, Call call) {
  Array kernel("K", kernel_object);
  require({&kernel});
  const Dtype dtype = promote({&kernel});
  const Kind kind(kernel);
  kind.check({&kernel});
  return dtype == Dtype::f64 ? call(double{}, kernel, kind) : call(float{}, kernel, kind);
}

// === decompose ===

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

// The report as JSON and as text, the singular values, the factors' kernels and layers, and the
// layers of each approximation.
nb::object decompose_kernel(nb::handle kernel_object, nb::handle rank, nb::handle error,
                            nb::handle input_size, nb::handle stride, nb::handle padding,
                            nb::handle dilation, nb::handle groups, nb::handle measure_seconds,
                            nb::handle threads) {
  return with_kernel(kernel_object, [&](auto zero, const Array& kernel, const Kind& kind) {
    using T = decltype(zero);
    auto options = to_options<DecomposeOptions>(
        {input_size, stride, padding, dilation, groups, measure_seconds, threads}, kernel.shape(),
        kind);
    if (!rank.is_none()) options.rank = to_int("rank", rank);
    if (!error.is_none()) options.error = to_double("error", error);
    const auto view = kernel.view<const T>();
    Decomposition<T> found =
        found_by([](const auto&... given) { return decompose<T>(given...); }, view, options);
    const auto [json, text] = reports_of(found);
    Tensor<double>& sigma = found.separability.singular_values;
    if (view.rank() < 3) {
      sigma = dense_copy(TensorView<const double>(sigma.data(), {sigma.size(2)}));
    }
    Layers<T>& factors = found.factorisation.layers;
    nb::object kernels = kernels_of(factors, view.rank(), kind);
    return nb::make_tuple(json, text, to_numpy(std::move(sigma)), kernels,
                          to_list(std::move(factors), kind), layers_of(found.approximations, kind));
  });
}

// === inspect ===

// The report as JSON and as text, and the layers of each proposal.
nb::object inspect_kernel(nb::handle kernel_object, nb::handle input_size, nb::handle stride,
                          nb::handle padding, nb::handle dilation, nb::handle groups,
                          nb::handle measure_seconds, nb::handle threads) {
  return with_kernel(kernel_object, [&](auto zero, const Array& kernel, const Kind& kind) {
    using T = decltype(zero);
    const auto options = to_options<InspectOptions>(
        {input_size, stride, padding, dilation, groups, measure_seconds, threads}, kernel.shape(),
        kind);
    Inspection<T> found = found_by([](const auto&... given) { return inspect<T>(given...); },
                                   kernel_view<T>(kernel), options);
    const auto [json, text] = reports_of(found);
    return nb::make_tuple(json, text, layers_of(found.proposals, kind));
  });
}

}  // namespace

void add_rewrites(nb::module_& m) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def("decompose", &decompose_kernel, any("K"), any("rank"), any("error"), any("input_size"),
        any("stride"), any("padding"), any("dilation"), any("groups"), any("measure_seconds"),
        any("threads"));
  m.def("inspect", &inspect_kernel, any("K"), any("input_size"), any("stride"), any("padding"),
        any("dilation"), any("groups"), any("measure_seconds"), any("threads"));
  m.def("run_placed", &run_placed, any("x"), any("layers"));
}

}  // namespace plait::python
