// Two layers as one: what must hold, the numbers of the one layer, and where it can differ.
#include <plait/rewrite/compose.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

#include <plait/error.hpp>

#include "core/integers.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"
#include "rewrite/compose/border.hpp"
#include "rewrite/compose/kernel.hpp"
#include "rewrite/layer_rules.hpp"

namespace plait {
namespace {

constexpr std::int64_t kMostOutputs = std::int64_t{1} << 28;  // along an axis, as each is looked at

// Runs the call. The message of an Error that it throws begins with `what`.
template <class Call>
auto named(const char* what, Call&& call) {
  try {
    return call();
  } catch (const Error& error) {
    throw Error(error.status(), std::string(what) + ": " + error.what());
  }
}

// === the layers ===

template <class T>
Tensor<T> checked_kernel(const char* name, const char* shape, TensorView<const T> kernel) {
  const bool missing = kernel.data() == nullptr;
  if (kernel.rank() == 4 && !missing) return dense_copy(kernel);
  refuse(std::string(name) + " must be " + shape + " but is " +
         (missing ? "missing" : to_string(kernel.shape())));
}

template <class T>
Tensor<T> checked_bias(const char* name, TensorView<const T> bias, const char* kernel_name,
                       const Tensor<T>& kernel) {
  if (bias.data() == nullptr && bias.rank() == 0) return {};
  if (bias.data() == nullptr || bias.shape() != Dims{kernel.size(0)}) {
    refuse(std::string(name) + " must have one value for each kernel of " + kernel_name + " (" +
           std::to_string(kernel.size(0)) + ") but is " + to_string(bias.shape()));
  }
  return dense_copy(bias);
}

template <class T>
void check_middle(const ConvLayer<T>& first, const ConvLayer<T>& second) {
  const std::int64_t read = rewrite::input_channels(second);
  const std::int64_t made = first.kernel.size(0);
  if (read == made) return;
  std::string groups;
  if (second.groups != 1) {
    groups = ", " + std::to_string(second.groups) + " groups of " +
             std::to_string(second.kernel.size(1)) + ",";
  }
  const bool swapped = rewrite::input_channels(first) == second.kernel.size(0);
  refuse("K2 reads " + std::to_string(read) + " middle channels" + groups + " but K1 computes " +
         std::to_string(made) + " (K1 is " + to_string(first.kernel.shape()) + ", K2 is " +
         to_string(second.kernel.shape()) + (swapped ? ": are they swapped?)" : ")"));
}

// === the numbers of the one layer ===

// The product, or nothing if it passes 2^62.
std::optional<std::int64_t> product(std::int64_t a, std::int64_t b) {
  return bounded_product({a, b}, kCountLimit - 1);
}

struct Geometry {
  Dims shape;
  Pair stride = 1;
  Padding padding = 0;
  std::int64_t groups = 1;
};

template <class T>
std::string layers_text(const ConvLayer<T>& first, const ConvLayer<T>& second) {
  return "(K1 is " + to_string(first.kernel.shape()) + ", K2 is " +
         to_string(second.kernel.shape()) + ")";
}

// 1 + d1 (k1 - 1) + s1 d2 (k2 - 1), in 128 bits.
Int128 composed_taps(std::int64_t k1, std::int64_t d1, std::int64_t s1, std::int64_t k2,
                     std::int64_t d2) {
  const Int128 reach1 = Int128{d1} * (k1 - 1);
  const Int128 reach2 = Int128{d2} * (k2 - 1);  // below 2^62, as check_layer() has seen
  return 1 + reach1 + reach2 * s1;
}

template <class T>
Dims shape_of(const ConvLayer<T>& first, const ConvLayer<T>& second, std::int64_t groups) {
  const Dims& k1 = first.kernel.shape();
  const Dims& k2 = second.kernel.shape();
  const Int128 k_h =
      composed_taps(k1[2], first.dilation.h, first.stride.h, k2[2], second.dilation.h);
  const Int128 k_w =
      composed_taps(k1[3], first.dilation.w, first.stride.w, k2[3], second.dilation.w);
  const std::int64_t channels = rewrite::input_channels(first) / groups;
  const auto limited = [](Int128 taps) {
    return static_cast<std::int64_t>(std::min<Int128>(taps, kCountLimit));
  };
  const Dims shape{k2[0], channels, limited(k_h), limited(k_w)};
  if (!bounded_product({shape[0], shape[1], shape[2], shape[3], std::int64_t{sizeof(double)}},
                       kCountLimit - 1)) {
    refuse("overflow: the composed kernel, " + std::to_string(shape[0]) + "x" +
           std::to_string(shape[1]) + "x" + to_string(k_h) + "x" + to_string(k_w) +
           " of 8 bytes, passes 2^62 bytes " + layers_text(first, second));
  }
  return shape;
}

template <class T>
Geometry geometry_of(const ConvLayer<T>& first, const ConvLayer<T>& second) {
  Geometry one;
  one.groups = std::gcd(first.groups, second.groups);
  one.shape = shape_of(first, second, one.groups);
  const auto h = product(first.stride.h, second.stride.h);
  const auto w = product(first.stride.w, second.stride.w);
  if (!h || !w) {
    refuse("overflow: stride " + pair_text(first.stride) + " times stride " +
           pair_text(second.stride) + " passes 2^62");
  }
  one.stride = {*h, *w};
  const auto side = [&](std::int64_t p1, std::int64_t p2, std::int64_t s1) {
    const std::int64_t scaled = product(p2, s1).value_or(kCountLimit);
    if (p1 < kCountLimit - scaled) return p1 + scaled;
    refuse("overflow: padding " + sides_text(first.padding) + " and stride " +
           pair_text(first.stride) + " times padding " + sides_text(second.padding) + " pass 2^62");
  };
  const Padding& p1 = first.padding;
  const Padding& p2 = second.padding;
  one.padding = {side(p1.top, p2.top, first.stride.h), side(p1.bottom, p2.bottom, first.stride.h),
                 side(p1.left, p2.left, first.stride.w), side(p1.right, p2.right, first.stride.w)};
  return one;
}

// === where it can differ ===

template <class T>
rewrite::BorderAxis rows_of(const ConvLayer<T>& first, const ConvLayer<T>& second) {
  const auto rows = [](const ConvLayer<T>& layer) {
    return rewrite::BorderAxis::Layer{layer.kernel.size(2), layer.dilation.h, layer.stride.h,
                                      layer.padding.top, layer.padding.bottom};
  };
  return {rows(first), rows(second)};
}

template <class T>
rewrite::BorderAxis columns_of(const ConvLayer<T>& first, const ConvLayer<T>& second) {
  const auto columns = [](const ConvLayer<T>& layer) {
    return rewrite::BorderAxis::Layer{layer.kernel.size(3), layer.dilation.w, layer.stride.w,
                                      layer.padding.left, layer.padding.right};
  };
  return {columns(first), columns(second)};
}

template <class T>
bool has_bias(const ConvLayer<T>& layer) {
  return std::any_of(layer.bias.begin(), layer.bias.end(), [](T value) { return value != 0; });
}

std::string reason_text(const Padding& padding2, bool biased) {
  return "padding2 " + sides_text(padding2) +
         " puts zeros around the middle map, where one kernel goes on with the first layer, "
         "whose " +
         (biased ? "bias is not 0" : "windows there meet x");
}

template <class T>
void refuse_inexact(const Composition<T>& composed) {
  std::string where = "for some sizes of x outputs can differ";
  if (composed.differing) {
    const DifferingOutputs& differing = *composed.differing;
    const Pair first = differing.first().value_or(0);
    where = std::to_string(differing.count()) + " of " + std::to_string(differing.h()) + "x" +
            std::to_string(differing.w()) + " outputs can differ, the first at (" +
            std::to_string(first.h) + ", " + std::to_string(first.w) + ")";
  }
  refuse("no one kernel is exact here, " + where + ": " + composed.inexact_because +
         "; exact would be padding1 " + sides_text(composed.padding) + " and padding2 0");
}

// Sets what depends on the size of x.
template <class T>
void set_size(const Layers<T>& two, const Dims& shape, const ComposeOptions<T>& options,
              Composition<T>& composed) {
  const Dims x{1, rewrite::input_channels(two[0]), options.input_size->h, options.input_size->w};
  const Problem first = named("layer 1", [&] { return problem_of(two[0], x); });
  const Problem second = named("layer 2", [&] { return problem_of(two[1], first.y_shape()); });
  Problem one = first;
  one.c_o = second.c_o;
  one.k_h = shape[2];
  one.k_w = shape[3];
  one.stride = composed.stride;
  one.padding = composed.padding;
  one.dilation = 1;
  one.groups = composed.groups;
  named("the composed layer", [&] { validate(one); });
  if (std::max(second.h_o(), second.w_o()) > kMostOutputs) {
    throw Error(Status::unsupported,
                "whether outputs can differ is told of at most 2^28 rows and "
                "columns but they are " +
                    to_string(second.y_shape()));
  }
  composed.differing.emplace(
      rewrite::taps_of(rows_of(two[0], two[1]), first.h, second.h, second.h_o(), options.cancel),
      rewrite::taps_of(columns_of(two[0], two[1]), first.w, second.w, second.w_o(), options.cancel),
      has_bias(two[0]));
  composed.exact = !composed.differing->first();
  composed.per_image = {first.multiplications() + second.multiplications(), one.multiplications()};
}

}  // namespace

template <class T>
Layers<T> two_layers(TensorView<const T> kernel1, TensorView<const T> kernel2,
                     const ComposeOptions<T>& options) {
  Tensor<T> k1 = checked_kernel("K1", "c_m x c_i/groups1 x k_h x k_w", kernel1);
  Tensor<T> k2 = checked_kernel("K2", "c_o x c_m/groups2 x k_h x k_w", kernel2);
  Tensor<T> b1 = checked_bias("bias1", options.bias1, "K1", k1);
  Tensor<T> b2 = checked_bias("bias2", options.bias2, "K2", k2);
  Layers<T> layers;
  layers.reserve(2);
  layers.push_back({.kernel = std::move(k1),
                    .bias = std::move(b1),
                    .stride = options.stride1,
                    .padding = options.padding1,
                    .dilation = options.dilation1,
                    .groups = options.groups1});
  layers.push_back({.kernel = std::move(k2),
                    .bias = std::move(b2),
                    .stride = options.stride2,
                    .padding = options.padding2,
                    .dilation = options.dilation2,
                    .groups = options.groups2});
  rewrite::check_layer("layer 1", layers[0]);
  rewrite::check_layer("layer 2", layers[1]);
  check_middle(layers[0], layers[1]);
  return layers;
}

template <class T>
Layers<T> one_layer(const Composition<T>& composition) {
  return {{.kernel = composition.kernel,
           .bias = composition.bias,
           .stride = composition.stride,
           .padding = composition.padding,
           .groups = composition.groups}};
}

template <class T>
Dims composed_shape(TensorView<const T> kernel1, TensorView<const T> kernel2,
                    const ComposeOptions<T>& options) {
  const Layers<T> two = two_layers(kernel1, kernel2, options);
  return geometry_of(two[0], two[1]).shape;
}

template <class T>
Composition<T> compose(TensorView<const T> kernel1, TensorView<const T> kernel2,
                       const ComposeOptions<T>& options) {
  const Layers<T> two = two_layers(kernel1, kernel2, options);
  const ConvLayer<T>& first = two[0];
  const ConvLayer<T>& second = two[1];
  const Geometry one = geometry_of(first, second);
  const bool biased = has_bias(first);

  Composition<T> composed;
  composed.stride = one.stride;
  composed.padding = one.padding;
  composed.groups = one.groups;
  composed.per_position = {multiplications_per_position(two), element_count(one.shape)};
  if (options.input_size) {
    set_size(two, one.shape, options, composed);
  } else {
    // The sizes of both axes are independent, and a large x is read on either.
    composed.exact = !rewrite::can_read_padding(rows_of(first, second), biased) &&
                     !rewrite::can_read_padding(columns_of(first, second), biased);
  }
  if (!composed.exact) {
    composed.inexact_because = reason_text(second.padding, biased);
    if (options.require_exact) refuse_inexact(composed);
  }
  composed.kernel = rewrite::rounded<T>(
      "kernel", rewrite::composed_kernel(first, second, one.shape, options.cancel));
  if (first.bias.size() != 0 || second.bias.size() != 0) {
    composed.bias = rewrite::rounded<T>("bias", rewrite::composed_bias(first, second));
  }
  return composed;
}

#define PLAIT_INSTANTIATE(T)                                                \
  template Dims composed_shape(TensorView<const T>, TensorView<const T>,    \
                               const ComposeOptions<T>&);                   \
  template Composition<T> compose(TensorView<const T>, TensorView<const T>, \
                                  const ComposeOptions<T>&);                \
  template Layers<T> two_layers(TensorView<const T>, TensorView<const T>,   \
                                const ComposeOptions<T>&);                  \
  template Layers<T> one_layer(const Composition<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
