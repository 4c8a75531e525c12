// Numbers and tables as people read them: what plans, the program and the Python package print.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/export.hpp>

namespace plait {

PLAIT_API std::string seconds_text(double seconds);            // "1.24 ms"; from us to s
PLAIT_API std::string bytes_text(std::int64_t bytes);          // "64 B", "9.19 KiB", "1 MiB"
PLAIT_API std::string count_text(std::int64_t count);          // "115,605,504"
PLAIT_API std::string rounded_count_text(std::int64_t count);  // "115.6 M"
PLAIT_API std::string percent_text(double share);              // "54 %" of 0.54
PLAIT_API std::string factor_text(double factor);              // "1.80x", "353x"
PLAIT_API std::string short_text(double value);                // "0.31", "2.1e-07"
PLAIT_API std::string error_text(double error);                // "2.1e-07", with its exponent
// "1 group", "4 groups".
PLAIT_API std::string counted(std::int64_t count, const std::string& noun);

struct TableLayout {
  std::size_t left_columns = 1;  // aligned to the left; those after them to the right
  bool words_last = false;       // whether the last column of the longest rows is to the left too
  std::string indent = {};       // in front of each line
};

// Rows of cells as lines, each column as wide as its widest cell. Rows may end early.
PLAIT_API std::string table_text(const std::vector<std::vector<std::string>>& rows,
                                 const TableLayout& layout = {});

}  // namespace plait
