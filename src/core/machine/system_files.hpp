// Small readers for the text files in which Linux describes a machine (/proc, /sys). A file that is
// absent or malformed reads as "unknown", never as an error: containers hide any of them.
#pragma once

#include <charconv>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace plait {

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

inline std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::string text;
  // Unlike a bare streambuf, getline does not throw when the read fails (a folder, a dead group).
  std::getline(file, text, '\0');
  return file.bad() ? std::nullopt : std::optional(std::move(text));
}

// The whole text as a number; surrounding space is allowed, anything else is not.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  text = trimmed(text);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "32K", "1M" or plain bytes.
inline std::optional<std::int64_t> parse_size(std::string_view text) {
  text = trimmed(text);
  int shift = 0;
  if (text.ends_with('K')) shift = 10;
  if (text.ends_with('M')) shift = 20;
  if (shift != 0) text.remove_suffix(1);
  const auto number = parse_number<std::int64_t>(text);
  // No cache is larger than 2^40 bytes; the bound also keeps the shift from overflowing.
  if (!number || *number <= 0 || *number > (std::int64_t{1} << (40 - shift))) return std::nullopt;
  return *number << shift;
}

template <class Number>
std::optional<Number> read_number(const std::string& path) {
  const auto text = read_text(path);
  return text ? parse_number<Number>(*text) : std::nullopt;
}

}  // namespace plait
