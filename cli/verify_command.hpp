// `plait verify`: does every algorithm compute what it should, on this machine?
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace plait::faces {

struct VerifyArguments {
  std::vector<std::string> lines;
  std::int64_t cases = 0;  // 0: a default
  std::int64_t first = 0;
  std::uint64_t seed = 1;
  std::string algorithm;
  std::string target;
  std::string accuracy = "fp32";
  std::pair<std::string, std::string> compare;  // two algorithms, or empty
  bool json = false;
};

CLI::App* add_verify_command(CLI::App& app, VerifyArguments& arguments);
int verify_command(const VerifyArguments& arguments);

}  // namespace plait::faces
