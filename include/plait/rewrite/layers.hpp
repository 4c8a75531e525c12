// Convolution layers one after the other with nothing between them, as values: what compose.hpp,
// decompose.hpp, fold.hpp and inspect.hpp take and give. Alternatives that compute the same can be
// run, and their costs compared.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/executor.hpp>
#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

// y = K * x + bias, padded with zeros. The layer may read its channels from any channels of x, and
// write them to any channels of y: so it can permute channels, or compute only some of them.
template <class T>
struct ConvLayer {
  Tensor<T> kernel;     // c_o x c_i/groups x k_h x k_w
  Tensor<T> bias = {};  // c_o, or empty: none
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  std::int64_t groups = 1;
  std::vector<std::int64_t> reads = {};   // channel c of the layer is reads[c] of x; empty: c
  std::vector<std::int64_t> writes = {};  // kernel o computes channel writes[o] of y; empty: o
  std::int64_t y_channels = 0;  // with `writes`: how many y has; those not written to are 0
};

// In a braced list name the type of each, ConvLayer<T>{...}: GCC 12 ends with an internal error
// (nothrow_spec_p) otherwise.
template <class T>
using Layers = std::vector<ConvLayer<T>>;

// What the layer itself computes of x (n x c x h x w), after `reads` and before `writes`. Throws
// Error, naming the shapes and the rule, where the layer cannot be applied to x.
template <class T>
PLAIT_API Problem problem_of(const ConvLayer<T>& layer, const Dims& x_shape);

// The shape of y, n x c' x h' x w', for x of n x c x h x w. Throws Error as problem_of does.
template <class T>
PLAIT_API Dims output_shape(const Layers<T>& layers, const Dims& x_shape);

struct RunLayersOptions {
  int threads = 0;                            // 0: the machine's default
  Executor* executor = nullptr;               // default_executor()
  const std::atomic<bool>* cancel = nullptr;  // once set, the call throws Error
};

// y of x, n x c x h x w with any strides: every layer by a plan of its own.
template <class T>
PLAIT_API Tensor<T> run_layers(const Layers<T>& layers, TensorView<const T> x,
                               const RunLayersOptions& options = {});

// Products for each position of the last layer's output, all channels together, in the limit of a
// large image: where layer l + 1 has the stride s_h x s_w, layer l computes s_h s_w positions for
// each of its. Throws Error if the count passes 64 bits.
template <class T>
PLAIT_API std::int64_t multiplications_per_position(const Layers<T>& layers);

struct LayersCost {
  std::int64_t multiplications = 0;  // of all layers, products by padding zeros included
  double predicted_seconds = 0;      // by the plans, and for copying channels read and written
  double measured_seconds = 0;       // median; 0 if not measured
};

struct LayersCostOptions {
  double measure_seconds = 0;  // to spend on measuring each alternative; 0: not measured
  int threads = 0;             // 0: the machine's default
  const std::atomic<bool>* cancel = nullptr;
};

// What alternatives cost on x of n x c x h x w. Weights are packed beforehand. The alternatives are
// timed in turn, so that their times can be compared on a machine whose clock wanders. Throws Error
// as problem_of does.
template <class T>
PLAIT_API std::vector<LayersCost> compare_layers(const std::vector<Layers<T>>& alternatives,
                                                 const Dims& x_shape,
                                                 const LayersCostOptions& options = {});

// Layers that stand for one layer: how they differ from it, and what they cost beside it.
template <class T>
struct Rewrite {
  std::string name;  // what decompose.hpp and inspect.hpp call layers of this kind
  std::string what;  // the same in words
  Layers<T> layers;
  // About the kernel that the layers make: whether it is proved to have the values of the given
  // one, bit for bit but for the signs of zeros; and max over o of ||K[o] - K^[o]||_1, so that no
  // output differs by more than this times max|x|, apart from the rounding of its sums.
  bool bitwise = false;
  double output_bound = 0;
  std::string proof;  // the same in words
  std::int64_t multiplications_per_position = 0;
  LayersCost cost;  // with input_size
  // Measured seconds by the layer's; predicted ones if not measured; without input_size products.
  double share = 1;
  bool cheaper = false;  // whether the share is below 1, of measured times by more than their noise
  std::string verdict;   // "cheaper: 0.31 of the time", "do not: slower here (1.2 times)"
};

}  // namespace plait
