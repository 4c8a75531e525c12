#include <plait/text.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace plait {
namespace {

std::string format(const char* pattern, double value, const char* unit = "") {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, value, unit);
  return text.data();
}

}  // namespace

// The limits below are where the printed digits would round up to the first value of the next
// unit.

std::string seconds_text(double seconds) {
  if (seconds < 0) return "-" + seconds_text(-seconds);
  if (seconds < 999.5e-6) return format("%.3g %s", seconds * 1e6, "us");
  if (seconds < 999.5e-3) return format("%.3g %s", seconds * 1e3, "ms");
  return format(seconds < 999.5 ? "%.3g %s" : "%.0f %s", seconds, "s");
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; std::abs(value) >= 1023.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return format(std::abs(value) < 999.5 ? "%.3g %s" : "%.0f %s", value, kUnits[unit]);
}

std::string count_text(std::int64_t count) {
  std::string text = std::to_string(count);
  const std::size_t first = count < 0 ? 2 : 1;  // a comma goes after a digit
  for (std::size_t end = text.size(); end >= first + 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

std::string rounded_count_text(std::int64_t count) {
  const auto value = static_cast<double>(count);
  const double size = std::abs(value);
  if (size < 1e4) return std::to_string(count);
  if (size < 999.95e3) return format("%.1f %s", value / 1e3, "k");
  if (size < 999.95e6) return format("%.1f %s", value / 1e6, "M");
  return format("%.2f %s", value / 1e9, "G");
}

std::string percent_text(double share) { return format("%.0f %%", 100 * share); }

std::string factor_text(double factor) {
  return format(factor < 9.995 ? "%.2fx" : "%.0fx", factor);
}

std::string short_text(double value) { return format("%.2g", value); }

std::string error_text(double error) { return format("%.1e", error); }

std::string counted(std::int64_t count, const std::string& noun) {
  return count_text(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       const TableLayout& layout) {
  std::vector<std::size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line = layout.indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      const bool left = i < layout.left_columns || (layout.words_last && i + 1 == widths.size());
      line += (i == 0 ? "" : "  ") + (left ? row[i] + space : space + row[i]);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace plait
