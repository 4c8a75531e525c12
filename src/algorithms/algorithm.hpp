// THE CONTRACT between the rooms (src/algorithms) and the planner. A room is a folder that offers
// one or more algorithms through a function `variants()`, named in src/algorithms/registry.inc.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <plait/plan.hpp>

namespace plait {

// Yes, or the one sentence why not, with the number that failed.
class Verdict {
 public:
  static Verdict yes() { return {}; }
  static Verdict no(std::string reason) { return Verdict(std::move(reason)); }

  explicit operator bool() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }

 private:
  Verdict() = default;
  explicit Verdict(std::string reason) : reason_(std::move(reason)) {}
  std::string reason_;
};

// The operands of one run, by direction as plait/operands.hpp has them. Addresses only: shapes and
// strides are the problem's, and the plan has checked them. K is given packed or as it is.
struct Args {
  const void* in = nullptr;           // the first operand
  const std::byte* packed = nullptr;  // what pack() wrote: weights and, forward, biases
  const void* second = nullptr;       // the second operand where nothing is packed
  const void* bias = nullptr;         // dense c_o; beside `second` only
  const void* residual = nullptr;
  void* out = nullptr;
  std::byte* workspace = nullptr;  // workspace_bytes of the estimate, aligned to 64 bytes
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

  // Room, target, tile and weight shape: equal formats hold equal bytes for equal weights.
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

struct Algorithm {
  std::string name;     // the room's, or room/form
  std::string summary;  // what it does, in one line
  // The problem is valid, effective (core/problem/normalized_problem.hpp), and canonical where any
  // algorithm takes that (core/problem/canonical_problem.hpp); limits.threads is at least 1.
  Verdict (*accepts)(const Problem&, const Limits&, const Machine&);
  // The rest is asked only after a yes. Pure functions of their arguments.
  Cost (*estimate)(const Problem&, const Limits&, const Machine&);
  std::unique_ptr<Execution> (*prepare)(const Problem&, const Limits&, const Machine&);
};

}  // namespace plait
