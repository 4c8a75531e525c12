#include "info_command.hpp"

#include <cairo.h>
#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <iostream>
#include <string>

#include <plait/machine.hpp>
#include <plait/plan.hpp>
#include <plait/version.hpp>

#include "json.hpp"
#include "presets.hpp"
#include "text.hpp"

namespace plait::faces {
namespace {

// Two operations per multiply-add, all lanes busy, one core.
double peak_gflops(const Machine& machine) { return 2e-9 * machine.macs_per_second(); }

Json info_json(const Machine& machine, bool calibrated) {
  Json rooms = Json::array();
  for (const AlgorithmInfo& algorithm : algorithms()) {
    rooms.push_back({{"name", algorithm.name}, {"summary", algorithm.summary}});
  }
  Json kernels = Json::array();
  for (const PresetInfo& preset : presets()) {
    kernels.push_back({{"name", preset.name}, {"summary", preset.summary}});
  }
  return {{"schema", "plait.info/1"},
          {"version", version()},
          {"simd_library", simd_library()},
          {"compiler", build_compiler()},
          {"png_library", fmt::format("libpng {}", png_get_libpng_ver(nullptr))},
          {"drawing_library", fmt::format("Cairo {}", cairo_version_string())},
          {"machine", to_json(machine)},
          {"rates_measured", calibrated},
          {"peak_gflops_per_core", peak_gflops(machine)},
          {"algorithms", rooms},
          {"presets", kernels}};
}

std::string info_text(const Machine& machine, bool calibrated) {
  std::string targets;
  for (const Target target : machine.targets) {
    targets += (targets.empty() ? "" : " ") + std::string(name_of(target));
  }
  const Rates& rates = machine.rates;
  std::string text;
  const auto row = [&text](std::string_view key, const std::string& value) {
    text += fmt::format("{:<10} {}\n", key, value);
  };
  row("plait", fmt::format("{}, {}, {}", version(), simd_library(), build_compiler()));
  row("pictures",
      fmt::format("libpng {}, Cairo {}", png_get_libpng_ver(nullptr), cairo_version_string()));
  row("cpu", machine.cpu);
  row("targets", fmt::format("{}; used: {}, {} f32 lanes", targets, name_of(machine.target),
                             lanes_of(machine.target)));
  row("threads",
      fmt::format("{} ({} cores, {} allowed by affinity, quota {})", machine.default_threads(),
                  machine.cores, machine.affinity,
                  machine.cgroup_cpus ? fmt::format("{:.3g} CPUs", *machine.cgroup_cpus) : "none"));
  const auto size = [](std::int64_t bytes) { return bytes_text(static_cast<double>(bytes)); };
  const Caches& caches = machine.caches;
  row("caches",
      fmt::format("L1 {}, L2 {} per core, L3 {} shared, lines of {}", size(caches.l1_bytes),
                  size(caches.l2_bytes), size(caches.l3_bytes), size(caches.line_bytes)));
  row("rates",
      calibrated ? "per core, as measured now" : "per core, assumed from the CPU's features");
  row("", fmt::format("{:.3g} GHz, {:.3g} vector multiply-adds per cycle", rates.ghz,
                      rates.vector_fmas_per_cycle));
  row("", fmt::format("peak {:.4g} GFLOP/s", peak_gflops(machine)));
  row("", fmt::format("L2 {:.3g}, L3 {:.3g}, memory {:.3g} GB/s", rates.l2_bytes_per_second / 1e9,
                      rates.l3_bytes_per_second / 1e9, rates.dram_bytes_per_second / 1e9));
  row("", fmt::format("fork and join {}", seconds_text(rates.fork_join_seconds)));

  std::size_t width = 0;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    width = std::max(width, algorithm.name.size());
  }
  for (const PresetInfo& preset : presets()) width = std::max(width, preset.name.size());
  text += "\nalgorithms\n";
  for (const AlgorithmInfo& algorithm : algorithms()) {
    text += fmt::format("  {:<{}}  {}\n", algorithm.name, width, algorithm.summary);
  }
  text += "\nkernel presets\n";
  for (const PresetInfo& preset : presets()) {
    text += fmt::format("  {:<{}}  {}\n", preset.name, width, preset.summary);
  }
  return text;
}

}  // namespace

CLI::App* add_info_command(CLI::App& app, InfoArguments& arguments) {
  CLI::App* command =
      app.add_subcommand("info", "Show the machine, its targets, the algorithms and versions");
  command->add_flag("--calibrate", arguments.calibrate,
                    "Measure the machine's rates instead of assuming them (half a second)");
  command->add_flag("--json", arguments.json, "Print JSON and nothing else");
  command->footer(
      "Examples:\n"
      "  plait info\n"
      "  plait info --calibrate\n"
      "  plait info --json");
  return command;
}

int info_command(const InfoArguments& arguments) {
  Machine machine = host_machine();
  if (arguments.calibrate) machine.rates = measure_rates(machine);
  std::cout << (arguments.json ? text_of(info_json(machine, arguments.calibrate))
                               : info_text(machine, arguments.calibrate));
  return 0;
}

}  // namespace plait::faces
