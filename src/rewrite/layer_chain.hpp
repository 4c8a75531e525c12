// A chain of layers ready to run on inputs of one shape: plans made, weights packed, memory there.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include <plait/plan.hpp>
#include <plait/rewrite/layers.hpp>

namespace plait::rewrite {

template <class T>
class LayerChain {
 public:
  // Throws Error where a layer does not fit what comes before it. `layers` must outlive the chain.
  LayerChain(const Layers<T>& layers, const Dims& x_shape, int threads);

  // y of a dense x of that shape; the chain's own memory, until the next run.
  const Tensor<T>& run(const Tensor<T>& x, Executor& executor, const std::atomic<bool>* cancel);

  std::int64_t multiplications() const;
  double predicted_seconds() const;

 private:
  struct Step {
    const ConvLayer<T>& layer;
    Plan plan;
    Packed packed;
    Tensor<T> picked;    // what `reads` picks, where that is not x as it is
    Tensor<T> computed;  // what `writes` places, where that is not y as it is
    Tensor<T> y;
  };

  std::vector<Step> steps_;
};

}  // namespace plait::rewrite
