// Numbers as people read them, for reasons and tables.
#pragma once

#include <cstdint>
#include <string>

namespace plait {

std::string scientific(double value);        // "2.1e-07"
std::string seconds_text(double seconds);    // "1.24 ms"
std::string factor_text(double factor);      // "1.8x"
std::string count_text(std::int64_t count);  // "115.6 M"
std::string bytes_text(std::size_t bytes);   // "1.5 MiB"

}  // namespace plait
