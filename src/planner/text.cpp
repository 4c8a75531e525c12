#include "planner/text.hpp"

#include <array>
#include <cstdio>

namespace plait {
namespace {

std::string format(const char* pattern, double value, const char* unit = "") {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, value, unit);
  return text.data();
}

}  // namespace

std::string scientific(double value) { return format("%.1e", value); }

// The limits below are where the printed digits would round up to the next unit's first value.

std::string factor_text(double factor) {
  return format(factor < 9.995 ? "%.2fx" : "%.0fx", factor);
}

std::string seconds_text(double seconds) {
  if (seconds < 999.5e-6) return format("%.3g %s", seconds * 1e6, "us");
  if (seconds < 999.5e-3) return format("%.3g %s", seconds * 1e3, "ms");
  return format(seconds < 999.5 ? "%.3g %s" : "%.0f %s", seconds, "s");
}

std::string count_text(std::int64_t count) {
  const auto value = static_cast<double>(count);
  if (value < 1e4) return std::to_string(count);
  if (value < 999.95e3) return format("%.1f %s", value / 1e3, "k");
  if (value < 999.95e6) return format("%.1f %s", value / 1e6, "M");
  return format("%.2f %s", value / 1e9, "G");
}

std::string bytes_text(std::size_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value < 1024) return std::to_string(bytes) + " B";
  if (value < 1023.95 * 1024) return format("%.1f %s", value / 1024, "KiB");
  return format("%.1f %s", value / (1024 * 1024), "MiB");
}

}  // namespace plait
