// Checks on shapes that more than one face of the library makes, so that all say the same words.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait {

__extension__ typedef __int128 Int128;

std::string to_string(Int128 value);

// No count of elements, bytes or operations passes this: sums of two still fit in 64 bits.
inline constexpr std::int64_t kCountLimit = std::int64_t{1} << 62;

// The product of factors >= 0, or nothing if it passes `limit`. A zero factor makes it 0.
std::optional<std::int64_t> bounded_product(std::initializer_list<std::int64_t> factors,
                                            std::int64_t limit = kCountLimit);

// Throws Error unless x has c_i/groups * groups channels. Both shapes are in logical order (n x c_i
// x h x w, c_o x c_i/groups x k_h x k_w), groups >= 1; the message prints x as it lies in
// `x_layout` and guesses the likely cause.
void check_channels(const Dims& x_shape_nchw, const Dims& kernel_shape, std::int64_t groups,
                    Layout x_layout = Layout::nchw);

}  // namespace plait
