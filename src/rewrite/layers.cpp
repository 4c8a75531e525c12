// Chains of layers: their problems and shapes, running them, and what they cost.
#include <plait/rewrite/layers.hpp>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include <plait/analysis/measure.hpp>

#include "core/integers.hpp"
#include "core/random.hpp"
#include "core/refuse.hpp"
#include "core/stopwatch.hpp"
#include "rewrite/layer_chain.hpp"

namespace plait {
namespace {

// `channels` of the layer, each one of `all` and, where they are written to, none twice.
void check_channels(const char* name, const std::vector<std::int64_t>& channels,
                    std::int64_t expected, std::int64_t all, const char* of) {
  if (static_cast<std::int64_t>(channels.size()) != expected) {
    refuse(std::string(name) + " must list the layer's " + std::to_string(expected) +
           " channels but has " + std::to_string(channels.size()));
  }
  for (const std::int64_t channel : channels) {
    if (channel < 0 || channel >= all) {
      refuse(std::string(name) + " has channel " + std::to_string(channel) + " but " + of +
             " has " + std::to_string(all));
    }
  }
}

template <class T>
void check_layer(const ConvLayer<T>& layer, const Dims& x_shape) {
  if (layer.kernel.rank() != 4) {
    refuse("a layer's kernel must be c_o x c_i/groups x k_h x k_w but is " +
           to_string(layer.kernel.shape()));
  }
  if (layer.groups < 1) {
    refuse("groups must be at least 1 but is " + std::to_string(layer.groups));
  }
  const std::int64_t c_o = layer.kernel.size(0);
  if (layer.bias.size() != 0 && layer.bias.shape() != Dims{c_o}) {
    refuse("bias must have one value per output channel (" + std::to_string(c_o) + ") but is " +
           to_string(layer.bias.shape()));
  }
  if (!layer.reads.empty()) {
    const auto c_i = bounded_product({layer.kernel.size(1), layer.groups});
    check_channels("reads", layer.reads, c_i.value_or(kCountLimit), x_shape[1], "x");
  }
  if (layer.writes.empty()) return;
  check_channels("writes", layer.writes, c_o, layer.y_channels, "y");
  std::vector<std::int64_t> sorted = layer.writes;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) refuse("writes has channel " + std::to_string(*twice) + " twice");
}

void check_x(const Dims& x_shape) {
  if (x_shape.rank() != 4) refuse("x must be n x c x h x w but is " + to_string(x_shape));
}

template <class T>
Dims output_shape(const ConvLayer<T>& layer, const Dims& x_shape) {
  Dims shape = problem_of(layer, x_shape).y_shape();
  if (!layer.writes.empty()) shape[1] = layer.y_channels;
  return shape;
}

std::int64_t counted(std::optional<std::int64_t> count) {
  if (!count || *count == kCountLimit) refuse("the products of these layers pass 2^62");
  return *count;
}

}  // namespace

template <class T>
Problem problem_of(const ConvLayer<T>& layer, const Dims& x_shape) {
  check_x(x_shape);
  check_layer(layer, x_shape);
  Problem problem;
  problem.n = x_shape[0];
  problem.c_i = layer.reads.empty() ? x_shape[1] : static_cast<std::int64_t>(layer.reads.size());
  problem.h = x_shape[2];
  problem.w = x_shape[3];
  problem.c_o = layer.kernel.size(0);
  problem.k_h = layer.kernel.size(2);
  problem.k_w = layer.kernel.size(3);
  problem.stride = layer.stride;
  problem.padding = layer.padding;
  problem.dilation = layer.dilation;
  problem.groups = layer.groups;
  problem.bias = layer.bias.size() != 0;
  problem.dtype = std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32;
  validate(problem);
  if (problem.kernel_shape() != layer.kernel.shape()) {
    refuse("a layer of kernel " + to_string(layer.kernel.shape()) + " in " +
           std::to_string(layer.groups) + " groups reads " +
           std::to_string(layer.kernel.size(1) * layer.groups) + " channels but x is " +
           to_string(x_shape));
  }
  return problem;
}

