// Values of options that are texts of their own: "2x1", "same_upper".
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include <plait/error.hpp>
#include <plait/problem.hpp>

namespace plait::cli {

// In the order in which users are told of them.
inline constexpr PaddingMode kPaddingModes[] = {PaddingMode::zeros,     PaddingMode::reflect,
                                                PaddingMode::symmetric, PaddingMode::replicate,
                                                PaddingMode::circular,  PaddingMode::constant};

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
