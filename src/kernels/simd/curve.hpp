// What a finished value passes through.
#pragma once

namespace plait::kernels {

// v; max(v, 0), at most 6; slope v where v < 0; v min(max(v + 3, 0), 6) / 6; v / (1 + exp(-v));
// 1 / (1 + exp(-v)); tanh v. NaN stays NaN, and an infinity gives the limit.
enum class Curve { none, relu, relu6, leaky, hswish, silu, sigmoid, tanh };

}  // namespace plait::kernels
