// Verifies this library on this machine: every algorithm on every SIMD target against the f64
// reference, over seeded random problems, in guarded and poisoned memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <plait/export.hpp>
#include <plait/machine.hpp>
#include <plait/plan.hpp>
#include <plait/problem.hpp>

namespace plait {

// What to verify.
struct VerifyOptions {
  std::int64_t cases = 1000;   // on each target, spread evenly over the algorithms
  std::int64_t first = 0;      // number of each algorithm's first case, to repeat single cases
  std::uint64_t seed = 1;      // equal seeds and numbers give equal cases on every machine
  std::string algorithm = {};  // one algorithm; empty: all
  std::optional<Target> target = {};  // one target; empty: all that the machine can run
  Accuracy accuracy = Accuracy::fp32;
  std::vector<Problem> problems = {};         // if any: these in turn instead of random ones
  const std::atomic<bool>* cancel = nullptr;  // stops the sweep: Error, Status::cancelled
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

// One algorithm on one target. The first failure ends its cases.
struct VerifiedSubject {
  std::string algorithm;
  Target target = Target::emu128;
  std::int64_t cases = 0;    // cases that ran
  std::int64_t refused = 0;  // cases that the algorithm refused, of the given problems
  std::int64_t outputs = 0;  // outputs compared with the reference
  double worst_bound_share = 0;
  std::vector<LoopCount> loops = {};  // over all cases; `rounds` is the most of any case
};

// A promise that was broken.
struct VerifyFailure {
  std::string algorithm;
  Target target = Target::emu128;
  std::int64_t number = 0;  // number of the case; -1 if the sweep as a whole failed
  std::string message;      // which promise the smallest failing case breaks
  std::string line;         // problem line of that case; empty if the sweep as a whole failed
  std::string smallest;     // that case in full: line, limits, caches, data
  std::string found;        // the case that failed first
};

// The errors of one algorithm, pooled over all outputs of cases with the data of the error classes.
struct PooledError {
  std::string algorithm;
  std::int64_t outputs = 0;
  double rms_share = 0;  // measured rms / expected rms; judged from kPooledOutputs outputs on
};

// What a verification saw and found.
struct VerifyReport {
  // A sweep as a whole fails when an algorithm's pooled rms is above kMostRmsShare times the
  // expected one, or when a loop of a subject with kCoverageCases random cases was never covered.
  static constexpr std::int64_t kPooledOutputs = 100'000;
  static constexpr double kMostRmsShare = 1.5;
  static constexpr std::int64_t kCoverageCases = 800;

  std::vector<VerifiedSubject> subjects = {};
  std::vector<PooledError> errors = {};
  std::vector<VerifyFailure> failures = {};

  bool passed() const { return failures.empty(); }
};

// Half of the cases have tiny fake caches, so that every loop of the blocking runs several times.
// Each case runs in a child process, so that a read or a write outside the operands is reported
// like any other failure; a failing case is shrunk to the smallest that still fails. Throws Error
// for an unknown algorithm, a target that the machine cannot run, or a problem that is not forward.
PLAIT_API VerifyReport verify(const VerifyOptions& options = {});

// How many units in the last place the outputs of two algorithms are apart, on the same data.
struct UlpReport {
  std::int64_t outputs = 0;
  std::int64_t equal = 0;  // outputs that are equal bit for bit, or both NaN
  double mean_ulps = 0;
  std::uint64_t max_ulps = 0;
  double max_difference = 0;
  // rms error / rms output of each algorithm against the f64 reference.
  double first_rms = 0;
  double second_rms = 0;
};

// Compares the outputs of two algorithms; `limits.algorithm` is ignored. The data are those of the
// error classes, drawn with `seed`. Throws Error if one of the two refuses the problem or it is not
// forward, and with Status::cancelled once *cancel is set.
PLAIT_API UlpReport compare(const Problem& problem, const std::string& first,
                            const std::string& second, const Limits& limits = {},
                            const Machine& machine = host_machine(), std::uint64_t seed = 1,
                            const std::atomic<bool>* cancel = nullptr);

}  // namespace plait