template <class T>
Dims output_shape(const Layers<T>& layers, const Dims& x_shape) {
  check_x(x_shape);
  Dims shape = x_shape;
  for (const ConvLayer<T>& layer : layers) shape = output_shape(layer, shape);
  return shape;
}

template <class T>
Tensor<T> run_layers(const Layers<T>& layers, TensorView<const T> x,
                     const RunLayersOptions& options) {
  check_x(x.shape());
  rewrite::LayerChain<T> chain(layers, x.shape(), options.threads);
  Executor& executor = options.executor == nullptr ? default_executor() : *options.executor;
  return chain.run(dense_copy(x), executor, options.cancel);
}

template <class T>
std::int64_t multiplications_per_position(const Layers<T>& layers) {
  std::int64_t sum = 0;
  std::int64_t positions = 1;  // of the layer's output for one of the last layer's
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    const std::int64_t products = counted(bounded_product({layer->kernel.size(), positions}));
    sum = counted(saturated_sum(sum, products));
    positions = counted(bounded_product({positions, layer->stride.h, layer->stride.w}));
  }
  return sum;
}

template <class T>
std::vector<LayersCost> compare_layers(const std::vector<Layers<T>>& alternatives,
                                       const Dims& x_shape, const LayersCostOptions& options) {
  check_x(x_shape);
  std::vector<rewrite::LayerChain<T>> chains;
  std::vector<LayersCost> costs;
  chains.reserve(alternatives.size());
  costs.reserve(alternatives.size());
  for (const Layers<T>& layers : alternatives) {
    const rewrite::LayerChain<T>& chain = chains.emplace_back(layers, x_shape, options.threads);
    costs.push_back({.multiplications = chain.multiplications(),
                     .predicted_seconds = chain.predicted_seconds()});
  }
  if (!(options.measure_seconds > 0)) return costs;

  Tensor<T> x(x_shape);
  Random random(1);
  for (T& value : x) value = static_cast<T>(std::max(0.0, random.normal()));  // as behind a ReLU
  const auto timed = [&](rewrite::LayerChain<T>& chain, std::int64_t runs) {
    const Stopwatch watch;
    for (std::int64_t i = 0; i < runs; ++i) chain.run(x, default_executor(), options.cancel);
    return watch.seconds() / static_cast<double>(runs);
  };
  std::vector<std::int64_t> in_a_row(chains.size(), 1);
  for (std::size_t i = 0; i < chains.size(); ++i) {
    timed(chains[i], 1);  // the first touches its pages
    in_a_row[i] = runs_in_a_row(timed(chains[i], 1));
  }
  std::vector<std::vector<double>> seconds(chains.size());
  const double budget = options.measure_seconds * static_cast<double>(chains.size());
  const Stopwatch total;
  do {
    for (std::size_t i = 0; i < chains.size(); ++i) {
      seconds[i].push_back(timed(chains[i], in_a_row[i]));
    }
  } while (total.seconds() < budget);
  for (std::size_t i = 0; i < chains.size(); ++i) {
    costs[i].measured_seconds = summarize(std::move(seconds[i])).median_seconds;
  }
  return costs;
}

template Problem problem_of(const ConvLayer<float>&, const Dims&);
template Problem problem_of(const ConvLayer<double>&, const Dims&);
template Dims output_shape(const Layers<float>&, const Dims&);
template Dims output_shape(const Layers<double>&, const Dims&);
template Tensor<float> run_layers(const Layers<float>&, TensorView<const float>,
                                  const RunLayersOptions&);
template Tensor<double> run_layers(const Layers<double>&, TensorView<const double>,
                                   const RunLayersOptions&);
template std::int64_t multiplications_per_position(const Layers<float>&);
template std::int64_t multiplications_per_position(const Layers<double>&);
template std::vector<LayersCost> compare_layers(const std::vector<Layers<float>>&, const Dims&,
                                                const LayersCostOptions&);
template std::vector<LayersCost> compare_layers(const std::vector<Layers<double>>&, const Dims&,
                                                const LayersCostOptions&);

}  // namespace plait
