#include "io/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace plait::cli {

Totals totals_of(const std::vector<Measured>& measured) {
  Totals totals;
  for (const Measured& one : measured) {
    totals.seconds += one.seconds;
    totals.multiplications += one.multiplications;
    totals.kept_bound = totals.kept_bound && one.kept_bound();
  }
  return totals;
}

std::string count_text(std::int64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

std::string seconds_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} s", seconds);
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return bytes < 1000 ? fmt::format("{:.3g} {}", bytes, kUnits[unit])
                      : fmt::format("{:.0f} {}", bytes, kUnits[unit]);
}

std::string percent_text(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       std::size_t left_columns) {
  std::vector<std::size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? "" : "  ";
      line += i < left_columns ? fmt::format("{:<{}}", row[i], widths[i])
                               : fmt::format("{:>{}}", row[i], widths[i]);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string measured_text(const Measured& measured) {
  const ErrorReport& error = measured.error;
  std::string text;
  text += fmt::format("time      {}, median of {} run{}; packing the weights {}\n",
                      seconds_text(measured.seconds), measured.runs, measured.runs == 1 ? "" : "s",
                      seconds_text(measured.pack_seconds));
  text += fmt::format("rate      {:.3g} GFLOP/s\n", measured.gflops());
  if (measured.ran.direct_tiles > 0) {
    text += fmt::format("tiles     {}, of which {} by direct sums: their inputs differ too much\n",
                        count_text(measured.ran.tiles), count_text(measured.ran.direct_tiles));
  }
  text += fmt::format("error     rms {:.2g} of the output's, largest {:.2g}, {:.2g} of its bound",
                      error.relative_rms(), error.max_error, error.worst_bound_share);
  text += error.checked == error.outputs
              ? fmt::format(" (all {} outputs)\n", error.outputs)
              : fmt::format(" ({} of {} outputs)\n", error.checked, error.outputs);
  return text;
}

std::string broken_bound_text(const std::vector<Measured>& measured) {
  const auto share = [](const Measured& one) { return one.error.worst_bound_share; };
  const auto worst =
      std::max_element(measured.begin(), measured.end(),
                       [&](const Measured& a, const Measured& b) { return share(a) < share(b); });
  const ErrorReport& error = worst->error;
  return fmt::format(
      "{}output [{}, {}, {}, {}] is {:.9g} but {:.9g} by the reference, {:.3g} times as far from "
      "it "
      "as its bound allows",
      worst->name.empty() ? "" : worst->name + ": ", error.worst_at[0], error.worst_at[1],
      error.worst_at[2], error.worst_at[3], error.worst_computed, error.worst_exact,
      error.worst_bound_share);
}

std::string totals_text(const Totals& totals, std::size_t convolutions) {
  return fmt::format("total     {} for {} convolutions, {:.3g} GFLOP/s\n",
                     seconds_text(totals.seconds), convolutions, totals.gflops());
}

}  // namespace plait::cli
