#include "rewrite/layer_chain.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/integers.hpp"

namespace plait::rewrite {
namespace {

bool in_order(const std::vector<std::int64_t>& channels, std::int64_t all) {
  if (channels.empty()) return true;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i] != static_cast<std::int64_t>(i)) return false;
  }
  return static_cast<std::int64_t>(channels.size()) == all;
}

// Planes of dense tensors n x c x h x w, from channel from_channels[i] to channel to_channels[i];
// no list stands for 0, 1, 2, ...
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
  const auto channel = [](const std::vector<std::int64_t>& list, std::int64_t i) {
    return list.empty() ? i : list[static_cast<std::size_t>(i)];
  };
  const auto copy = [&](int task) {
    for (std::int64_t at = planes * task / tasks; at < planes * (task + 1) / tasks; ++at) {
      const std::int64_t n = at / channels;
      const std::int64_t i = at % channels;
      std::copy_n(from.data() + (n * from.size(1) + channel(from_channels, i)) * plane, plane,
                  to.data() + (n * to.size(1) + channel(to_channels, i)) * plane);
    }
  };
  executor.run(tasks, copy);
}

// Of copying so much in one thread, from and to the cache that holds both, or memory.
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

}  // namespace

template <class T>
LayerChain<T>::LayerChain(const Layers<T>& layers, const Dims& x_shape, int threads) {
  steps_.reserve(layers.size());
  Dims shape = x_shape;
  for (const ConvLayer<T>& layer : layers) {
    Plan made = plan(problem_of(layer, shape), {.threads = threads});
    const Problem& problem = made.problem();
    const Dims computed = problem.y_shape();
    Packed packed = made.pack(layer.kernel, layer.bias);
    Tensor<T> picked(in_order(layer.reads, shape[1]) ? Dims{0} : problem.x_shape());
    shape = layer.writes.empty() ? computed : with_channels(computed, layer.y_channels);
    steps_.push_back({.layer = layer,
                      .plan = std::move(made),
                      .packed = std::move(packed),
                      .picked = std::move(picked),
                      .computed = Tensor<T>(in_order(layer.writes, shape[1]) ? Dims{0} : computed),
                      .y = Tensor<T>(shape)});
  }
}

template <class T>
const Tensor<T>& LayerChain<T>::run(const Tensor<T>& x, Executor& executor,
                                    const std::atomic<bool>* cancel) {
  const Tensor<T>* in = &x;
  for (Step& step : steps_) {
    if (step.picked.size() != 0) {
      copy_channels(*in, step.layer.reads, step.picked, {}, step.plan.threads(), executor);
      in = &step.picked;
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
    sum += step.plan.cost().predicted_seconds + copy_seconds(step.picked) +
           copy_seconds(step.computed);
  }
  return sum;
}

template class LayerChain<float>;
template class LayerChain<double>;

}  // namespace plait::rewrite
