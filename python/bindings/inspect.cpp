// plait.inspect, and running what it proposes. python/plait documents the arguments.
#include <plait/rewrite/inspect.hpp>

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
#include "rewrite/inspect_report.hpp"

namespace plait::python {
namespace {

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

// (the fields of a ConvLayer, reads, writes, channels of y)
template <class T>
nb::object to_object(ConvLayer<T>&& layer, const Kind& kind) {
  const std::int64_t channels = layer.writes.empty() ? layer.kernel.size(0) : layer.y_channels;
  nb::object reads = to_list(layer.reads);
  nb::object writes = to_list(layer.writes);
  return nb::make_tuple(to_fields(std::move(layer), kind), reads, writes, channels);
}

// The report as JSON, the layers of each proposal, and all as text.
template <class T>
nb::object inspected(const Array& kernel, InspectOptions options, const Kind& kind) {
  const auto view = kernel_view<T>(kernel);
  const double values = static_cast<double>(view.size());
  const double seconds = options.input_size ? options.measure_seconds + 1 : 0;
  Inspection<T> inspection;
  run_released(seconds + values * kSecondsPerValue, [&](std::atomic<bool>* cancel) {
    options.cancel = cancel;
    inspection = inspect<T>(view, options);
  });
  std::ostringstream text;
  text << inspection;
  const std::string json = cli::to_json(inspection).dump();
  nb::list proposals;
  for (KernelProposal<T>& proposal : inspection.proposals) {
    nb::list layers;
    for (ConvLayer<T>& layer : proposal.layers) layers.append(to_object(std::move(layer), kind));
    proposals.append(layers);
  }
  return nb::make_tuple(json.c_str(), proposals, text.str().c_str());
}

nb::object inspect_kernel(nb::handle kernel_object, nb::handle input_size, nb::handle stride,
                          nb::handle padding, nb::handle dilation, nb::handle groups,
                          nb::handle measure_seconds, nb::handle threads) {
  Array kernel("K", kernel_object);
  require({&kernel});
  const Dtype dtype = promote({&kernel});
  const Kind kind(kernel);
  kind.check({&kernel});
  InspectOptions options;
  options.stride = to_pair("stride", stride, Axes::hw);
  options.dilation = to_pair("dilation", dilation, Axes::hw);
  options.groups = to_int("groups", groups);
  options.measure_seconds = to_double("measure_seconds", measure_seconds);
  options.threads = kind.threads(threads);
  if (input_size.is_none()) {
    options.padding =
        to_layer_padding(padding, kernel_shape(kernel), options.stride, options.dilation);
  } else {
    options.input_size = to_size("input_size", input_size);
    Problem sizes;
    sizes.h = options.input_size->h;
    sizes.w = options.input_size->w;
    sizes.stride = options.stride;
    sizes.dilation = options.dilation;
    if (const Dims shape = kernel_shape(kernel); shape.rank() == 4) {  // others are refused later
      sizes.k_h = shape[2];
      sizes.k_w = shape[3];
    }
    options.padding = to_padding(padding, Axes::hw, sizes);
  }
  return dtype == Dtype::f64 ? inspected<double>(kernel, options, kind)
                             : inspected<float>(kernel, options, kind);
}

template <class T>
nb::object ran(const Array& x, nb::handle proposed, const LayerArguments& arguments,
               const Kind& kind) {
  Layers<T> layers;
  for (const nb::handle one : proposed) {
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

nb::object run_proposed(nb::handle x_object, nb::handle layers) {
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

}  // namespace

void add_inspect(nb::module_& m) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def("inspect", &inspect_kernel, any("K"), any("input_size"), any("stride"), any("padding"),
        any("dilation"), any("groups"), any("measure_seconds"), any("threads"));
  m.def("run_proposed", &run_proposed, any("x"), any("layers"));
}

}  // namespace plait::python
