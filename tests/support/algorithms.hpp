// Going over all algorithms: which lines each takes, and what it promises beyond the contract.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <plait/plan.hpp>

namespace plait::test {

// What an algorithm promises that neither its refusals nor its cost tell.
struct Traits {
  std::string_view algorithm;
  bool keeps_any_cap = true;       // it plans within any cap on the workspace, even 0
  bool takes_tile_columns = true;  // Limits::tile_columns chooses among its register tiles
  bool sums_in_chunks = true;      // over (c, u, v) in chunks of 256 terms: docs/testing.md, Bits
  bool is_vectorised = true;       // compiled for each target, with tasks for several threads
};

// The row of the table in algorithms.cpp. An algorithm without one is expected to promise
// everything; AlgorithmTraits in tests/algorithms/algorithms_test.cpp asks for its row.
const Traits& traits_of(const std::string& algorithm);
std::span<const Traits> all_traits();

// Limits that force an algorithm, of whatever error class it is.
Limits only(const std::string& algorithm, int threads = 2);

// Whether the algorithm takes the problem within these limits. Fails the test when it refuses
// without naming itself and a reason.
bool takes(const std::string& algorithm, const Problem& problem, Limits limits = {},
           const Machine& machine = host_machine());

// Small layers of many kinds: for each algorithm there must be one that it takes.
std::span<const char* const> small_layers();

// Those of the lines that the algorithm takes, and the first of them. With none at all the test
// fails and says where to add a line.
std::vector<std::string> lines_for(const std::string& algorithm,
                                   std::span<const char* const> lines = small_layers());
Problem problem_for(const std::string& algorithm,
                    std::span<const char* const> lines = small_layers());

// x with everything moved down and to the right; zeros come in.
Tensor<float> moved(const Tensor<float>& x, std::int64_t down, std::int64_t right);

// One algorithm on one target, as the parameter of a test.
struct Subject {
  std::string algorithm;
  Target target;
};
void PrintTo(const Subject& subject, std::ostream* out);
std::string name_of_subject(const testing::TestParamInfo<Subject>& info);
std::vector<Subject> all_subjects();  // every algorithm on every target that runs here

// The name of an algorithm as GoogleTest allows it in names of tests: without a slash.
std::string identifier_of(std::string algorithm);

}  // namespace plait::test
