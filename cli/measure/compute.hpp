// Convolutions, run and measured: how long one takes, how far it is from the reference, and both in
// words and as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <plait/analysis/accuracy.hpp>
#include <plait/plan.hpp>

#include "io/json.hpp"

namespace plait::cli {

struct Measured {
  std::string name;  // within a module; empty for a single convolution
  Explanation explanation;
  RunReport ran;            // as the code that ran reports it
  std::int64_t runs = 0;    // timed
  double seconds = 0;       // median of them, packing excluded
  double pack_seconds = 0;  // once
  std::int64_t multiplications = 0;
  double error_bound = 0;
  ErrorReport error;

  // Two operations, a product and a sum, per multiplication of the problem.
  double gflops() const {
    return seconds > 0 ? 2e-9 * static_cast<double>(multiplications) / seconds : 0;
  }
  bool kept_bound() const { return error.worst_bound_share <= 1; }
};

// Elements between the first and the last that such a view touches, both included.
std::int64_t span_of(const Dims& shape, const Dims& strides);

// Throws Error, before anything is allocated, when so many bytes do not fit in the machine's
// memory. `of` says what they are for.
void check_memory(double bytes, const std::string& of);
// The same for the tensors and the workspace of a plan.
void check_memory(const Plan& plan);

// Packs the weights, times runs for about `budget_seconds`, and compares y with the reference.
// Throws Error (Status::cancelled) on an interrupt.
template <class T>
Tensor<T> run_and_measure(const Plan& plan, const Tensor<T>& x, const Tensor<T>& kernel,
                          const Tensor<T>* bias, double budget_seconds, Measured& measured);

// Several convolutions together.
struct Totals {
  double seconds = 0;
  std::int64_t multiplications = 0;
  bool kept_bound = true;

  double gflops() const {
    return seconds > 0 ? 2e-9 * static_cast<double>(multiplications) / seconds : 0;
  }
};
Totals totals_of(const std::vector<Measured>& measured);

// Which output of those measured is farthest beyond its bound, and what it should be.
std::string broken_bound_text(const std::vector<Measured>& measured);
std::string measured_text(const Measured& measured);
std::string totals_text(const Totals& totals, std::size_t convolutions);
Json to_json(const ErrorReport& error, double bound);
Json to_json(const Measured& measured);

}  // namespace plait::cli
