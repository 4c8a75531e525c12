#include "look/verify_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <plait/analysis/verify.hpp>
#include <plait/text.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "app/option_values.hpp"
#include "app/progress.hpp"
#include "io/json.hpp"
#include "options/plan_options.hpp"

namespace plait::cli {
namespace {

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

constexpr int kExitCheckFailed = 1;
constexpr std::int64_t kRandomCases = 1000;  // on each target
constexpr std::int64_t kCasesOfALine = 8;    // of each algorithm on each target

VerifyOptions options_of(const VerifyArguments& arguments) {
  VerifyOptions options;
  for (const std::string& line : arguments.lines) options.problems.push_back(parse_problem(line));
  options.cases = arguments.cases;
  if (arguments.cases == 0) {
    const std::int64_t subjects =
        arguments.algorithm.empty() ? static_cast<std::int64_t>(algorithms().size()) : 1;
    const auto lines = static_cast<std::int64_t>(arguments.lines.size());
    options.cases = lines == 0 ? kRandomCases : kCasesOfALine * lines * subjects;
  }
  options.first = arguments.first;
  options.seed = arguments.seed;
  options.algorithm = arguments.algorithm;
  if (!arguments.target.empty()) options.target = parse_target(arguments.target);
  options.accuracy = parse_accuracy(arguments.accuracy);
  options.cancel = &interrupted();
  return options;
}

std::int64_t covered_loops(const VerifiedSubject& subject) {
  return std::count_if(subject.loops.begin(), subject.loops.end(),
                       [](const LoopCount& loop) { return loop.covered; });
}

std::string subjects_text(const VerifyReport& report) {
  std::string text = fmt::format("{:<15} {:<7} {:>7} {:>8} {:>11} {:>18} {:>14}\n", "algorithm",
                                 "target", "cases", "refused", "outputs", "largest error", "loops");
  for (const VerifiedSubject& subject : report.subjects) {
    text +=
        fmt::format("{:<15} {:<7} {:>7} {:>8} {:>11} {:>9.2g} of bound {:>14}\n", subject.algorithm,
                    name_of(subject.target), subject.cases, subject.refused, subject.outputs,
                    subject.worst_bound_share,
                    fmt::format("{} of {} covered", covered_loops(subject), subject.loops.size()));
  }
  return text;
}

std::string errors_text(const VerifyReport& report) {
  std::string text;
  for (const PooledError& error : report.errors) {
    if (error.outputs == 0) continue;
    text += fmt::format("rms error of {}: {:.2f} of the expected, over {} outputs{}\n",
                        error.algorithm, error.rms_share, error.outputs,
                        error.outputs < VerifyReport::kPooledOutputs ? " (too few to judge)" : "");
  }
  return text;
}

std::string failure_text(const VerifyFailure& failure, const VerifyArguments& arguments) {
  if (failure.number < 0)
    return fmt::format("\nFAILED {}: {}\n", failure.algorithm, failure.message);
  std::string again =
      fmt::format("plait verify --algorithm {} --target {} --seed {} --first {} --cases 1",
                  failure.algorithm, name_of(failure.target), arguments.seed, failure.number);
  for (const std::string& line : arguments.lines) again += fmt::format(" \"{}\"", line);
  return fmt::format("\nFAILED {} on {}: {}\n  smallest  {}\n  found     {}\n  again     {}\n",
                     failure.algorithm, name_of(failure.target), failure.message, failure.smallest,
                     failure.found, again);
}

Json report_json(const VerifyReport& report, const VerifyArguments& arguments) {
  Json subjects = Json::array();
  for (const VerifiedSubject& subject : report.subjects) {
    Json loops = Json::array();
    for (const LoopCount& loop : subject.loops) {
      loops.push_back(
          {{"name", loop.name}, {"most_rounds", loop.rounds}, {"covered", loop.covered}});
    }
    subjects.push_back({{"algorithm", subject.algorithm},
                        {"target", name_of(subject.target)},
                        {"cases", subject.cases},
                        {"refused", subject.refused},
                        {"outputs", subject.outputs},
                        {"worst_bound_share", subject.worst_bound_share},
                        {"loops", loops}});
  }
  Json errors = Json::array();
  for (const PooledError& error : report.errors) {
    errors.push_back({{"algorithm", error.algorithm},
                      {"outputs", error.outputs},
                      {"rms_share", error.rms_share}});
  }
  Json failures = Json::array();
  for (const VerifyFailure& failure : report.failures) {
    failures.push_back({{"algorithm", failure.algorithm},
                        {"target", name_of(failure.target)},
                        {"case", failure.number < 0 ? Json(nullptr) : Json(failure.number)},
                        {"message", failure.message},
                        {"line", failure.line},
                        {"smallest", failure.smallest},
                        {"found", failure.found}});
  }
  return {{"schema", "plait.verify/1"}, {"seed", arguments.seed}, {"passed", report.passed()},
          {"subjects", subjects},       {"rms_errors", errors},   {"failures", failures}};
}

int sweep(const VerifyArguments& arguments) {
  VerifyOptions options = options_of(arguments);
  std::optional<Progress> progress;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    if (!progress) progress.emplace("verify", total);
    progress->update(done);
  };
  const VerifyReport report = verify(options);
  progress.reset();
  if (arguments.json) {
    std::cout << text_of(report_json(report, arguments));
    return report.passed() ? 0 : kExitCheckFailed;
  }
  std::cout << subjects_text(report) << errors_text(report);
  for (const VerifyFailure& failure : report.failures) {
    std::cout << failure_text(failure, arguments);
  }
  std::cout << (report.passed() ? "ok: no failure\n"
                                : "\n" + counted(std::ssize(report.failures), "failure") + "\n");
  return report.passed() ? 0 : kExitCheckFailed;
}

int compare_two(const VerifyArguments& arguments) {
  if (arguments.lines.size() != 1) {
    fail(fmt::format("--compare takes one problem line but got {}", arguments.lines.size()));
  }
  PlanOptions planning;
  planning.target = arguments.target;
  planning.accuracy = arguments.accuracy;
  const auto& [first, second] = arguments.compare;
  const Problem problem = parse_problem(arguments.lines[0]);
  const UlpReport report = compare(problem, first, second, limits_of(planning),
                                   machine_of(planning), arguments.seed, &interrupted());
  if (arguments.json) {
    std::cout << text_of({{"schema", "plait.compare/1"},
                          {"problem", to_string(problem)},
                          {"first", first},
                          {"second", second},
                          {"outputs", report.outputs},
                          {"equal", report.equal},
                          {"mean_ulps", report.mean_ulps},
                          {"max_ulps", report.max_ulps},
                          {"max_difference", report.max_difference},
                          {"first_rms", report.first_rms},
                          {"second_rms", report.second_rms}});
    return 0;
  }
  std::cout << fmt::format("problem     {}\n", to_string(problem))
            << fmt::format("outputs     {}, of which {} are equal\n", report.outputs, report.equal)
            << fmt::format("apart       {} units in the last place at most, {:.3g} on average\n",
                           report.max_ulps, report.mean_ulps)
            << fmt::format("difference  {:.3g} at most\n", report.max_difference)
            << fmt::format("rms error   {} {:.2g}, {} {:.2g} of the output's, against f64\n", first,
                           report.first_rms, second, report.second_rms);
  return 0;
}

int verify_command(const VerifyArguments& arguments) {
  return arguments.compare.first.empty() ? sweep(arguments) : compare_two(arguments);
}

}  // namespace

