// The cases of `verify`: a problem, the limits and the machine to plan it with, and its data. Each
// is a function of a seed alone.
#pragma once

#include <cstdint>
#include <string>

#include <plait/machine.hpp>
#include <plait/plan.hpp>
#include <plait/problem.hpp>

#include "core/random.hpp"

namespace plait {

enum class DataKind {
  relu_like,    // of the error classes
  wide_range,   // magnitudes over 2^-20 .. 2^20: sums that cancel
  one_channel,  // one channel a million times larger than the others
  integers,     // nothing to round
  alternating,  // signs that make values at negative points large, and sums over channels cancel
  outliers,     // some values up to 2^40 times larger than the others
  spots,        // zeros, but for some rectangles
  not_finite,   // NaN and infinities among the inputs, and one time in three among the weights
  subnormal,    // inputs or weights below the smallest normal number, beside others
};

struct Case {
  Problem problem;
  Limits limits;
  Machine machine;
  DataKind data = DataKind::relu_like;
  bool guard_behind = true;  // inaccessible memory follows the operands, or precedes them
  std::uint64_t data_seed = 1;
};

// A valid forward problem, edges over-sampled: output size 1, stride > kernel, pad >= kernel, prime
// channels, groups, deep sums, 1x1 kernels, many output channels, strided views in and out. One in
// four has options that few algorithms take: padding modes, activations, a residual, f64.
Problem random_problem(Random& random, std::int64_t max_multiplications);

// This machine with tiny caches and cheap threads, so that every loop level runs several times on
// small problems.
Machine with_fake_caches(Machine machine, Random& random);

// Limits for one algorithm: threads, caps, packing and, on one case in two, some Delta.
Limits random_limits(const std::string& algorithm, Accuracy accuracy, const Machine& machine,
                     Random& random);

// A random case around `problem`, which `algorithm` may still refuse.
Case random_case(const Problem& problem, const std::string& algorithm, Accuracy accuracy,
                 const Machine& machine, Random& random);

std::string_view name_of(DataKind kind);
// The case but its data's seed, in one line.
std::string to_string(const Case& test);

}  // namespace plait
