#include "analysis/algebra/layer_chain.hpp"

#include <algorithm>
#include <utility>

#include "core/counts.hpp"

namespace plait {
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
                   Tensor<T>& to, const std::vector<std::int64_t>& to_channels) {
  const std::int64_t plane = from.size(2) * from.size(3);
  const auto channels =
      static_cast<std::int64_t>(std::max(from_channels.size(), to_channels.size()));
  const auto channel = [](const std::vector<std::int64_t>& list, std::int64_t i) {
    return list.empty() ? i : list[static_cast<std::size_t>(i)];
  };
  for (std::int64_t n = 0; n < from.size(0); ++n) {
    for (std::int64_t i = 0; i < channels; ++i) {
      std::copy_n(from.data() + (n * from.size(1) + channel(from_channels, i)) * plane, plane,
                  to.data() + (n * to.size(1) + channel(to_channels, i)) * plane);
    }
  }
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
const Tensor<T>& LayerChain<T>::run(const Tensor<T>& x, const std::atomic<bool>* cancel) {
  const Tensor<T>* in = &x;
  for (Step& step : steps_) {
    if (step.picked.size() != 0) {
      copy_channels(*in, step.layer.reads, step.picked, {});
      in = &step.picked;
    }
    Tensor<T>& out = step.computed.size() != 0 ? step.computed : step.y;
    step.plan.template run<T>(*in, step.packed, out, {.cancel = cancel});
    if (step.computed.size() != 0) copy_channels(out, {}, step.y, step.layer.writes);
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
  for (const Step& step : steps_) sum += step.plan.cost().predicted_seconds;
  return sum;
}

template class LayerChain<float>;
template class LayerChain<double>;

}  // namespace plait
