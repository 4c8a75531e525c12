// Planning: which algorithm computes a problem, why, at what cost, and running it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <plait/cost.hpp>
#include <plait/executor.hpp>
#include <plait/explanation.hpp>
#include <plait/export.hpp>
#include <plait/limits.hpp>
#include <plait/machine.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

// A weight, and the bias, in the order that one algorithm reads them. Immutable; copies share the
// bytes.
class Packed {
 public:
  Packed() = default;
  Packed(std::string format, std::shared_ptr<const std::byte> data, std::size_t bytes)
      : format_(std::move(format)), data_(std::move(data)), bytes_(bytes) {}

  const std::string& format() const { return format_; }  // algorithm, target, tile, weight shape
  const std::byte* data() const { return data_.get(); }  // aligned to 64 bytes
  std::size_t bytes() const { return bytes_; }

 private:
  std::string format_;
  std::shared_ptr<const std::byte> data_;
  std::size_t bytes_ = 0;
};

// One loop of an algorithm's loop nest, as counted by the code that ran it.
struct LoopCount {
  std::string name;
  std::int64_t rounds = 0;  // the most iterations of one execution of the loop
  // Whether one execution of the loop ran at least two full iterations and a partial one; for loops
  // without a partial last iteration, two iterations.
  bool covered = false;
};

// What really ran, as reported by the code that ran.
struct RunReport {
  std::string algorithm;
  Target target = Target::emu128;
  int threads = 0;  // tasks handed to the executor at once
  // Operations executed. Each equals the Cost's, unless tiles were computed directly.
  std::int64_t multiplications = 0;
  std::int64_t additions = 0;
  std::int64_t transform_operations = 0;
  // For algorithms that transform tiles: the number of tiles, and how many of these were computed
  // by the sums of the definition because their inputs are not finite or differ too much in size.
  std::int64_t tiles = 0;
  std::int64_t direct_tiles = 0;
  std::vector<LoopCount> loops = {};  // the loops of the blocking, innermost first
};

// Everything optional about a run.
template <class T>
struct RunOptions {
  TensorView<const T> residual = {};  // shape of y; needed if and only if the problem has one
  // At least workspace_bytes(), aligned to 64 bytes. nullptr: the library's own, kept per thread.
  void* workspace = nullptr;
  Executor* executor = nullptr;               // nullptr: default_executor()
  const std::atomic<bool>* cancel = nullptr;  // polled at least every 50 ms
  RunReport* report = nullptr;
};

// An immutable, cheaply copied plan. run may be called from several threads at once, with distinct
// outputs and workspaces. T is float or double, as the problem's dtype; a wrong one throws.
class PLAIT_API Plan {
 public:
  const Problem& problem() const;
  const std::string& algorithm() const;
  Target target() const;
  int threads() const;
  std::size_t workspace_bytes() const;  // exact; run allocates nothing else
  std::size_t packed_bytes() const;
  const std::string& packed_format() const;
  const Cost& cost() const;
  // Outputs of a window that begins and ends at multiples of this along each axis, or at the end of
  // the axis, have the bits that they have in the whole image, by the same algorithm.
  Pair output_step() const;
  const Explanation& explain() const;

  // Packs weight[c_o, c_i/groups, k_h, k_w], and bias[c_o] if the problem has one.
  template <class T>
  Packed pack(TensorView<const T> weight, TensorView<const T> bias = {}) const;
  template <class T>
  Packed pack(const Tensor<T>& weight, const Tensor<T>& bias = {}) const {
    return pack<T>(weight.view(), bias.size() == 0 ? TensorView<const T>{} : bias.view());
  }

  // Forward, `in` is x[n, c_i, h, w] and `out` is y[n, c_o, h', w'], with the problem's strides;
  // backward_data takes dy and gives dx (operands.hpp). Throws Error, before anything is written,
  // when a shape, a stride, the packed format or an overlap of the result breaks a rule. A
  // cancelled run throws Error with Status::cancelled and leaves the result unspecified.
  template <class T>
  void run(TensorView<const T> in, const Packed& packed, TensorView<T> out,
           const RunOptions<T>& options = {}) const;
  template <class T>
  void run(const Tensor<T>& in, const Packed& packed, Tensor<T>& out,
           const RunOptions<T>& options = {}) const {
    run<T>(in.view(), packed, out.view(), options);
  }
  // The same with the weight and the bias as they are, for a plan made with limits.prepacked ==
  // false. Plans of backward_weights take x and dy and give dweight; plans of backward_bias take dy
  // and give dbias; views that a direction does not read are empty.
  template <class T>
  void run(TensorView<const T> in, TensorView<const T> second, TensorView<const T> bias,
           TensorView<T> out, const RunOptions<T>& options = {}) const;

 private:
  struct State;
  explicit Plan(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend Plan plan(const Problem&, const Limits&, const Machine&);
  std::shared_ptr<const State> state_;
};

// Asks every algorithm and takes the one with the lowest predicted time within the limits. Throws
// Error when the problem is not valid, or, with every reason, when no algorithm takes it.
// PLAIT_FORCE_ALGORITHM in the environment acts like limits.algorithm where that is empty.
PLAIT_API Plan plan(const Problem& problem, const Limits& limits = {},
                    const Machine& machine = host_machine());
PLAIT_API Plan plan(std::string_view problem_line, const Limits& limits = {},
                    const Machine& machine = host_machine());

struct AlgorithmInfo {
  std::string name;
  std::string summary;
};
PLAIT_API std::vector<AlgorithmInfo> algorithms();

}  // namespace plait
