// Measurements as text for people.
#pragma once

#include <string>
#include <vector>

#include "measure/compute.hpp"

namespace plait::cli {

// Several convolutions together.
struct Totals {
  double seconds = 0;
  std::int64_t multiplications = 0;
  bool kept_bound = true;

  double gflops() const {
    return seconds > 0 ? 2e-9 * static_cast<double>(multiplications) / seconds : 0;
  }
};
Totals totals_of(const std::vector<Measured>& measured);

std::string count_text(std::int64_t count);  // "26,843,545,600", for counts from 0
std::string seconds_text(double seconds);    // "1.23 ms"
std::string bytes_text(double bytes);        // "64 B", "9.19 KiB", "1 MiB"
std::string percent_text(double share);      // "54 %" of 0.54

// Cells as columns as wide as their widest cell: the first `left_columns` to the left, the others
// to the right. Rows may end early.
std::string table_text(const std::vector<std::vector<std::string>>& rows, std::size_t left_columns);
// Which output of those measured is farthest beyond its bound, and what it should be.
std::string broken_bound_text(const std::vector<Measured>& measured);
std::string measured_text(const Measured& measured);
std::string totals_text(const Totals& totals, std::size_t convolutions);

}  // namespace plait::cli
