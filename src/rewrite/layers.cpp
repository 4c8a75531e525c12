// Chains of layers: their problems and shapes, running them, and what they cost.
#include <plait/rewrite/layers.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include <plait/analysis/measure.hpp>
#include <plait/plan.hpp>

#include "core/integers.hpp"
#include "core/random.hpp"
#include "core/refuse.hpp"
#include "core/stopwatch.hpp"
#include "rewrite/layer_rules.hpp"

namespace plait {
namespace {

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

bool in_order(const std::vector<std::int64_t>& channels, std::int64_t all) {
  if (channels.empty()) return true;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i] != static_cast<std::int64_t>(i)) return false;
  }
  return static_cast<std::int64_t>(channels.size()) == all;
}

// Copies planes of dense tensors n x c x h x w, channel from_channels[i] to channel to_channels[i].
// An empty list stands for 0, 1, 2, ...
template <class T>
void copy_channels(const Tensor<T>& from, const std::vector<std::int64_t>& from_channels,
                   Tensor<T>& to, const std::vector<std::int64_t>& to_channels, int threads,
                   Executor& executor) {
  constexpr std::int64_t kBytesOfATask = 64 << 10;  // some 5 us, against 0.2 us to hand it out
  const std::int64_t plane = from.size(2) * from.size(3);
  const auto channels =
      static_cast<std::int64_t>(std::max(from_channels.size(), to_channels.size()));
  const std::int64_t planes = from.size(0) * channels;
  const std::int64_t bytes = planes * plane * static_cast<std::int64_t>(sizeof(T));
  const auto tasks = static_cast<int>(
      std::clamp<std::int64_t>(bytes / kBytesOfATask, 1,
                               std::min<std::int64_t>(threads, std::max<std::int64_t>(planes, 1))));
  const auto copy = [&](int task) {
    for (std::int64_t at = planes * task / tasks; at < planes * (task + 1) / tasks; ++at) {
      const std::int64_t n = at / channels;
      const std::int64_t i = at % channels;
      std::copy_n(from.data() + (n * from.size(1) + rewrite::listed(from_channels, i)) * plane,
                  plane, to.data() + (n * to.size(1) + rewrite::listed(to_channels, i)) * plane);
    }
  };
  executor.run(tasks, copy);
}

// The time of copying so much in one thread, in the cache that holds both sides, or in memory.
template <class T>
double copy_seconds(const Tensor<T>& copied) {
  const Machine& machine = host_machine();
  const std::int64_t bytes = 2 * copied.size() * static_cast<std::int64_t>(sizeof(T));
  const double rate = bytes <= machine.caches.l2_bytes   ? machine.rates.l2_bytes_per_second
                      : bytes <= machine.caches.l3_bytes ? machine.rates.l3_bytes_per_second
                                                         : machine.rates.dram_bytes_per_second;
  return static_cast<double>(bytes) / rate;
}

Dims with_channels(const Dims& shape, std::int64_t channels) {
  return {shape[0], channels, shape[2], shape[3]};
}

// A chain of layers ready to run on inputs of one shape: planned, packed, with all its memory.
template <class T>
class LayerChain {
 public:
  // Throws Error where a layer does not fit what comes before it. `layers` must outlive the chain.
  LayerChain(const Layers<T>& layers, const Dims& x_shape, int threads);

  // y for a dense x of that shape. It is memory of the chain, valid until the next run.
  const Tensor<T>& run(const Tensor<T>& x, Executor& executor, const std::atomic<bool>* cancel);

  std::int64_t multiplications() const;
  double predicted_seconds() const;

 private:
  struct Step {
    const ConvLayer<T>& layer;
    Plan plan;
    Packed packed;
    Tensor<T> read;      // the channels that `reads` lists, unless they are x as it is
    Tensor<T> computed;  // the channels that `writes` lists, unless they are y as it is
    Tensor<T> y;
  };

  std::vector<Step> steps_;
};

template <class T>
LayerChain<T>::LayerChain(const Layers<T>& layers, const Dims& x_shape, int threads) {
  steps_.reserve(layers.size());
  Dims shape = x_shape;
  for (const ConvLayer<T>& layer : layers) {
    Plan made = plan(problem_of(layer, shape), {.threads = threads});
    const Problem& problem = made.problem();
    const Dims computed = problem.y_shape();
    Packed packed = made.pack(layer.kernel, layer.bias);
    Tensor<T> read(in_order(layer.reads, shape[1]) ? Dims{0} : problem.x_shape());
    shape = layer.writes.empty() ? computed : with_channels(computed, layer.y_channels);
    steps_.push_back({.layer = layer,
                      .plan = std::move(made),
                      .packed = std::move(packed),
                      .read = std::move(read),
                      .computed = Tensor<T>(in_order(layer.writes, shape[1]) ? Dims{0} : computed),
                      .y = Tensor<T>(shape)});
  }
}

