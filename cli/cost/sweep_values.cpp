#include "cost/sweep_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include <plait/error.hpp>

#include "app/fail.hpp"

namespace plait::cli {
namespace {

constexpr SweepVariable kVariables[] = {
    {"k", "both kernel sizes", [](Problem& p, std::int64_t v) { p.k_h = p.k_w = v; }},
    {"kh", "the kernel's height", [](Problem& p, std::int64_t v) { p.k_h = v; }},
    {"kw", "the kernel's width", [](Problem& p, std::int64_t v) { p.k_w = v; }},
    {"c", "input and output channels", [](Problem& p, std::int64_t v) { p.c_i = p.c_o = v; }},
    {"ci", "input channels", [](Problem& p, std::int64_t v) { p.c_i = v; }},
    {"co", "output channels", [](Problem& p, std::int64_t v) { p.c_o = v; }},
    {"size", "the input's height and width", [](Problem& p, std::int64_t v) { p.h = p.w = v; }},
    {"h", "the input's height", [](Problem& p, std::int64_t v) { p.h = v; }},
    {"w", "the input's width", [](Problem& p, std::int64_t v) { p.w = v; }},
    {"n", "images in the batch", [](Problem& p, std::int64_t v) { p.n = v; }},
    {"groups", "of channels", [](Problem& p, std::int64_t v) { p.groups = v; }},
    {"stride", "of both axes", [](Problem& p, std::int64_t v) { p.stride = v; }},
    {"dilation", "of both axes", [](Problem& p, std::int64_t v) { p.dilation = v; }},
    {"padding", "on all four sides", [](Problem& p, std::int64_t v) { p.padding = v; }},
};

constexpr const char* kForms = "FIRST..LAST, FIRST..LAST:STEP, FIRST..LAST*FACTOR or a list A,B,C";

const SweepVariable& variable_of(std::string_view name) {
  std::string known;
  for (const SweepVariable& variable : kVariables) {
    if (name == variable.name) return variable;
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", variable.name, variable.meaning);
  }
  fail(fmt::format("--sweep cannot vary '{}'; known: {}", name, known));
}

// Parses what stands behind "NAME=". `text` is the whole argument, for messages.
class ValuesParser {
 public:
  ValuesParser(const std::string& text, std::string_view values) : text_(text), values_(values) {}

  std::vector<std::int64_t> parse() const {
    const std::size_t dots = values_.find("..");
    if (dots == std::string_view::npos || values_.find(',') != std::string_view::npos) {
      return list();
    }
    const std::string_view rest = values_.substr(dots + 2);
    const std::size_t mark = rest.find_first_of(":*");
    const std::int64_t first = number(values_.substr(0, dots));
    const std::int64_t last = number(rest.substr(0, mark));
    if (first > last) {
      fail(fmt::format("--sweep {} has no values: {} is past {}", text_, first, last));
    }
    if (mark == std::string_view::npos) return arithmetic(first, last, 1);
    const std::int64_t by = number(rest.substr(mark + 1));
    return rest[mark] == ':' ? arithmetic(first, last, by) : geometric(first, last, by);
  }

 private:
  std::int64_t number(std::string_view piece) const {
    std::int64_t value = 0;
    const char* const end = piece.data() + piece.size();
    const auto [stop, error] = std::from_chars(piece.data(), end, value);
    if (error == std::errc::invalid_argument || stop != end) {
      fail(fmt::format("'{}' in --sweep {} is not a whole number (values are {})", piece, text_,
                       kForms));
    }
    if (error == std::errc::result_out_of_range) {
      fail(fmt::format("{} in --sweep {} does not fit in 64 bits", piece, text_));
    }
    return value;
  }

  [[noreturn]] void too_many(const std::string& count) const {
    fail(fmt::format("--sweep {} has {} values but at most {} are taken", text_, count,
                     kMaxSweepValues));
  }

  std::vector<std::int64_t> list() const {
    const auto count =
        static_cast<std::size_t>(std::count(values_.begin(), values_.end(), ',')) + 1;
    if (count > kMaxSweepValues) too_many(std::to_string(count));
    std::vector<std::int64_t> values;
    values.reserve(count);
    std::string_view rest = values_;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      values.push_back(number(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return values;
  }

  std::vector<std::int64_t> arithmetic(std::int64_t first, std::int64_t last,
                                       std::int64_t step) const {
    if (step < 1) fail(fmt::format("the step of --sweep {} must be at least 1", text_));
    // Unsigned: last - first may pass 2^63.
    const std::uint64_t steps =
        (static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first)) /
        static_cast<std::uint64_t>(step);
    if (steps >= kMaxSweepValues) too_many(fmt::format("{} + 1", steps));
    std::vector<std::int64_t> values = {first};
    values.reserve(steps + 1);
    for (std::uint64_t i = 0; i < steps; ++i) values.push_back(values.back() + step);
    return values;
  }

  std::vector<std::int64_t> geometric(std::int64_t first, std::int64_t last,
                                      std::int64_t factor) const {
    if (factor < 2) fail(fmt::format("the factor of --sweep {} must be at least 2", text_));
    if (first < 1) fail(fmt::format("--sweep {} multiplies, so it must start at 1 or more", text_));
    std::vector<std::int64_t> values = {first};
    while (values.back() <= last / factor) values.push_back(values.back() * factor);
    return values;
  }

  const std::string& text_;
  std::string_view values_;
};

}  // namespace

std::span<const SweepVariable> sweep_variables() { return kVariables; }

Sweep parse_sweep(const std::string& text) {
  const std::string_view view = text;
  const std::size_t equals = view.find('=');
  if (equals == std::string_view::npos) {
    fail(fmt::format("--sweep takes NAME=VALUES, such as k=1..15, but is '{}'", text));
  }
  const SweepVariable& variable = variable_of(view.substr(0, equals));
  const std::string_view values = view.substr(equals + 1);
  if (values.empty()) fail(fmt::format("--sweep {} has no values (they are {})", text, kForms));
  return {text, &variable, ValuesParser(text, values).parse()};
}

Problem swept(const Problem& problem, const SweepVariable& variable, std::int64_t value,
              bool same) {
  Problem one = problem;
  variable.set(one, value);
  one.x_strides.reset();
  one.y_strides.reset();
  one.residual_strides.reset();
  if (same) {
    Problem unstrided = one;
    unstrided.stride = 1;
    one.padding = same_padding(unstrided, true);
  }
  return one;
}

}  // namespace plait::cli
