// The rules that a problem must satisfy, and which part of it breaks one: validate() throws the
// message, and the parser of problem lines adds the column of the part.
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

// The first broken rule of sizes, stride, dilation and groups alone: these must hold before
// anything can be computed from them.
std::optional<BrokenRule> broken_number(const Problem& problem);

// The first rule that the problem breaks, or nothing.
std::optional<BrokenRule> broken_rule(const Problem& problem);

// "1x64x56x56" and "64x64x3x3", also for problems that are not valid.
std::string x_text(const Problem& problem);
std::string weight_text(const Problem& problem);

// Whether a run reads a bias: gradients do not.
bool reads_bias(const Problem& problem);

// Throws Error, "<what> the forward direction, not backward_data", for any other one.
void require_forward(const Problem& problem, std::string_view what);

}  // namespace plait
