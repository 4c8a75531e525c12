#include "core/values.hpp"

#include <array>
#include <charconv>
#include <system_error>

#include "core/refuse.hpp"

namespace plait {
namespace {

[[noreturn]] void refuse_text(std::string_view text, const std::string& reason) {
  refuse(quoted(text) + " " + reason);
}

// The whole text as one number, or an Error that says what it is not.
template <class Number>
Number parse_number(std::string_view text, const char* kind, const char* range) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::invalid_argument || stop != end) {
    refuse_text(text, std::string("is not a ") + kind);
  }
  if (error == std::errc::result_out_of_range)
    refuse_text(text, std::string("does not fit ") + range);
  return value;
}

std::vector<std::int64_t> parse_integers(std::string_view text, char separator) {
  std::vector<std::int64_t> values;
  for (const std::string_view piece : split(text, separator)) {
    if (piece.empty()) refuse_text(text, "lacks a number");
    values.push_back(parse_integer(piece));
  }
  return values;
}

constexpr std::array kActivations = {
    ActivationKind::relu, ActivationKind::relu6,   ActivationKind::leaky, ActivationKind::hswish,
    ActivationKind::silu, ActivationKind::sigmoid, ActivationKind::tanh};

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string result = "\"";
  for (const char c : text.substr(0, kLongest)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    result.push_back(control ? '?' : c);
  }
  return result + (text.size() > kLongest ? "...\"" : "\"");
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

std::int64_t parse_integer(std::string_view text) {
  return parse_number<std::int64_t>(text, "whole number", "in 64 bits");
}

double parse_real(std::string_view text) {
  return parse_number<double>(text, "number", "in a double");
}

Pair parse_pair(std::string_view text) {
  const auto values = parse_integers(text, 'x');
  if (values.size() > 2) refuse_text(text, "is not a number or a pair such as 2x1");
  return {values.front(), values.back()};
}

Padding parse_padding(std::string_view text, const Problem& of) {
  if (text == "same_upper") return same_padding(of, true);
  if (text == "same_lower") return same_padding(of, false);
  if (text == "valid") return 0;
  if (text == "full") return full_padding(of);
  if (text.find_first_not_of("0123456789-x_") == std::string_view::npos) {
    const bool four_sides = text.find('_') != std::string_view::npos;
    const auto sides = parse_integers(text, four_sides ? '_' : 'x');
    if (four_sides && sides.size() == 4) return {sides[0], sides[1], sides[2], sides[3]};
    if (!four_sides && sides.size() <= 2) return {sides.front(), sides.back()};
  }
  refuse_text(text,
              "is not a padding such as 1, 1x2, 2_3_2_3 (top_bottom_left_right), same_upper, "
              "same_lower, full or valid");
}

Activation parse_activation(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  const bool with_slope = name.size() < text.size();
  for (const ActivationKind kind : kActivations) {
    if (name != name_of(kind)) continue;
    if (kind == ActivationKind::leaky) {
      if (!with_slope) refuse_text(text, "needs its slope, as in leaky:0.1");
      return {kind, parse_real(text.substr(name.size() + 1))};
    }
    if (with_slope) refuse_text(text, "has a slope, which only leaky takes");
    return {kind, 0};
  }
  std::string known;
  for (const ActivationKind kind : kActivations) {
    known += (known.empty() ? "" : ", ") + std::string(name_of(kind)) +
             (kind == ActivationKind::leaky ? ":0.1" : "");
  }
  refuse_text(text, "is not an activation (known: " + known + ")");
}

Dims parse_strides(std::string_view text) {
  const auto values = parse_integers(text, '_');
  if (values.size() != 4) {
    refuse_text(text, "needs 4 strides n_c_h_w but has " + std::to_string(values.size()));
  }
  return {values[0], values[1], values[2], values[3]};
}

std::string real_text(double value) {
  std::array<char, 32> digits;  // the longest double prints in 24
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end};
}

std::string pair_text(const Pair& pair) {
  return std::to_string(pair.h) + (pair.h == pair.w ? "" : "x" + std::to_string(pair.w));
}

std::string padding_text(const Padding& p) {
  if (p.top == p.bottom && p.left == p.right) return pair_text({p.top, p.left});
  return strides_text({p.top, p.bottom, p.left, p.right});
}

std::string sides_text(const Padding& p) {
  return strides_text({p.top, p.bottom, p.left, p.right}) + " (top_bottom_left_right)";
}

std::string strides_text(const Dims& strides) {
  std::string text;
  for (const std::int64_t stride : strides) {
    text += (text.empty() ? "" : "_") + std::to_string(stride);
  }
  return text;
}

std::string activation_text(const Activation& activation) {
  const std::string name(name_of(activation.kind));
  return activation.kind == ActivationKind::leaky ? name + ":" + real_text(activation.slope) : name;
}

}  // namespace plait