Command add_verify_command(CLI::App& app) {
  const auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* command = app.add_subcommand(
      "verify", "Check every algorithm on every SIMD target against the f64 reference");
  command->add_option(
      "line", arguments->lines,
      "Problem lines to check; none: random problems with their edges over-sampled");
  add_option(*command, "--cases", arguments->cases, "N",
             "Cases on each target, spread over the algorithms (default 1000; for given lines "
             "8 of each algorithm and line)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 40));
  add_option(*command, "--seed", arguments->seed, "S", "Of the random problems, limits and data");
  add_option(*command, "--first", arguments->first, "N",
             "Number of the first case, to repeat single ones")
      ->check(CLI::NonNegativeNumber.description(""));
  add_option(*command, "--algorithm", arguments->algorithm, "NAME", "Only this one");
  add_option(*command, "--target", arguments->target, "NAME", "Only EMU128, SSE4, AVX2 or AVX3");
  add_option(*command, "--accuracy", arguments->accuracy, "CLASS",
             "strict, fp32 (default) or relaxed");
  add_option(*command, "--compare", arguments->compare, "A B",
             "How far two algorithms are apart on one line, in units in the last place");
  command->add_flag("--json", arguments->json, "Print JSON and nothing else");
  command->footer(
      "Examples:\n"
      "  plait verify\n"
      "  plait verify --cases 20000 --target AVX2 --seed 7\n"
      "  plait verify --algorithm direct/pixels 1x64x56x56,64x64x3x3,p1\n"
      "  plait verify --compare reference pointwise 1x64x56x56,64x64x1x1\n"
      "\n"
      "Each case runs in guarded and poisoned memory; half of them plan with tiny fake caches, so\n"
      "that every loop of the blocking goes round. Failures are shrunk to the smallest case that\n"
      "still fails. Exit code 1 if there was one.");
  return {command, [arguments] { return verify_command(*arguments); }};
}

}  // namespace plait::cli
