// The cases of `verify`: a problem, the limits and the machine to plan it with, and its data. A
// case depends on its seed alone.
#pragma once

#include <cstdint>
#include <string>

#include <plait/machine.hpp>
#include <plait/plan.hpp>
#include <plait/problem.hpp>

#include "core/random.hpp"

namespace plait {

enum class DataKind {
  relu_like,    // the data of the error classes
  wide_range,   // magnitudes from 2^-20 to 2^20, so that sums cancel
  one_channel,  // one channel a million times larger than the others
  integers,     // small whole numbers, whose sums are exact
  alternating,  // signs that make transformed values at negative points large, and sums cancel
  outliers,     // some values up to 2^40 times larger than the others
  spots,        // zeros except in some rectangles
  not_finite,   // NaN and infinities among the inputs, and one time in three among the weights
  subnormal,    // some inputs or weights below the smallest normal number
};

struct Case {
  Problem problem;
  Limits limits;
  Machine machine;
  DataKind data = DataKind::relu_like;
  bool guard_behind = true;  // inaccessible memory lies behind the operands; false: before them
  std::uint64_t data_seed = 1;
};

// A valid forward problem. Edge cases are frequent: one output, stride > kernel, padding >= kernel,
// prime numbers of channels, groups, deep sums, 1x1 kernels, many output channels, strided x and y.
// One in four has options that few algorithms take: padding modes, activations, a residual, f64.
Problem random_problem(Random& random, std::int64_t max_multiplications);

// This machine with tiny caches and cheap threads, so that every loop of the blocking runs several
// times on small problems.
Machine with_fake_caches(Machine machine, Random& random);

// Limits for one algorithm: threads, a cap on the workspace, packing and, in half of the cases, the
// number of tile columns.
Limits random_limits(const std::string& algorithm, Accuracy accuracy, const Machine& machine,
                     Random& random);

// A random case around `problem`, which `algorithm` may still refuse.
Case random_case(const Problem& problem, const std::string& algorithm, Accuracy accuracy,
                 const Machine& machine, Random& random);

std::string_view name_of(DataKind kind);
// The case in one line, without the seed of its data.
std::string to_string(const Case& test);

}  // namespace plait
