// What decompose() and inspect() say of the layers that they find: how these differ from the
// kernel, what they cost, and whether they pay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <plait/rewrite/layers.hpp>

#include "core/refuse.hpp"
#include "rewrite/layer_rules.hpp"

namespace plait::rewrite {

// The layer of a kernel c_o x c_i/groups x k_h x k_w that the options describe. Throws Error where
// that is none, or not for the given size of x. `shape` is that of the kernel as the caller gave
// it.
template <class T, class Options>
ConvLayer<T> checked_layer(Tensor<T> kernel, const Dims& shape, const Options& options) {
  ConvLayer<T> layer{.kernel = std::move(kernel),
                     .stride = options.stride,
                     .padding = options.padding,
                     .dilation = options.dilation,
                     .groups = options.groups};
  const std::string broken = broken_rule(layer);
  if (!broken.empty()) refuse(broken);
  if (!(options.measure_seconds >= 0)) {
    refuse("measure_seconds must be at least 0 but is " + std::to_string(options.measure_seconds));
  }
  if (const auto& size = options.input_size) {
    problem_of(layer, {1, input_channels(layer), size->h, size->w});
  }
  check_finite("kernel", layer.kernel, shape);
  return layer;
}

// Sets how the rewrite differs from the kernel, as numbers and in words.
template <class T>
void set_proof(const Tensor<T>& kernel, bool bitwise, double output_bound, Rewrite<T>& rewrite);

// Sets share, cheaper and verdict of a rewrite whose cost is known, beside the layer's.
template <class T>
void judge(std::int64_t products_of_layer, const LayersCost& layer, Rewrite<T>& rewrite);

// Predicts and measures the layer and its rewrites as the options ask, and judges them. `found` is
// a Decomposition or an Inspection.
template <class Found, class Rewrites>
void compare_costs(Found& found, Rewrites& rewrites) {
  const auto& options = found.options;
  if (options.input_size) {
    std::vector<decltype(found.layer)> alternatives = {found.layer};
    for (const auto& rewrite : rewrites) alternatives.push_back(rewrite.layers);
    const std::vector<LayersCost> costs = compare_layers(
        alternatives,
        {1, input_channels(found.layer[0]), options.input_size->h, options.input_size->w},
        {.measure_seconds = rewrites.empty() ? 0 : options.measure_seconds,
         .threads = options.threads,
         .cancel = options.cancel});
    found.cost = costs[0];
    for (std::size_t i = 0; i < rewrites.size(); ++i) rewrites[i].cost = costs[i + 1];
  }
  for (auto& rewrite : rewrites) judge(found.multiplications_per_position, found.cost, rewrite);
}

}  // namespace plait::rewrite
