#include "options/plan_options.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

#include <plait/error.hpp>

namespace plait::cli {

void add_plan_options(CLI::App& command, PlanOptions& options) {
  command
      .add_option("--algorithm", options.algorithm,
                  "Take this algorithm instead of the planner's choice (`plait info` lists them)")
      ->type_name("NAME");
  command.add_option("--accuracy", options.accuracy, "strict, fp32 (default) or relaxed")
      ->type_name("CLASS");
  command.add_option("--threads", options.threads, "Default: all the process may use")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N");
  command
      .add_option("--max-workspace", options.max_workspace,
                  "Most bytes of workspace, e.g. 0, 65536, 64K, 1M")
      ->type_name("BYTES");
  command
      .add_option("--delta", options.delta,
                  "Outputs side by side in a register tile, instead of the algorithm's choice")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N");
  command.add_flag("--reproducible", options.reproducible,
                   "Choose by the problem alone, not by the machine");
  command
      .add_option("--target", options.target,
                  "SIMD instruction set instead of the widest: EMU128, SSE4, AVX2 or AVX3")
      ->type_name("NAME");
  command.add_flag("--json", options.json, "Print JSON and nothing else");
}

std::size_t parse_bytes(const std::string& text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  int shift = -1;
  if (unit.empty()) shift = 0;
  if (unit == "K" || unit == "k") shift = 10;
  if (unit == "M" || unit == "m") shift = 20;
  if (unit == "G" || unit == "g") shift = 30;
  if (error != std::errc() || shift < 0 || value > UINT64_MAX >> shift) {
    throw Error(Status::invalid_argument,
                "'" + text + "' is not a number of bytes (such as 0, 65536, 64K, 1M, 2G)");
  }
  return static_cast<std::size_t>(value << shift);
}

Limits limits_of(const PlanOptions& options) {
  Limits limits;
  limits.accuracy = parse_accuracy(options.accuracy);
  if (!options.max_workspace.empty()) {
    limits.max_workspace_bytes = parse_bytes(options.max_workspace);
  }
  limits.threads = options.threads;
  limits.algorithm = options.algorithm;
  limits.reproducible = options.reproducible;
  limits.delta = options.delta;
  return limits;
}

Machine machine_of(const PlanOptions& options) {
  Machine machine = host_machine();
  if (options.target.empty()) return machine;
  std::string can_run;
  for (const Target target : machine.targets) {
    can_run += (can_run.empty() ? "" : ", ") + std::string(name_of(target));
  }
  Target target;
  try {
    target = parse_target(options.target);
  } catch (const Error&) {
    throw Error(Status::invalid_argument,
                "unknown target '" + options.target + "'; this CPU can run " + can_run);
  }
  machine.use(target);
  return machine;
}

}  // namespace plait::cli
