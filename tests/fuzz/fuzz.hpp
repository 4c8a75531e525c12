// What the fuzz targets share. A target is a function of any bytes that ends the process when a
// promise is broken: libFuzzer, or the replay of the seeds, then shows the bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <plait/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace plait::fuzz {

inline void require(bool holds, const std::string& promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise.c_str());
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The status is the promised one, and what() is one line without control characters.
inline void check_error(const Error& error, Status status) {
  const std::string text = error.what();
  require(error.status() == status, "another status goes with: " + text);
  require(!text.empty() && std::none_of(text.begin(), text.end(),
                                        [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
          "an error is one printable line: " + text);
}

}  // namespace plait::fuzz
