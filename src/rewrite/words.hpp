// Numbers and tables as people read them, in what is told of rewritten layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plait::rewrite {

std::string short_text(double value);                              // "0.31", "2.1e-07"
std::string full_count_text(std::int64_t count);                   // "36,864"
std::string counted(std::int64_t count, const std::string& noun);  // "1 group", "4 groups"

// Columns as wide as their widest cell: the first to the left, the others to the right; the last
// one of the longest rows, of words, to the left. Each line starts with `indent`.
std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       const std::string& indent = "");

}  // namespace plait::rewrite