template <class T>
const Tensor<T>& LayerChain<T>::run(const Tensor<T>& x, Executor& executor,
                                    const std::atomic<bool>* cancel) {
  const Tensor<T>* in = &x;
  for (Step& step : steps_) {
    if (step.read.size() != 0) {
      copy_channels(*in, step.layer.reads, step.read, {}, step.plan.threads(), executor);
      in = &step.read;
    }
    Tensor<T>& out = step.computed.size() != 0 ? step.computed : step.y;
    step.plan.template run<T>(*in, step.packed, out, {.executor = &executor, .cancel = cancel});
    if (step.computed.size() != 0) {
      copy_channels(out, {}, step.y, step.layer.writes, step.plan.threads(), executor);
    }
    in = &step.y;
  }
  return *in;
}

template <class T>
std::int64_t LayerChain<T>::multiplications() const {
  std::int64_t sum = 0;
  for (const Step& step : steps_) {
    sum = saturated_sum(sum, step.plan.problem().multiplications());
  }
  return sum;
}

template <class T>
double LayerChain<T>::predicted_seconds() const {
  double sum = 0;
  for (const Step& step : steps_) {
    sum +=
        step.plan.cost().predicted_seconds + copy_seconds(step.read) + copy_seconds(step.computed);
  }
  return sum;
}

}  // namespace

template <class T>
Problem problem_of(const ConvLayer<T>& layer, const Dims& x_shape) {
  check_x(x_shape);
  const std::string broken = rewrite::broken_rule(layer, x_shape[1]);
  if (!broken.empty()) refuse(broken);
  Problem problem = Problem::of(x_shape, layer.kernel.shape(), layer.stride, layer.padding,
                                layer.dilation, layer.groups);
  if (!layer.reads.empty()) problem.c_i = static_cast<std::int64_t>(layer.reads.size());
  problem.bias = layer.bias.size() != 0;
  problem.dtype = std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32;
  validate(problem);
  if (problem.weight_shape() != layer.kernel.shape()) {
    refuse("a layer of kernel " + to_string(layer.kernel.shape()) + " in " +
           std::to_string(layer.groups) + " groups reads " +
           std::to_string(rewrite::input_channels(layer)) + " channels but x is " +
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
  LayerChain<T> chain(layers, x.shape(), options.threads);
  Executor& executor = options.executor == nullptr ? default_executor() : *options.executor;
  return chain.run(dense_copy(x), executor, options.cancel);
}

template <class T>
std::int64_t multiplications_per_position(const Layers<T>& layers) {
  std::int64_t sum = 0;
  std::int64_t positions = 1;  // outputs of the layer for one output of the last layer
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
  std::vector<LayerChain<T>> chains;
  std::vector<LayersCost> costs;
  chains.reserve(alternatives.size());
  costs.reserve(alternatives.size());
  for (const Layers<T>& layers : alternatives) {
    const LayerChain<T>& chain = chains.emplace_back(layers, x_shape, options.threads);
    costs.push_back({.multiplications = chain.multiplications(),
                     .predicted_seconds = chain.predicted_seconds()});
  }
  if (!(options.measure_seconds > 0)) return costs;

  Tensor<T> x(x_shape);
  Random random(1);
  for (T& value : x) value = static_cast<T>(std::max(0.0, random.normal()));  // as behind a ReLU
  const auto timed = [&](LayerChain<T>& chain, std::int64_t runs) {
    const Stopwatch watch;
    for (std::int64_t i = 0; i < runs; ++i) chain.run(x, default_executor(), options.cancel);
    return watch.seconds() / static_cast<double>(runs);
  };
  std::vector<std::int64_t> in_a_row(chains.size(), 1);
  for (std::size_t i = 0; i < chains.size(); ++i) {
    timed(chains[i], 1);  // the first run touches the pages of its memory
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
template Dims output_shape(const Layers<float>&, const Dims&);
template Tensor<float> run_layers(const Layers<float>&, TensorView<const float>,
                                  const RunLayersOptions&);
template std::int64_t multiplications_per_position(const Layers<float>&);
template std::vector<LayersCost> compare_layers(const std::vector<Layers<float>>&, const Dims&,
                                                const LayersCostOptions&);
template Problem problem_of(const ConvLayer<double>&, const Dims&);
template Dims output_shape(const Layers<double>&, const Dims&);
template Tensor<double> run_layers(const Layers<double>&, TensorView<const double>,
                                   const RunLayersOptions&);
template std::int64_t multiplications_per_position(const Layers<double>&);
template std::vector<LayersCost> compare_layers(const std::vector<Layers<double>>&, const Dims&,
                                                const LayersCostOptions&);

}  // namespace plait
