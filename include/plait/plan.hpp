// Planning: which algorithm computes a problem, why, at what cost, and running it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <plait/executor.hpp>
#include <plait/export.hpp>
#include <plait/machine.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

// Bounds on the expected rms error / rms output against f64 (ReLU-like random input, He weights).
enum class Accuracy {
  strict,   // 5e-7
  fp32,     // 2e-6
  relaxed,  // 5e-6
};
PLAIT_API double error_limit(Accuracy accuracy);
PLAIT_API std::string_view name_of(Accuracy accuracy);
PLAIT_API Accuracy parse_accuracy(std::string_view name);  // throws Error listing the known ones

inline constexpr std::size_t kNoWorkspaceCap = std::numeric_limits<std::size_t>::max();

// What the caller allows. Part of a plan's key, like the problem.
struct Limits {
  Accuracy accuracy = Accuracy::fp32;
  std::size_t max_workspace_bytes = kNoWorkspaceCap;  // 0 always works
  int threads = 0;                                    // 0: the machine's default
  bool prepacked = true;           // weights are packed once by pack(); otherwise anew in every run
  std::string packed_format = {};  // if set: only algorithms that take weights packed like this
  std::string algorithm = {};      // if set: this one, or an Error with its reason
  bool reproducible = false;       // the pick depends on the problem and the limits alone
  int delta = 0;  // if set: this many outputs side by side in a register tile, the chapter's Delta;
                  // algorithms without such a tile refuse. 0: each algorithm chooses

  friend bool operator==(const Limits&, const Limits&) = default;
};

// A guarantee, for every output o of every algorithm:
//   |computed - exact| <= gamma (range max|x| sum|K| + |bias| + |residual|)
//                         + floor (1 + max|x| + max|K|)
// with max|x| over the output's window, padding included, and sum|K| and max|K| over the weights of
// its output channel. An activation multiplies it by its largest slope, and rounds once more.
// Outputs whose sums, or parts of them, are beyond the largest number of the type are infinite or
// NaN. Backward, what is multiplied takes the places of x and K.
// Direct algorithms, whose range is 1 and tile 0, keep to (sum of |x K|) in the place of
// range max|x| sum|K|. Those that transform tiles of tile x tile outputs keep to
// sum over c of (max |x_c| over the inputs of the output's tile) (sum |K_c|) as well; a tile holds
// every dilation-th output, and only one along an axis on which the kernel has one tap.
struct ErrorBound {
  double gamma = 0;
  double range = 1;  // how far an input of the window's surroundings may be above it: 1 or 32
  double floor = 0;  // of numbers too small for the type, which may be flushed to zero
  std::int64_t tile = 0;
};

// Predicted before the run. Times are for the plan's machine and threads.
struct Cost {
  // What is executed. Every product is added to its sum, the first one to nothing; sums of chunks
  // are added up besides. Biases, residuals and activations are not counted, nor is what packing
  // the weights takes.
  std::int64_t multiplications = 0;  // padding zeros and what register tiles compute beyond the
                                     // last row or column included
  std::int64_t useful_multiplications = 0;  // those that an output depends on
  std::int64_t additions = 0;
  std::int64_t transform_operations = 0;  // multiplications and additions of transforms
  std::int64_t l2_bytes = 0;              // moved between L1 and L2
  std::int64_t dram_bytes = 0;            // moved between the last cache and memory
  std::size_t workspace_bytes = 0;
  std::size_t packed_bytes = 0;
  double pack_seconds = 0;     // packing the weights: once, or in every run if not prepacked
  double product_seconds = 0;  // multiplying and adding
  double gather_seconds = 0;   // rearranging the input, the output and weights not prepacked
  double memory_seconds = 0;   // waiting for memory beyond what the other work hides
  double thread_seconds = 0;   // handing work to threads
  double predicted_seconds = 0;
  double error_rms = 0;         // expected rms error / rms output, for the data of Accuracy
  double error_bound = 0;       // gamma of the ErrorBound,
  double error_range = 1;       // its range,
  double error_floor = 0;       // its floor,
  std::int64_t error_tile = 0;  // and its tile

  ErrorBound bound() const { return {error_bound, error_range, error_floor, error_tile}; }
};

// One algorithm's answer to a problem.
struct Candidate {
  enum class Standing { chosen, runner_up, slower, refused };

  std::string algorithm;
  std::string summary;  // what it does, in one line
  Standing standing = Standing::refused;
  std::string reason;  // why it was chosen, why it is slower, or what refused it: with the number
  double factor = 0;   // predicted time / the chosen one's; 0 if refused
  Cost cost;           // zero if refused
};
PLAIT_API std::string_view name_of(Candidate::Standing standing);

// The block of a plan whose register tiles take sums of products, rows x delta of them.
struct TileBlock {
  int rows = 0;                  // output channels of a tile; 0 for algorithms of another kind
  int delta = 0;                 // pixels of a tile
  std::int64_t depth = 0;        // terms at a time
  std::int64_t input_bytes = 0;  // copied for a block of one thread; 0 where x is read in place
};

