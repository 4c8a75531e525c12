// THE CONTRACT between algorithms and the planner. A folder of src/algorithms/ has one or more
// variants of an algorithm, which its function `variants()` lists; registry.inc names the folders.
// The planner asks each variant one question, whose answer is a refusal or an offer.
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

// The addresses of the operands of one run. plait/operands.hpp says which operands each direction
// has. Shapes and strides are those of the problem, which the plan has checked. Weights are given
// either packed or as they are.
struct Args {
  const void* in = nullptr;           // the first operand
  const std::byte* packed = nullptr;  // the output of pack(): weights and, forward, biases
  const void* second = nullptr;       // the second operand, if it is not packed
  const void* bias = nullptr;         // c_o values, dense; only beside `second`
  const void* residual = nullptr;
  void* out = nullptr;
  std::byte* workspace = nullptr;  // Cost::workspace_bytes, aligned to 64 bytes
  Executor* executor = nullptr;
  const std::atomic<bool>* cancel = nullptr;  // polled every 50 ms or more often; if set, return
  RunReport* report = nullptr;                // filled in if set

  // The weights, for algorithms that pack them as they are.
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

  // Names algorithm, target, tile and weight shape; with equal names equal weights have equal
  // bytes.
  virtual std::string packed_format() const = 0;
  // Writes Cost::packed_bytes to `out`, aligned to 64 bytes. `bias` may be null.
  virtual void pack(const void* weight, const void* bias, std::byte* out) const = 0;
  virtual void run(const Args& args) const = 0;
  virtual int threads() const = 0;  // the largest number of tasks that run at once
  // The blocking in words, for explanations; empty if there is nothing to choose.
  virtual std::string config() const { return {}; }
  virtual TileBlock block() const { return {}; }  // its numbers, if it has matrix tiles
};

class Planner;

// Asks whether an algorithm computes a problem within the limits on a machine, at what cost, and
// how. The problem is valid and normalized (core/problem/normalized_problem.hpp). It is canonical
// (core/problem/canonical_problem.hpp) unless all refused that. limits.threads is at least 1.
struct Question {
  const Problem& problem;
  const Limits& limits;
  const Machine& machine;
  const Planner& planner;  // plans parts of the work that other algorithms do
};

// The reason is one sentence that names the number that failed.
struct Refusal {
  std::string reason;
};

// The blocking is chosen once. `cost` is its cost, and `prepare` keeps it.
struct Offer {
  Cost cost;
  // Makes the execution. Its argument is the question that the offer answers.
  std::function<std::unique_ptr<Execution>(const Question&)> prepare;
  // If a window of outputs begins and ends at multiples of output_step along each axis, or ends
  // with the axis, its outputs have the same bits as in the whole image.
  Pair output_step = 1;
};

// The answer is a function of the question alone.
using Answer = std::variant<Refusal, Offer>;

struct Algorithm {
  std::string name;     // the folder's, or folder/variant
  std::string summary;  // what it does, in one line
  Answer (*ask)(const Question&);
};

// The planner's plan for a part of an algorithm's work.
struct ChildPlan {
  std::string algorithm;
  Problem problem;  // the problem that was asked, in the spelling that `offer` is for
  Limits limits;
  Offer offer;
};

// The planner's interface for algorithms.
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
