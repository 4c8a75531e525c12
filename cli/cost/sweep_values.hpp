// What `plait cost --sweep NAME=VALUES` varies, and the values it takes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <plait/problem.hpp>

namespace plait::cli {

inline constexpr std::size_t kMaxSweepValues = 1000;

struct SweepVariable {
  const char* name;
  const char* meaning;
  void (*set)(Problem& problem, std::int64_t value);
};

// In the order that help lists them.
std::span<const SweepVariable> sweep_variables();

struct Sweep {
  std::string text;  // as it was asked for: "k=1..15:2"
  const SweepVariable* variable = nullptr;
  std::vector<std::int64_t> values;  // at least one, in the order asked for
};

// NAME=VALUES, where VALUES are FIRST..LAST, FIRST..LAST:STEP, FIRST..LAST*FACTOR or a list A,B,C.
// Throws Error for an unknown name (and lists the known ones), for a text that is no whole number
// of 64 bits, for no values, and for more than kMaxSweepValues.
Sweep parse_sweep(const std::string& text);

// The problem with this value, and with dense tensors. With `same` it is padded by d (k - 1) rows
// and columns, an odd one to the bottom and right. It may break rules: validate() and cost() say
// which. Throws Error if no padding can be computed.
Problem swept(const Problem& problem, const SweepVariable& variable, std::int64_t value, bool same);

}  // namespace plait::cli
