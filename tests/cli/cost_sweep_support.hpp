// `plait cost --sweep` as the tests of its figures and of its plots call it.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "support.hpp"

namespace plait::cli {

inline constexpr const char* kSweptLayer = "1x4x12x12,6x4x3x3,p1";

inline Outcome sweep(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "cost");
  return run_plait(arguments);
}

inline nlohmann::json sweep_json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Outcome outcome = sweep(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return nlohmann::json::parse(outcome.out);
}

inline std::string sweep_error(const std::vector<std::string>& arguments) {
  const Outcome outcome = sweep(arguments);
  EXPECT_EQ(outcome.code, 2) << outcome.out;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  return outcome.err;
}

}  // namespace plait::cli
