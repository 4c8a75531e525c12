#include "bench/bench_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include <plait/text.hpp>
#include <plait/version.hpp>

#include "measure/compute.hpp"

namespace plait::cli {
namespace {

double geometric_mean(const std::vector<const BenchLine*>& lines,
                      const std::function<double(const BenchLine&)>& value) {
  double logarithms = 0;
  for (const BenchLine* line : lines) logarithms += std::log(value(*line));
  return std::exp(logarithms / static_cast<double>(lines.size()));
}

BenchMean mean_of(std::string_view name, const std::vector<const BenchLine*>& lines) {
  const auto gflops = [](const BenchLine& line) {
    return line.gflops(summarize(line.timings.seconds).median_seconds);
  };
  return {.layer_class = std::string(name),
          .problems = static_cast<int>(lines.size()),
          .gflops = geometric_mean(lines, gflops),
          .peak_share = geometric_mean(
              lines, [&](const BenchLine& line) { return gflops(line) / line.peak_gflops; })};
}

std::string title_of(const BenchLine& line) {
  return cli::title_of(line.given.name, to_string(line.given.problem));
}

std::string error_text(const BenchLine& line) {
  if (!line.error) return "-";
  return fmt::format("{:.1e}{}", line.error->relative_rms(),
                     line.kept_bound() ? "" : " BOUND BROKEN");
}

std::vector<std::string> row_of(const BenchLine& line, double memory_bytes_per_second) {
  const TimeSummary times = summarize(line.timings.seconds);
  const double gflops = line.gflops(times.median_seconds);
  const double bytes_per_second = line.bytes() / times.median_seconds;
  return {title_of(line),
          std::string(name_of(line.layer_class)),
          line.plan->algorithm(),
          seconds_text(times.median_seconds),
          seconds_text(times.min_seconds),
          percent_text(times.spread()),
          fmt::format("{:.3g}", gflops),
          percent_text(gflops / line.peak_gflops),
          fmt::format("{:.3g}", bytes_per_second / 1e9),
          percent_text(bytes_per_second / memory_bytes_per_second),
          bytes_text(static_cast<std::int64_t>(line.plan->workspace_bytes())),
          bytes_text(static_cast<std::int64_t>(line.plan->packed_bytes())),
          error_text(line)};
}

std::string legend(const BenchRun& run) {
  double lowest = 0;
  double highest = 0;
  for (const BenchLine& line : run.lines) {
    if (!line.measured()) continue;
    lowest = lowest == 0 ? line.peak_gflops : std::min(lowest, line.peak_gflops);
    highest = std::max(highest, line.peak_gflops);
  }
  return fmt::format(
      "spread: (90th - 10th percentile) / median. peak: share of the multiply-add peak measured\n"
      "around the problem, {:.4g} to {:.4g} GFLOP/s. memory: x, weight and y once each, as a "
      "share\n"
      "of {:.3g} GB/s read from memory. error: rms / rms of the output.\n",
      lowest, highest, run.memory_bytes_per_second / 1e9);
}

std::string means_text(const std::vector<BenchMean>& means) {
  std::vector<std::vector<std::string>> rows = {{"geometric means", "problems", "GFLOP/s", "peak"}};
  for (const BenchMean& mean : means) {
    rows.push_back({mean.layer_class, std::to_string(mean.problems),
                    fmt::format("{:.3g}", mean.gflops), percent_text(mean.peak_share)});
  }
  return table_text(rows);
}

Json measured_json(const BenchLine& line, double memory_bytes_per_second) {
  const TimeSummary times = summarize(line.timings.seconds);
  const double gflops = line.gflops(times.median_seconds);
  const double bytes_per_second = line.bytes() / times.median_seconds;
  const Plan& plan = *line.plan;
  return {{"algorithm", plan.algorithm()},
          {"samples", line.timings.seconds.size()},
          {"runs", line.timings.runs},
          {"median_seconds", times.median_seconds},
          {"min_seconds", times.min_seconds},
          {"p10_seconds", times.p10_seconds},
          {"p90_seconds", times.p90_seconds},
          {"spread", times.spread()},
          {"round_median_seconds", line.round_medians},
          {"predicted_seconds", plan.cost().predicted_seconds},
          {"gflops", gflops},
          {"peak_gflops", line.peak_gflops},
          {"peak_share", gflops / line.peak_gflops},
          {"bytes", line.bytes()},
          {"bytes_per_second", bytes_per_second},
          {"memory_share", bytes_per_second / memory_bytes_per_second},
          {"workspace_bytes", plan.workspace_bytes()},
          {"packed_bytes", plan.packed_bytes()},
          {"error", line.error ? to_json(*line.error, plan.cost().error_bound) : Json(nullptr)}};
}

Json to_json(const BenchLine& line, const BenchRun& run) {
  const Problem& problem = line.given.problem;
  Json json = {{"source", line.given.source},
               {"name", line.given.name},
               {"problem", to_string(problem)},
               {"class", name_of(line.layer_class)},
               {"threads", run.settings.threads},
               {"target", name_of(run.settings.machine.target)},
               {"multiplications", problem.multiplications()},
               {"status", !line.plan        ? "refused"
                          : line.measured() ? "measured"
                                            : "interrupted"}};
  if (!line.plan) json["reason"] = line.refusal;
  if (line.measured()) json.update(measured_json(line, run.memory_bytes_per_second));
  return json;
}

}  // namespace

std::string title_of(const std::string& name, const std::string& problem_line) {
  return name.empty() ? problem_line : name;
}

std::vector<BenchMean> means_of(const BenchRun& run) {
  std::vector<BenchMean> means;
  std::vector<const BenchLine*> all;
  for (const LayerClass one : layer_classes()) {
    std::vector<const BenchLine*> lines;
    for (const BenchLine& line : run.lines) {
      if (line.measured() && line.layer_class == one) lines.push_back(&line);
    }
    if (!lines.empty()) means.push_back(mean_of(name_of(one), lines));
    all.insert(all.end(), lines.begin(), lines.end());
  }
  if (!all.empty()) means.push_back(mean_of("all", all));
  return means;
}

std::string bench_text(const BenchRun& run) {
  std::vector<std::vector<std::string>> rows = {{"problem", "class", "algorithm", "median",
                                                 "minimum", "spread", "GFLOP/s", "peak", "GB/s",
                                                 "memory", "workspace", "packed", "error"}};
  std::string not_measured;
  for (const BenchLine& line : run.lines) {
    if (line.measured()) {
      rows.push_back(row_of(line, run.memory_bytes_per_second));
    } else {
      not_measured += fmt::format("{} {}: {}\n", line.plan ? "interrupted" : "refused",
                                  title_of(line), line.plan ? "not measured" : line.refusal);
    }
  }
  std::string text;
  if (rows.size() > 1) text += table_text(rows, {.left_columns = 3}) + "\n" + legend(run) + "\n";
  if (!not_measured.empty()) text += not_measured + "\n";
  if (const std::vector<BenchMean> means = means_of(run); !means.empty()) text += means_text(means);
  return text;
}

Json to_json(const BenchRun& run) {
  const BenchSettings& settings = run.settings;
  Json problems = Json::array();
  for (const BenchLine& line : run.lines) problems.push_back(to_json(line, run));
  Json means = Json::array();
  for (const BenchMean& mean : means_of(run)) {
    means.push_back({{"class", mean.layer_class},
                     {"problems", mean.problems},
                     {"gflops", mean.gflops},
                     {"peak_share", mean.peak_share}});
  }
  return {{"schema", "plait.bench/1"},
          {"date", run.date},
          {"version", version()},
          {"simd_library", simd_library()},
          {"compiler", build_compiler()},
          {"machine", to_json(settings.machine)},
          {"limits", to_json(settings.limits)},
          {"threads", settings.threads},
          {"seconds_per_problem", settings.seconds},
          {"rounds", settings.rounds},
          {"checked", settings.check},
          {"interrupted", run.interrupted},
          {"memory_bytes_per_second", run.memory_bytes_per_second},
          {"problems", problems},
          {"means", means}};
}

}  // namespace plait::cli
