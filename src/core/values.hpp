// The values of the problem line's options, to and from text. Numbers read and print the same in
// every locale. Every Error names the text it refuses, in one printable line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <plait/problem.hpp>

namespace plait {

// The text in quotes, with ? for control characters, and without its tail if it is long.
std::string quoted(std::string_view text);

// The pieces between separators; one empty piece for an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

std::int64_t parse_integer(std::string_view text);
double parse_real(std::string_view text);
Dims parse_strides(std::string_view text);  // "A_B_C_D", n_c_h_w

// The inverses of parse_real, parse_pair, parse_padding, parse_strides and parse_activation.
std::string real_text(double value);  // the shortest text that reads back as the same value
std::string pair_text(const Pair& pair);
std::string padding_text(const Padding& padding);
std::string strides_text(const Dims& strides);
// All four sides, for messages that must show which one is meant: "1_1_0_0
// (top_bottom_left_right)".
std::string sides_text(const Padding& padding);
std::string activation_text(const Activation& activation);

}  // namespace plait
