#include "support/algorithms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "support/random.hpp"

namespace plait::test {
namespace {

constexpr Traits winograd(std::string_view algorithm) {
  return {algorithm, /*keeps_any_cap=*/false, /*takes_tile_columns=*/false,
          /*sums_in_chunks=*/false};
}

constexpr std::array kTraits = {
    Traits{.algorithm = "depthwise", .keeps_any_cap = false},
    Traits{.algorithm = "direct/channels", .keeps_any_cap = false},
    Traits{.algorithm = "direct/pixels", .keeps_any_cap = false},
    Traits{.algorithm = "im2col"},
    Traits{.algorithm = "pointwise"},
    Traits{.algorithm = "reference",
           .takes_tile_columns = false,
           .sums_in_chunks = false,
           .is_vectorised = false},
    winograd("winograd/f2x3"),
    winograd("winograd/f2x5"),
    winograd("winograd/f2x7"),
    winograd("winograd/f3x5"),
    winograd("winograd/f4x3"),
    winograd("winograd/f4x5"),
    winograd("winograd/f6x3"),
};

constexpr Traits kEverything = {.algorithm = "any other"};

constexpr std::array kSmallLayers = {"2x16x14x19,24x16x3x3,p1",    "2x40x14x13,25x40x1x1",
                                     "2x19x14x33,19x1x3x3,p1,g19", "2x16x15x18,24x16x5x5,p2",
                                     "2x16x11x29,24x16x1x7,p0x3",  "2x12x11x17,24x4x3x3,s2,p1,g3"};

}  // namespace

std::span<const Traits> all_traits() { return kTraits; }

const Traits& traits_of(const std::string& algorithm) {
  const auto row = std::find_if(kTraits.begin(), kTraits.end(),
                                [&](const Traits& t) { return t.algorithm == algorithm; });
  return row == kTraits.end() ? kEverything : *row;
}

Limits only(const std::string& algorithm, int threads) {
  return {.accuracy = Accuracy::relaxed, .threads = threads, .algorithm = algorithm};
}

bool takes(const std::string& algorithm, const Problem& problem, Limits limits,
           const Machine& machine) {
  limits.algorithm = algorithm;
  try {
    plan(problem, limits, machine);
    return true;
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.status(), Status::unsupported) << text;
    EXPECT_NE(text.find(": " + algorithm + ": "), std::string::npos) << text;
    return false;
  }
}

std::span<const char* const> small_layers() { return kSmallLayers; }

std::vector<std::string> lines_for(const std::string& algorithm,
                                   std::span<const char* const> lines) {
  std::vector<std::string> taken;
  for (const char* line : lines) {
    if (takes(algorithm, parse_problem(line), only(algorithm))) taken.emplace_back(line);
  }
  if (taken.empty()) {
    ADD_FAILURE() << algorithm << " takes none of the lines of this test: add one that it does "
                  << "(small_layers() is in tests/support/algorithms.cpp)";
  }
  return taken;
}

Problem problem_for(const std::string& algorithm, std::span<const char* const> lines) {
  const std::vector<std::string> taken = lines_for(algorithm, lines);
  if (taken.empty()) throw std::logic_error("no problem for " + algorithm);
  return parse_problem(taken.front());
}

Tensor<float> moved(const Tensor<float>& x, std::int64_t down, std::int64_t right) {
  Tensor<float> to(x.shape());
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    for (std::int64_t c = 0; c < x.size(1); ++c) {
      for (std::int64_t i = down; i < x.size(2); ++i) {
        for (std::int64_t j = right; j < x.size(3); ++j) {
          to(n, c, i, j) = x(n, c, i - down, j - right);
        }
      }
    }
  }
  return to;
}

void PrintTo(const Subject& subject, std::ostream* out) {
  *out << subject.algorithm << " on " << name_of(subject.target);
}

std::string name_of_subject(const testing::TestParamInfo<Subject>& info) {
  return identifier_of(info.param.algorithm) + "_" + std::string(name_of(info.param.target));
}

std::vector<Subject> all_subjects() {
  std::vector<Subject> all;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    for (const Target target : runnable_targets()) all.push_back({algorithm.name, target});
  }
  return all;
}

std::string identifier_of(std::string algorithm) {
  std::replace(algorithm.begin(), algorithm.end(), '/', '_');
  return algorithm;
}

}  // namespace plait::test
