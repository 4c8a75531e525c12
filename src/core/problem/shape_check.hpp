// Checks of shapes that several callers make, so that all give the same message.
#pragma once

#include <cstdint>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

// Throws Error unless x[n, c_i, h, w] has as many channels as weight[c_o, c_i/groups, k_h, k_w] and
// `groups` >= 1 ask for. The message prints x in the order of `x_layout` and names the likely
// cause.
void check_channels(const Dims& x_shape_nchw, const Dims& weight_shape, std::int64_t groups,
                    Layout x_layout = Layout::nchw);

}  // namespace plait
