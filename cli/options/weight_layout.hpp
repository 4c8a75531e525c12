// Weights come as c_o x c_i/groups x k_h x k_w (OIHW: torch, ONNX, plait) or as k_h x k_w x
// c_i/groups x c_o (HWIO: tensorflow, Keras). Some shapes are legal as both.
#pragma once

#include <cstdint>

#include <plait/tensor.hpp>

namespace plait::cli {

// Whether a weight of two or one spatial axes fits an input of so many channels as HWIO (or LIO).
bool fits_as_hwio(const Dims& weight, std::int64_t channels, std::int64_t groups);

// For a weight of two or one spatial axes whose layout the caller did not name. Throws Error
// (Status::invalid_argument) where reading it as OIHW is a likely mistake for an input of so many
// channels. Either it does not fit as OIHW but fits as HWIO. Or x has its channels last, the weight
// fits as both, its kernel read as OIHW is over 8 times longer than wide, and read as HWIO it is a
// usual one.
void check_weight_layout(const Dims& weight, std::int64_t channels, std::int64_t groups,
                         bool channels_last);

}  // namespace plait::cli
