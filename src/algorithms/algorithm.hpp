// THE CONTRACT between algorithms and the planner. A folder of src/algorithms/ has one or more
// variants of an algorithm, which its function `variants()` lists; registry.inc names the folders.
// The planner asks each variant one question, and gets a refusal or an offer.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include <plait/plan.hpp>

namespace plait {

// The operands of one run, by direction as plait/operands.hpp has them. Addresses only: shapes and
// strides are the problem's, and the plan has checked them. K is given packed or as it is.
struct Args {
  const void* in = nullptr;           // the first operand
  const std::byte* packed = nullptr;  // what pack() wrote: weights and, forward, biases
  const void* second = nullptr;       // the second operand where nothing is packed
  const void* bias = nullptr;         // dense c_o; beside `second` only
  const void* residual = nullptr;
  void* out = nullptr;
  std::byte* workspace = nullptr;  // workspace_bytes of the cost, aligned to 64 bytes
  Executor* executor = nullptr;
  const std::atomic<bool>* cancel = nullptr;  // poll at least every 50 ms; then return early
  RunReport* report = nullptr;                // filled in if set

  // Where they are kept as they are.
  const void* weights() const { return packed != nullptr ? packed : second; }
  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
};

// A prepared algorithm: immutable, run from any number of threads at once.
class Execution {
 public:
  Execution() = default;
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  virtual ~Execution() = default;

  // Algorithm, target, tile and weight shape: equal formats hold equal bytes for equal weights.
  virtual std::string packed_format() const = 0;
  // Writes Cost::packed_bytes to `out`, aligned to 64 bytes. `bias` is null if the problem has
  // none.
  virtual void pack(const void* kernel, const void* bias, std::byte* out) const = 0;
  virtual void run(const Args& args) const = 0;
  virtual int threads() const = 0;  // the most tasks at once; the workspace is sized for them
  // How the work is cut up, in words, for explanations; empty if there is nothing to choose.
  virtual std::string config() const { return {}; }
  virtual TileBlock block() const { return {}; }  // the same in numbers, where there are such tiles
};

class Planner;

// What an algorithm is asked: whether it computes a problem within the limits on a machine, at what
// cost, and how. The problem is valid, normalized (core/problem/normalized_problem.hpp), and
// canonical where any algorithm takes that (core/problem/canonical_problem.hpp); limits.threads is
// at least 1.
struct Question {
  const Problem& problem;
  const Limits& limits;
  const Machine& machine;
  const Planner& planner;  // for child plans: parts of the work that others do
};

// No, in one sentence that names the number that failed.
struct Refusal {
  std::string reason;
};

// Yes, at this cost. The blocking that the cost is of is chosen once, and kept by `prepare`.
struct Offer {
  Cost cost;
  // Makes the execution; takes the question that the offer answers.
  std::function<std::unique_ptr<Execution>(const Question&)> prepare;
  // Outputs of a window that begins and ends at multiples of it along each axis, or at the end of
  // the axis, have the bits that they have in the whole image.
  Pair output_step = 1;
};

// The answer is a function of the question alone.
using Answer = std::variant<Refusal, Offer>;

struct Algorithm {
  std::string name;     // the folder's, or folder/variant
  std::string summary;  // what it does, in one line
  Answer (*ask)(const Question&);
};

// A part of an algorithm's work, as the planner would plan it.
struct ChildPlan {
  std::string algorithm;
  Problem problem;  // as `algorithm` is to prepare it: another spelling of what was asked
  Limits limits;
  Offer offer;
};

// The planner, as algorithms see it.
class Planner {
 public:
  Planner() = default;
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;
  virtual ~Planner() = default;

  // The best of the other algorithms for a valid problem, or why there is none.
  virtual std::variant<Refusal, ChildPlan> plan_child(const Problem& problem,
                                                      const Limits& limits) const = 0;
};

}  // namespace plait
