// What a problem must satisfy, rule by rule, and which part of it breaks the rule: validate()
// throws the message, the problem line's parser adds the column of the part.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <plait/problem.hpp>

namespace plait {

// The parts of a problem as its line writes them.
enum class Part {
  x,
  weight,
  stride,
  padding,
  padding_mode,
  dilation,
  groups,
  bias,
  residual,
  activation,
  dtype,
  layout,
  direction,
  x_strides,
  y_strides,
  residual_strides,
};
inline constexpr int kParts = static_cast<int>(Part::residual_strides) + 1;

struct BrokenRule {
  Part part;
  std::string message;
};

// Sizes, stride, dilation, groups: what must hold before anything can be computed from them.
std::optional<BrokenRule> broken_number(const Problem& problem);

// The first rule that the problem breaks, or nothing.
std::optional<BrokenRule> broken_rule(const Problem& problem);

// "1x64x56x56" and "64x64x3x3", whatever the numbers.
std::string x_text(const Problem& problem);
std::string weight_text(const Problem& problem);

// Whether a run reads a bias: gradients do not.
bool reads_bias(const Problem& problem);

// Throws Error, "<what> the forward direction, not backward_data", for any other one.
void require_forward(const Problem& problem, std::string_view what);

}  // namespace plait
