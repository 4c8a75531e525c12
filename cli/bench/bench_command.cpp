#include "bench/bench_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <plait/text.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "app/option_values.hpp"
#include "bench/bench_compare.hpp"
#include "bench/bench_report.hpp"
#include "bench/bench_sweep.hpp"
#include "io/files.hpp"
#include "io/json.hpp"
#include "io/problems.hpp"
#include "measure/bench_run.hpp"
#include "options/plan_options.hpp"

namespace plait::cli {
namespace {

struct BenchArguments {
  std::vector<std::string> problems;
  PlanOptions planning;
  RepeatOptions repeats;
  bool no_check = false;
  std::string compare;  // path of an older run's JSON
  std::optional<std::string> sweep;
};

BenchSettings settings_of(const BenchArguments& arguments) {
  arguments.repeats.check();
  BenchSettings settings;
  settings.limits = limits_of(arguments.planning);
  settings.machine = machine_of(arguments.planning);
  settings.threads =
      settings.limits.threads > 0 ? settings.limits.threads : settings.machine.default_threads();
  settings.seconds = arguments.repeats.seconds;
  settings.rounds = arguments.repeats.rounds;
  settings.check = !arguments.no_check;
  return settings;
}

// `what`: "problem" or "delta".
void print_start(const BenchSettings& settings, std::size_t count, const char* what) {
  const std::string timed = counted(static_cast<std::int64_t>(count), what) + ", each";
  std::cout << settings_text(settings, timed) << "\n" << std::flush;
}

// Says on stderr what went wrong, and returns the exit code.
int end_of(const BenchRun& run) {
  stop_if_interrupted();
  if (std::all_of(run.lines.begin(), run.lines.end(),
                  [](const BenchLine& line) { return line.kept_bound(); })) {
    return 0;
  }
  std::cerr << "plait: an output is farther from the reference than its bound allows\n";
  return 1;
}

int sweep_command(const BenchArguments& arguments, const BenchSettings& settings) {
  check_bench_sweep(*arguments.sweep);
  if (!arguments.compare.empty()) {
    fail("--sweep takes no --compare");
  }
  DeltaSweep sweep = plan_delta_sweep(settings, read_problems(arguments.problems, std::cin));
  const bool text = !arguments.planning.json;
  if (text) {
    std::cout << fmt::format("problem   {}\nalgorithm {}\n", to_string(sweep.problem()),
                             sweep.algorithm);
    print_start(settings, sweep.entries.size(), "delta");
  }
  measure_bench(sweep.run);
  std::cout << (text ? delta_sweep_text(sweep) : text_of(to_json(sweep)));
  return end_of(sweep.run);
}

int bench_command(const BenchArguments& arguments) {
  const BenchSettings settings = settings_of(arguments);
  if (arguments.sweep) return sweep_command(arguments, settings);
  std::optional<std::vector<OldLine>> old;
  if (!arguments.compare.empty()) {
    old = parse_old_bench(read_file(arguments.compare), arguments.compare);
  }
  const std::vector<SourcedProblem> problems = read_problems(arguments.problems, std::cin);

  BenchRun run = plan_bench(settings, problems);
  const bool text = !arguments.planning.json;
  if (text) print_start(settings, problems.size(), "problem");
  measure_bench(run);
  if (text) {
    std::cout << bench_text(run);
    if (old) std::cout << "\n" << comparison_text(compare(*old, run));
  } else {
    Json json = to_json(run);
    if (old) json["comparison"] = to_json(compare(*old, run));
    std::cout << text_of(json);
  }
  return end_of(run);
}

}  // namespace

Command add_bench_command(CLI::App& app) {
  const auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command = app.add_subcommand(
      "bench", "Time problems, beside the machine's limits measured in the same run");
  add_problem_arguments(*command, arguments->problems);
  arguments->repeats.add(*command, "problem");
  command->add_flag("--no-check", arguments->no_check, "Do not measure errors");
  add_option(*command, "--compare", arguments->compare, "JSON",
             "Show the ratios to an older run, which --json has written");
  add_option(*command, "--sweep", arguments->sweep, "NAME",
             "delta: time one problem with every width of register tiles, and say what "
             "limits each (default algorithm direct/pixels)");
  add_plan_options(*command, arguments->planning);
  command->footer(
      "Examples:\n"
      "  plait bench 1x64x56x56,64x64x3x3,p1 --threads 1\n"
      "  plait bench bench/problems/resnet50.txt bench/problems/vgg16.txt --json > old.json\n"
      "  plait bench bench/problems/resnet50.txt --compare old.json\n"
      "  grep 3x3 bench/problems/resnet50.txt | plait bench - --algorithm im2col --target AVX2\n"
      "  plait bench --sweep delta 1x64x56x56,64x64x3x3,p1 --threads 1\n"
      "\n"
      "Weights are packed before. GFLOP/s are 2 x products / median; spread is the width of the\n"
      "middle 80 % of the times. Problems that nothing accepts are listed with the reason. Ctrl-C\n"
      "prints what was measured so far. The exit code is 1 if an output is farther from the\n"
      "reference than its bound, and 2 for wrong use.");
  return {command, [arguments] { return bench_command(*arguments); }};
}

}  // namespace plait::cli
