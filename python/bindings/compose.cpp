// plait.compose. python/plait documents the arguments.
#include <plait/rewrite/compose.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <plait/plan.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "layers.hpp"
#include "long_call.hpp"
#include "measure/compute.hpp"

namespace plait::python {
namespace {

constexpr double kProductsPerSecond = 1e9;  // decides only whether the call looks for Ctrl-C
constexpr double kMeasureSeconds = 0.2;     // of each alternative

// Errors about "padding" get the name that the argument has here.
Padding named_padding(const char* name, nb::handle padding, const Array& kernel, const Pair& stride,
                      const Pair& dilation) {
  try {
    return to_layer_padding(padding, kernel_shape(kernel), stride, dilation);
  } catch (const Error& error) {
    throw Error(error.status(), std::string(name) + ": " + error.what());
  } catch (const nb::builtin_exception& error) {
    throw nb::type_error((std::string(name) + ": " + error.what()).c_str());
  }
}

// The mask as a numpy array of bool that owns it.
nb::object to_mask(const DifferingOutputs& differing) {
  const auto h = static_cast<std::size_t>(differing.h());
  const auto w = static_cast<std::size_t>(differing.w());
  cli::check_memory(
      static_cast<double>(h) * static_cast<double>(w),
      "which outputs can differ is told of " + std::to_string(h) + "x" + std::to_string(w));
  auto mask = std::make_unique<bool[]>(h * w);
  bool* to = mask.get();
  for (std::int64_t i = 0; i < differing.h(); ++i) {
    for (std::int64_t j = 0; j < differing.w(); ++j) *to++ = differing(i, j);
  }
  const nb::capsule owner(mask.get(), [](void* p) noexcept { delete[] static_cast<bool*>(p); });
  const std::array<std::size_t, 2> shape = {h, w};
  return nb::cast(nb::ndarray<nb::numpy, bool>(mask.release(), 2, shape.data(), owner));
}

nb::tuple products_tuple(const ComposedProducts& products) {
  return nb::make_tuple(products.two_layers, products.one_layer);
}

struct Asked {
  const Array &kernel1, &kernel2, &bias1, &bias2;
  ComposeOptions<double> options;  // without the arrays
  bool measure = false;
};

template <class T>
ComposeOptions<T> options_of(const Asked& asked) {
  const ComposeOptions<double>& o = asked.options;
  return {.stride1 = o.stride1,
          .stride2 = o.stride2,
          .dilation1 = o.dilation1,
          .dilation2 = o.dilation2,
          .groups1 = o.groups1,
          .groups2 = o.groups2,
          .bias1 = asked.bias1.view<const T>(),
          .bias2 = asked.bias2.view<const T>(),
          .padding1 = o.padding1,
          .padding2 = o.padding2,
          .input_size = o.input_size,
          .require_exact = o.require_exact};
}

// The costs of the two layers and of the one on an image; nothing without an input size.
template <class T>
std::vector<LayersCost> costs_of(const Layers<T>& two, const Layers<T>& one, const Asked& asked,
                                 int threads, const std::atomic<bool>* cancel) {
  if (!asked.options.input_size) return {};
  const Pair size = *asked.options.input_size;
  const Dims x{1, two[0].kernel.size(1) * two[0].groups, size.h, size.w};
  if (asked.measure) {
    return compare_layers<T>(
        {two, one}, x, {.measure_seconds = kMeasureSeconds, .threads = threads, .cancel = cancel});
  }
  const auto predicted = [threads](const Problem& problem) {
    return plan(problem, {.threads = threads}).cost().predicted_seconds;
  };
  const Problem first = problem_of(two[0], x);
  LayersCost both;
  both.predicted_seconds = predicted(first) + predicted(problem_of(two[1], first.y_shape()));
  LayersCost single;
  single.predicted_seconds = predicted(problem_of(one[0], x));
  return {both, single};
}

// (products per position, products, predicted seconds, measured seconds), each of two layers and of
// one, or None.
template <class T>
nb::tuple to_cost(const Composition<T>& composed, const std::vector<LayersCost>& costs) {
  nb::object products = nb::none();
  nb::object predicted = nb::none();
  nb::object measured = nb::none();
  if (composed.per_image) products = products_tuple(*composed.per_image);
  if (costs.size() == 2) {
    predicted = nb::make_tuple(costs[0].predicted_seconds, costs[1].predicted_seconds);
    if (costs[0].measured_seconds > 0) {
      measured = nb::make_tuple(costs[0].measured_seconds, costs[1].measured_seconds);
    }
  }
  return nb::make_tuple(products_tuple(composed.per_position), products, predicted, measured);
}

template <class T>
nb::tuple composed_of(const Asked& asked, const Kind& kind) {
  const auto kernel1 = kernel_view<T>(asked.kernel1);
  const auto kernel2 = kernel_view<T>(asked.kernel2);
  ComposeOptions<T> options = options_of<T>(asked);
  // Every weight of K2 meets the weights of one kernel of K1.
  const double products = static_cast<double>(kernel2.size()) * static_cast<double>(kernel1.size());
  const double seconds =
      products /
      static_cast<double>(std::max<std::int64_t>(1, kernel1.rank() == 4 ? kernel1.size(0) : 1)) /
      kProductsPerSecond;
  const int threads = kind.threads(nb::none());
  Composition<T> composed;
  std::vector<LayersCost> costs;
  run_released(seconds + (asked.measure ? 2 * kMeasureSeconds : 0), [&](std::atomic<bool>* cancel) {
    options.cancel = cancel;
    composed = compose<T>(kernel1, kernel2, options);
    costs = costs_of(two_layers<T>(kernel1, kernel2, options), one_layer(composed), asked, threads,
                     cancel);
  });
  nb::object bias = nb::none();
  if (composed.bias.size() != 0) bias = kind.adopt(to_numpy(std::move(composed.bias)));
  nb::object differing = nb::none();
  if (composed.differing) differing = to_mask(*composed.differing);
  const nb::tuple cost = to_cost(composed, costs);
  return nb::make_tuple(kind.adopt(to_numpy(std::move(composed.kernel))), bias,
                        to_tuple(composed.stride), to_tuple(composed.padding), composed.groups,
                        composed.exact, differing, cost);
}

nb::object compose_of(nb::handle kernel1_object, nb::handle kernel2_object, nb::handle stride1,
                      nb::handle stride2, nb::handle dilation1, nb::handle dilation2,
                      nb::handle groups1, nb::handle groups2, nb::handle bias1_object,
                      nb::handle bias2_object, nb::handle padding1, nb::handle padding2,
                      nb::handle input_size, nb::handle require_exact, nb::handle measure) {
  Array kernel1("K1", kernel1_object);
  Array kernel2("K2", kernel2_object);
  Array bias1("bias1", bias1_object);
  Array bias2("bias2", bias2_object);
  require({&kernel1, &kernel2});
  const Dtype dtype = promote({&kernel1, &kernel2, &bias1, &bias2});
  const Kind kind(kernel1);
  kind.check({&kernel1, &kernel2, &bias1, &bias2});
  Asked asked{kernel1, kernel2, bias1, bias2, {}, to_bool("measure", measure)};
  ComposeOptions<double>& o = asked.options;
  o.stride1 = to_pair("stride1", stride1, Axes::hw);
  o.stride2 = to_pair("stride2", stride2, Axes::hw);
  o.dilation1 = to_pair("dilation1", dilation1, Axes::hw);
  o.dilation2 = to_pair("dilation2", dilation2, Axes::hw);
  o.groups1 = to_int("groups1", groups1);
  o.groups2 = to_int("groups2", groups2);
  o.padding1 = named_padding("padding1", padding1, kernel1, o.stride1, o.dilation1);
  o.padding2 = named_padding("padding2", padding2, kernel2, o.stride2, o.dilation2);
  if (!input_size.is_none()) o.input_size = to_size("input_size", input_size);
  o.require_exact = to_bool("require_exact", require_exact);
  if (asked.measure && !o.input_size) {
    throw Error(Status::invalid_argument,
                "measure=True needs input_size: how long layers take depends on the size of x");
  }
  return dtype == Dtype::f64 ? composed_of<double>(asked, kind) : composed_of<float>(asked, kind);
}

}  // namespace

void add_compose(nb::module_& m) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def("compose", &compose_of, any("K1"), any("K2"), any("stride1"), any("stride2"),
        any("dilation1"), any("dilation2"), any("groups1"), any("groups2"), any("bias1"),
        any("bias2"), any("padding1"), any("padding2"), any("input_size"), any("require_exact"),
        any("measure"));
}

}  // namespace plait::python
