// The functions that an output can pass through once its sum, bias and residual are added.
#pragma once

#include <string_view>

#include <plait/export.hpp>

namespace plait {

// v; max(v, 0), relu6 at most 6; leaky: slope * v where v < 0; hswish(v) = v * relu6(v + 3) / 6;
// silu(v) = v * sigmoid(v); sigmoid(v) = 1 / (1 + exp(-v)); tanh v. NaN stays NaN, and an infinity
// gives the limit: -0 at -inf for hswish, silu and a slope of 0.
enum class ActivationKind { none, relu, relu6, leaky, hswish, silu, sigmoid, tanh };

struct Activation {
  ActivationKind kind = ActivationKind::none;
  double slope = 0;  // of `leaky` for negative arguments

  friend constexpr bool operator==(const Activation&, const Activation&) = default;
};

PLAIT_API double apply(const Activation& activation, double value);

PLAIT_API std::string_view name_of(ActivationKind kind);

}  // namespace plait
