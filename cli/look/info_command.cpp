#include "look/info_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <plait/plan.hpp>
#include <plait/text.hpp>
#include <plait/version.hpp>

#include "io/json.hpp"
#include "io/presets.hpp"

namespace plait::cli {
namespace {

struct InfoArguments {
  bool calibrate = false;
  bool json = false;
  bool describe = false;
};

// The peak of one core with all lanes busy; a multiply-add is two operations.
double peak_gflops(const Machine& machine) { return 2e-9 * machine.macs_per_second(); }

std::string libraries_text(const std::vector<PictureLibrary>& libraries) {
  std::string text;
  for (const PictureLibrary& library : libraries) {
    text += (text.empty() ? "" : ", ") + library.version;
  }
  return text;
}

std::string info_text(const Machine& machine, bool calibrated,
                      const std::vector<PictureLibrary>& libraries) {
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
  if (!libraries.empty()) row("pictures", libraries_text(libraries));
  row("cpu", machine.cpu);
  row("targets", fmt::format("{}; used: {}, {} f32 lanes", targets, name_of(machine.target),
                             lanes_of(machine.target)));
  row("threads",
      fmt::format("{} ({} cores, {} allowed by affinity, quota {}, limit {})",
                  machine.default_threads(), machine.cores, machine.affinity,
                  machine.cgroup_cpus ? fmt::format("{:.3g} CPUs", *machine.cgroup_cpus) : "none",
                  machine.thread_limit ? std::to_string(*machine.thread_limit) : "none"));
  const Caches& caches = machine.caches;
  row("caches", fmt::format("L1 {}, L2 {} per core, L3 {} shared, lines of {}",
                            bytes_text(caches.l1_bytes), bytes_text(caches.l2_bytes),
                            bytes_text(caches.l3_bytes), bytes_text(caches.line_bytes)));
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

int info_command(const InfoArguments& arguments, const std::vector<PictureLibrary>& libraries) {
  Machine machine = host_machine();
  if (arguments.calibrate) machine.rates = measure_rates(machine);
  if (arguments.describe) {
    std::cout << describe(machine);
    return 0;
  }
  std::cout << (arguments.json ? text_of(info_json(machine, arguments.calibrate, libraries))
                               : info_text(machine, arguments.calibrate, libraries));
  return 0;
}

}  // namespace

Json info_json(const Machine& machine, bool calibrated,
               const std::vector<PictureLibrary>& libraries) {
  Json all = Json::array();
  for (const AlgorithmInfo& algorithm : algorithms()) {
    all.push_back({{"name", algorithm.name}, {"summary", algorithm.summary}});
  }
  Json kernels = Json::array();
  for (const PresetInfo& preset : presets()) {
    kernels.push_back({{"name", preset.name}, {"summary", preset.summary}});
  }
  Json json = {{"schema", "plait.info/1"},
               {"version", version()},
               {"simd_library", simd_library()},
               {"compiler", build_compiler()}};
  for (const PictureLibrary& library : libraries) json[library.key] = library.version;
  json["machine"] = to_json(machine);
  json["rates_measured"] = calibrated;
  json["peak_gflops_per_core"] = peak_gflops(machine);
  json["algorithms"] = all;
  json["presets"] = kernels;
  return json;
}

Command add_info_command(CLI::App& app, std::vector<PictureLibrary> libraries) {
  const auto arguments = std::make_shared<InfoArguments>();
  CLI::App* command =
      app.add_subcommand("info", "Show the machine, its targets, the algorithms and versions");
  command->add_flag("--calibrate", arguments->calibrate,
                    "Measure the machine's rates instead of assuming them (half a second)");
  CLI::Option* json = command->add_flag("--json", arguments->json, "Print JSON and nothing else");
  command
      ->add_flag("--describe", arguments->describe,
                 "Print the machine as a description that PLAIT_MACHINE can name and nothing else")
      ->excludes(json);
  command->footer(
      "Examples:\n"
      "  plait info\n"
      "  plait info --calibrate\n"
      "  plait info --json\n"
      "  plait info --describe > here.txt\n"
      "  PLAIT_MACHINE=here.txt plait plan 1x64x56x56,64x64x3x3,p1   # elsewhere, for this "
      "machine");
  return {command, [arguments, libraries = std::move(libraries)] {
            return info_command(*arguments, libraries);
          }};
}

}  // namespace plait::cli
