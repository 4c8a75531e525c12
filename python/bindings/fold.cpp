// Folding layers, and kernels of other things. python/plait documents the arguments.
#include <plait/rewrite/fold.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "layers.hpp"

namespace plait::python {
namespace {

// === batch norms ===

struct NormArguments {
  const Array &kernel, &bias, &gamma, &beta, &mean, &variance;
  double epsilon;
  bool before;
  Padding padding;
  std::int64_t groups;
};

template <class T>
nb::object folded_norm(const NormArguments& a, const Kind& kind) {
  const ConvLayer<T> layer{.kernel = dense_copy(kernel_view<T>(a.kernel)),
                           .bias = to_tensor<T>(a.bias),
                           .padding = a.padding,
                           .groups = a.groups};
  const BatchNorm<T> norm{.gamma = to_tensor<T>(a.gamma),
                          .beta = to_tensor<T>(a.beta),
                          .mean = to_tensor<T>(a.mean),
                          .variance = to_tensor<T>(a.variance),
                          .epsilon = a.epsilon};
  ConvLayer<T> folded;
  {
    const nb::gil_scoped_release released;
    folded = a.before ? fold_batch_norm_before(norm, layer) : fold_batch_norm(layer, norm);
  }
  return nb::make_tuple(kind.adopt(to_numpy(std::move(folded.kernel))),
                        kind.adopt(to_numpy(std::move(folded.bias))));
}

nb::object fold_norm(nb::handle kernel_object, nb::handle bias_object, nb::handle gamma_object,
                     nb::handle beta_object, nb::handle mean_object, nb::handle variance_object,
                     nb::handle eps, nb::handle before, nb::handle padding, nb::handle groups) {
  Array kernel("K", kernel_object);
  Array bias("bias", bias_object);
  Array gamma("gamma", gamma_object);
  Array beta("beta", beta_object);
  Array mean("mean", mean_object);
  Array variance("variance", variance_object);
  require({&kernel, &mean, &variance});
  const Dtype dtype = promote({&kernel, &bias, &gamma, &beta, &mean, &variance});
  const Kind kind(kernel);
  kind.check({&kernel, &bias, &gamma, &beta, &mean, &variance});
  const NormArguments arguments{kernel,
                                bias,
                                gamma,
                                beta,
                                mean,
                                variance,
                                to_double("eps", eps),
                                to_bool("before", before),
                                to_layer_padding(padding, kernel_shape(kernel), 1, 1),
                                to_int("groups", groups)};
  return dtype == Dtype::f64 ? folded_norm<double>(arguments, kind)
                             : folded_norm<float>(arguments, kind);
}

// === layers into one ===

template <class T, class Fold>
nb::object one_layer(const LayerArguments& arguments, const Kind& kind, Fold fold) {
  Layers<T> layers;
  layers.reserve(arguments.size());
  for (const LayerArgument& argument : arguments) layers.push_back(argument.layer<T>());
  ConvLayer<T> made;
  {
    const nb::gil_scoped_release released;
    made = fold(std::as_const(layers));
  }
  return to_fields(std::move(made), kind);
}

// Calls `fold`, which makes one layer of Layers<T>. The result is of the kind of the first kernel.
template <class Fold>
nb::object one_layer(LayerArguments& arguments, Fold fold) {
  const Dtype dtype = promote(arguments);
  const Kind kind(arguments[0].kernel());
  for (const LayerArgument& argument : arguments) {
    kind.check({&argument.kernel(), &argument.bias()});
  }
  return dtype == Dtype::f64 ? one_layer<double>(arguments, kind, fold)
                             : one_layer<float>(arguments, kind, fold);
}

template <class Fold>
nb::object of_branches(nb::handle branches, Fold fold) {
  LayerArguments arguments;
  for (const nb::handle branch : branches) {
    arguments.emplace_back("branches[" + std::to_string(arguments.size()) + "].", branch);
  }
  if (arguments.empty()) fold(Layers<float>());  // the library's words for it
  return one_layer(arguments, fold);
}

nb::object merge(nb::handle branches) {
  return of_branches(branches, [](const auto& layers) { return merge_branches(layers); });
}

nb::object concatenate(nb::handle branches) {
  return of_branches(branches, [](const auto& layers) { return concatenate_branches(layers); });
}

nb::object fold_pair(nb::handle first, nb::handle second, nb::handle input_size) {
  LayerArguments arguments;
  arguments.emplace_back("first.", first);
  arguments.emplace_back("second.", second);
  std::optional<Pair> size;
  if (!input_size.is_none()) size = to_size("input_size", input_size);
  return one_layer(arguments,
                   [&](const auto& layers) { return fold_pointwise(layers[0], layers[1], size); });
}

nb::object embed(nb::handle layer, nb::handle window_object) {
  LayerArguments arguments;
  arguments.emplace_back("", layer);
  const Pair window = to_pair("window", window_object, Axes::hw);
  return one_layer(arguments,
                   [&](const auto& layers) { return embed_pointwise(layers[0], window); });
}

nb::object extract(nb::handle layer) {
  LayerArguments arguments;
  arguments.emplace_back("", layer);
  return one_layer(arguments, [](const auto& layers) { return extract_pointwise(layers[0]); });
}

// === kernels ===

// Calls make(T()), which makes a kernel of T.
template <class Make>
nb::object made_kernel(nb::handle f64, Make make) {
  return to_bool("f64", f64) ? to_numpy(make(double{})) : to_numpy(make(float{}));
}

nb::object identity(nb::handle channels, nb::handle groups, nb::handle window, nb::handle f64) {
  const std::int64_t c = to_int("channels", channels);
  const std::int64_t g = to_int("groups", groups);
  const Pair taps = to_pair("window", window, Axes::hw);
  return made_kernel(f64, [&](auto zero) { return identity_kernel<decltype(zero)>(c, g, taps); });
}

nb::object average_pool(nb::handle channels, nb::handle window, nb::handle padding,
                        nb::handle count_include_pad, nb::handle f64) {
  const std::int64_t c = to_int("channels", channels);
  const Pair taps = to_pair("window", window, Axes::hw);
  const Padding pad = to_layer_padding(padding, {1, 1, taps.h, taps.w}, 1, 1);
  const bool count = to_bool("count_include_pad", count_include_pad);
  return made_kernel(
      f64, [&](auto zero) { return average_pool_kernel<decltype(zero)>(c, taps, pad, count); });
}

nb::object shuffle_kernel(nb::handle channels, nb::handle groups, nb::handle f64) {
  const std::int64_t c = to_int("channels", channels);
  const std::int64_t g = to_int("groups", groups);
  return made_kernel(f64, [&](auto zero) { return channel_shuffle_kernel<decltype(zero)>(c, g); });
}

}  // namespace

void add_fold(nb::module_& m) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def("fold_batch_norm", &fold_norm, any("K"), any("bias"), any("gamma"), any("beta"),
        any("mean"), any("variance"), any("eps"), any("before"), any("padding"), any("groups"));
  m.def("merge_branches", &merge, any("branches"));
  m.def("concatenate_branches", &concatenate, any("branches"));
  m.def("fold_pointwise", &fold_pair, any("first"), any("second"), any("input_size"));
  m.def("embed_pointwise", &embed, any("layer"), any("window"));
  m.def("extract_pointwise", &extract, any("layer"));
  m.def("identity_kernel", &identity, any("channels"), any("groups"), any("window"), any("f64"));
  m.def("average_pool_kernel", &average_pool, any("channels"), any("window"), any("padding"),
        any("count_include_pad"), any("f64"));
  m.def("channel_shuffle_kernel", &shuffle_kernel, any("channels"), any("groups"), any("f64"));
}

}  // namespace plait::python
