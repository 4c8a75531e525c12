// Options of commands, and values that are texts of their own: "2x1", "same_upper".
#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include <plait/error.hpp>
#include <plait/problem.hpp>

namespace plait::cli {

// In the order in which users are told of them.
inline constexpr PaddingMode kPaddingModes[] = {PaddingMode::zeros,     PaddingMode::reflect,
                                                PaddingMode::symmetric, PaddingMode::replicate,
                                                PaddingMode::circular,  PaddingMode::constant};

// `type`: what help shows for the value, as in "N" or "FILE".
template <class T>
CLI::Option* add_option(CLI::App& command, const std::string& name, T& value, const char* type,
                        const std::string& help) {
  return command.add_option(name, value, help)->type_name(type);
}

// Accepts numbers between two, both included; help does not show the range.
template <class T>
CLI::Range between(T least, T most) {
  CLI::Range range(least, most);
  range.description("");
  return range;
}

// Sets the value of an option that is given; errors are named after the option.
template <class T, class Parse>
void set_option(const char* name, const std::optional<std::string>& text, T& value, Parse&& parse) {
  if (!text) return;
  try {
    value = parse(*text);
  } catch (const Error& error) {
    throw Error(error.status(), fmt::format("{} {}: {}", name, *text, error.what()));
  }
}

}  // namespace plait::cli
