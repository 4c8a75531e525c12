#include "options/plan_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "app/fail.hpp"
#include "app/option_values.hpp"

namespace plait::cli {

void add_plan_options(CLI::App& command, PlanOptions& options) {
  add_option(command, "--algorithm", options.algorithm, "NAME",
             "Take this algorithm instead of the planner's choice (`plait info` lists them)");
  add_option(command, "--accuracy", options.accuracy, "CLASS", "strict, fp32 (default) or relaxed");
  add_option(command, "--threads", options.threads, "N", "Default: all the process may use")
      ->check(between(1, 4096));
  add_option(command, "--max-workspace", options.max_workspace, "BYTES",
             "Most bytes of workspace, e.g. 0, 65536, 64K, 1M");
  add_option(command, "--tile-columns,--delta", options.tile_columns, "N",
             "Outputs side by side in a register tile, instead of the algorithm's choice")
      ->check(between(1, 4096));
  command.add_flag("--reproducible", options.reproducible,
                   "Choose by the problem alone, not by the machine");
  add_option(command, "--target", options.target, "NAME",
             "SIMD instruction set instead of the widest: EMU128, SSE4, AVX2 or AVX3");
  command.add_flag("--json", options.json, "Print JSON and nothing else");
}

void RepeatOptions::add(CLI::App& command, const std::string& each, CLI::Option* needed) {
  CLI::Option* timed = add_option(command, "--seconds", seconds, "S",
                                  "Time each " + each + " for so long in total (default 0.3)");
  CLI::Option* visited = add_option(command, "--rounds", rounds, "N",
                                    "Visit all " + each + "s in turn so many times (default 5)");
  visited->check(between(1, 1000));
  if (needed == nullptr) return;
  timed->needs(needed);
  visited->needs(needed);
}

void RepeatOptions::check() const {
  if (seconds > 0 && seconds <= 3600) return;
  fail(fmt::format("--seconds must be above 0 and at most 3600 but is {:g}", seconds));
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
    fail("'" + text + "' is not a number of bytes (such as 0, 65536, 64K, 1M, 2G)");
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
  limits.tile_columns = options.tile_columns;
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
    fail("unknown target '" + options.target + "'; this CPU can run " + can_run);
  }
  machine.use(target);
  return machine;
}

}  // namespace plait::cli
