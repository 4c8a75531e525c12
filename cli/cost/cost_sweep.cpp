#include "cost/cost_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include <plait/error.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "app/option_values.hpp"
#include "cost/cost_sweep_report.hpp"
#include "draw/chart.hpp"
#include "io/files.hpp"
#include "io/json.hpp"

namespace plait::cli {
namespace {

void check_measure(const SourcedProblem& given, const SweepArguments& arguments) {
  if (!arguments.measure) return;
  if (given.problem.direction != Direction::forward) {
    fail(fmt::format("--measure runs the layer forward but the direction is {}",
                     name_of(given.problem.direction)));
  }
  arguments.repeats.check();
}

void check_plot(const SourcedProblem& given, const std::string& path) {
  picture_kind_of(path);
  std::vector<std::string> inputs;
  if (!given.source.empty() && given.source != "-") inputs.push_back(given.source);
  check_output(path, inputs);
  require_charts();
}

SweepPoint point_of(const CostSweep& run, std::int64_t value) {
  SweepPoint point;
  point.value = value;
  try {
    point.problem = swept(run.given.problem, *run.sweep.variable, value, run.same);
    point.cost = cost(point.problem);
  } catch (const Error& error) {
    point.refusal = error.what();
  }
  return point;
}

// The plan of each legal value, as plait would choose it. Where there is none, its line keeps the
// reason.
BenchRun planned(CostSweep& run, const SweepArguments& arguments) {
  BenchSettings settings;
  settings.machine = host_machine();
  settings.threads = settings.machine.default_threads();
  settings.seconds = arguments.repeats.seconds;
  settings.rounds = arguments.repeats.rounds;
  settings.check = false;
  settings.measure_memory = false;
  settings.label = "cost";
  std::vector<SourcedProblem> problems;
  problems.reserve(run.points.size());
  for (const SweepPoint& point : run.points) {
    if (point.cost) problems.push_back({"", "", point.problem});
  }
  BenchRun bench = plan_bench(settings, problems);
  if (std::none_of(bench.lines.begin(), bench.lines.end(),
                   [](const BenchLine& line) { return line.plan.has_value(); })) {
    throw Error(Status::unsupported,
                fmt::format("--measure: no value of --sweep {} can be run; for {}: {}",
                            run.sweep.text, run.first_legal().value, bench.lines[0].refusal));
  }
  run.timing = settings;
  run.date = bench.date;
  return bench;
}

void measure(CostSweep& run, BenchRun& bench) {
  measure_bench(bench);
  run.interrupted = bench.interrupted;
  auto line = bench.lines.begin();
  for (SweepPoint& point : run.points) {
    if (point.cost) point.line = std::move(*line++);
  }
}

std::string variables_text() {
  std::string text;
  for (const SweepVariable& variable : sweep_variables()) {
    text += fmt::format("\n  {:9} {}", variable.name, variable.meaning);
  }
  return text;
}

}  // namespace

CLI::Option* add_sweep_options(CLI::App& command, SweepArguments& arguments) {
  CLI::Option* sweep =
      add_option(command, "--sweep", arguments.sweep, "NAME=VALUES",
                 "Count the problem for many values of one of:" + variables_text());
  command
      .add_flag("--same", arguments.same,
                "For each value pad by d(k-1)/2, d the dilation: at stride 1 y is as large as x")
      ->needs(sweep);
  CLI::Option* measures = command
                              .add_flag("--measure", arguments.measure,
                                        "Time the layer for each value too, as plait would run it")
                              ->needs(sweep);
  arguments.repeats.add(command, "value", measures);
  add_option(command, "--plot", arguments.plot, "FILE.svg|FILE.png",
             "Draw the multiplications, and the times with --measure, by matplotlib")
      ->needs(sweep);
  return sweep;
}

std::string sweep_footer() {
  return fmt::format(
      "VALUES of a sweep are 1..15, 1..15:2 (in steps of 2), 2..64*2 (times 2) or 1,2,4,8; at "
      "most\n"
      "{}. All other numbers stay as the line has them, groups and padding too: psame_upper and\n"
      "psame_lower stand for the padding of the line's own kernel, which --same replaces by each\n"
      "value's (an odd row or column goes to the bottom and right). Strides of tensors are left\n"
      "out. A value that breaks a rule is listed with the reason; if all do, the exit code is 2.\n"
      "--measure times random data in rounds over all values, as `plait bench` does; Ctrl-C "
      "prints\n"
      "what was measured so far. Algorithms that multiply less than the definition does can be\n"
      "faster than its roofline. --plot needs matplotlib: that of python3, or of the Python that\n"
      "PLAIT_PYTHON names.",
      kMaxSweepValues);
}

const SweepPoint& CostSweep::first_legal() const {
  return *std::find_if(points.begin(), points.end(),
                       [](const SweepPoint& point) { return point.cost.has_value(); });
}

CostSweep cost_sweep(const SourcedProblem& given, const Sweep& sweep, bool same) {
  if (same && sweep.variable->name == std::string_view("padding")) {
    fail("--same sets the padding, so --sweep cannot vary it");
  }
  CostSweep run;
  run.given = given;
  run.sweep = sweep;
  run.same = same;
  run.points.reserve(sweep.values.size());
  for (const std::int64_t value : sweep.values) {
    stop_if_interrupted();
    run.points.push_back(point_of(run, value));
  }
  if (std::none_of(run.points.begin(), run.points.end(),
                   [](const SweepPoint& point) { return point.cost.has_value(); })) {
    fail(fmt::format("no value of --sweep {} is legal; for {}: {}", sweep.text, sweep.values[0],
                     run.points[0].refusal));
  }
  return run;
}

int sweep_command(const SourcedProblem& given, const SweepArguments& arguments, bool json) {
  const Sweep sweep = parse_sweep(*arguments.sweep);
  check_measure(given, arguments);
  if (arguments.plot) check_plot(given, *arguments.plot);
  CostSweep run = cost_sweep(given, sweep, arguments.same);
  if (arguments.measure) {
    BenchRun bench = planned(run, arguments);
    if (!json) std::cout << start_text(run) << std::flush;
    measure(run, bench);
  } else if (!json) {
    std::cout << start_text(run);
  }
  std::cout << (json ? text_of(to_json(run)) : sweep_text(run)) << std::flush;
  stop_if_interrupted();
  if (!arguments.plot) return 0;
  write_file(*arguments.plot, draw_chart(to_json(run), picture_kind_of(*arguments.plot)),
             interrupted());
  if (!json) std::cout << "plot      " << *arguments.plot << "\n";
  return 0;
}

}  // namespace plait::cli
