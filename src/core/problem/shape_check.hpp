// Checks on shapes that more than one face of the library makes, so that all say the same words.
#pragma once

#include <cstdint>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

// Throws Error unless x has c_i/groups * groups channels. Both shapes are in logical order (n x c_i
// x h x w, c_o x c_i/groups x k_h x k_w), groups >= 1; the message prints x as it lies in
// `x_layout` and guesses the likely cause.
void check_channels(const Dims& x_shape_nchw, const Dims& kernel_shape, std::int64_t groups,
                    Layout x_layout = Layout::nchw);

}  // namespace plait