// Why a plan is as it is. Candidates are ordered: chosen, runner-up, slower ones, refused ones.
struct Explanation {
  std::string problem_line;
  std::string cpu;
  Target target = Target::emu128;
  int threads = 1;
  Limits limits;
  std::vector<Candidate> candidates;
  double reproducible_price = 1;  // predicted time of the pick / of the fastest
  std::string config = {};        // how the chosen one cuts up the work, in words; may be empty
  TileBlock block = {};           // likewise, in numbers
  // The problem line of the same sums over the same memory that everything here is about, where it
  // differs: all spellings of a layer are planned alike.
  std::string computed_as = {};

  const Candidate& chosen() const { return candidates.front(); }
};
PLAIT_API std::ostream& operator<<(std::ostream& out, const Explanation& explanation);

// Weights (and bias) in the order one algorithm wants them. Immutable; copies share the bytes.
class Packed {
 public:
  Packed() = default;
  Packed(std::string format, std::shared_ptr<const std::byte> data, std::size_t bytes)
      : format_(std::move(format)), data_(std::move(data)), bytes_(bytes) {}

  const std::string& format() const { return format_; }  // room, target, tile and weight shape
  const std::byte* data() const { return data_.get(); }  // aligned to 64 bytes
  std::size_t bytes() const { return bytes_; }

 private:
  std::string format_;
  std::shared_ptr<const std::byte> data_;
  std::size_t bytes_ = 0;
};

// One loop of an algorithm's nest, as counted by the code that ran it.
struct LoopCount {
  std::string name;
  std::int64_t rounds = 0;  // most of one entry
  bool covered = false;  // some entry made two whole rounds and then a partial one; or two rounds,
                         // where the last cannot be partial
};

// What really ran, as reported by the code that ran.
struct RunReport {
  std::string algorithm;
  Target target = Target::emu128;
  int threads = 0;  // tasks handed to the executor at once
  // Executed; each equals the Cost's, but where tiles were computed directly.
  std::int64_t multiplications = 0;
  std::int64_t additions = 0;
  std::int64_t transform_operations = 0;
  // Of algorithms that transform tiles: how many there were, and how many of these were computed by
  // the sums of the definition, as their inputs are not finite or differ by too much.
  std::int64_t tiles = 0;
  std::int64_t direct_tiles = 0;
  std::vector<LoopCount> loops = {};  // of the blocking, innermost first
};

// Everything optional about a run.
template <class T>
struct RunOptions {
  TensorView<const T> residual = {};  // shape of y; needed if and only if the problem has one
  void* workspace = nullptr;          // at least workspace_bytes(), aligned to 64 bytes; or the
                                      // library's own, kept per thread
  Executor* executor = nullptr;       // default_executor()
  const std::atomic<bool>* cancel = nullptr;  // polled at least every 50 ms
  RunReport* report = nullptr;
};

class Execution;  // core/algorithm.hpp

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
  const Explanation& explain() const;

  // K: c_o x c_i/groups x k_h x k_w; bias: c_o, if the problem has one.
  template <class T>
  Packed pack(TensorView<const T> kernel, TensorView<const T> bias = {}) const;
  template <class T>
  Packed pack(const Tensor<T>& kernel, const Tensor<T>& bias = {}) const {
    return pack<T>(kernel.view(), bias.size() == 0 ? TensorView<const T>{} : bias.view());
  }

  // Forward, `in` is x: n x c_i x h x w, and `out` y: n x c_o x h' x w', with the problem's
  // strides; backward_data takes dy and gives dx (operands.hpp). Throws Error, before anything is
  // written, when a shape, a stride, the packed format or an overlap of the result breaks a rule. A
  // cancelled run throws Status::cancelled and leaves the result unspecified.
  template <class T>
  void run(TensorView<const T> in, const Packed& packed, TensorView<T> out,
           const RunOptions<T>& options = {}) const;
  template <class T>
  void run(const Tensor<T>& in, const Packed& packed, Tensor<T>& out,
           const RunOptions<T>& options = {}) const {
    run<T>(in.view(), packed, out.view(), options);
  }
  // The same with K and the bias as they are, for a plan made with limits.prepacked == false. Plans
  // of backward_weights take x, dy and nothing and give dK; those of backward_bias take dy and
  // twice nothing.
  template <class T>
  void run(TensorView<const T> in, TensorView<const T> second, TensorView<const T> bias,
           TensorView<T> out, const RunOptions<T>& options = {}) const;

 private:
  struct State;
  explicit Plan(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend Plan plan(const Problem&, const Limits&, const Machine&);
  std::shared_ptr<const State> state_;
};

// Asks every algorithm and takes the accepted one with the lowest predicted time within the limits.
// Throws Error when the problem is not valid, or when no algorithm accepts it, with every reason.
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
