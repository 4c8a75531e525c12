#include "bench/bench_compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <plait/text.hpp>

#include "app/fail.hpp"
#include "bench/bench_report.hpp"

namespace plait::cli {
namespace {

// With fewer samples the percentiles of the spread are the samples themselves.
constexpr std::int64_t kFewestSamples = 5;

std::string title_of(const OldLine& line) {
  return fmt::format("{} ({}, {})", cli::title_of(line.name, line.problem),
                     counted(line.threads, "thread"), line.target);
}

OldLine as_old(const BenchLine& line, const BenchRun& run) {
  const TimeSummary times = summarize(line.timings.seconds);
  return {.name = line.given.name,
          .problem = to_string(line.given.problem),
          .target = std::string(name_of(run.settings.machine.target)),
          .threads = run.settings.threads,
          .samples = static_cast<std::int64_t>(line.timings.seconds.size()),
          .median_seconds = times.median_seconds,
          .spread = times.spread(),
          .peak_gflops = line.peak_gflops};
}

bool belong_together(const OldLine& a, const OldLine& b) {
  return a.problem == b.problem && a.threads == b.threads && a.target == b.target;
}

Ratio ratio_of(const OldLine& old, const OldLine& now) {
  Ratio ratio{.value = old.median_seconds / now.median_seconds, .noise = {}};
  if (std::min(old.samples, now.samples) >= kFewestSamples) {
    ratio.noise = std::hypot(old.spread / 2, now.spread / 2);
  }
  return ratio;
}

Ratio mean_ratio(const std::vector<const ComparedLine*>& lines) {
  const auto count = static_cast<double>(lines.size());
  double logarithms = 0;
  double squares = 0;
  bool known = true;
  for (const ComparedLine* line : lines) {
    logarithms += std::log(line->ratio.value);
    known = known && line->ratio.noise.has_value();
    squares += known ? *line->ratio.noise * *line->ratio.noise : 0;
  }
  Ratio mean{.value = std::exp(logarithms / count), .noise = {}};
  if (known) mean.noise = std::sqrt(squares) / count;
  return mean;
}

std::vector<ComparedMean> means_of(const std::vector<ComparedLine>& lines) {
  std::vector<ComparedMean> means;
  std::vector<const ComparedLine*> all;
  const auto add = [&](std::string_view name, const std::vector<const ComparedLine*>& some) {
    if (some.empty()) return;
    means.push_back({std::string(name), static_cast<int>(some.size()), mean_ratio(some)});
  };
  for (const LayerClass one : layer_classes()) {
    std::vector<const ComparedLine*> some;
    for (const ComparedLine& line : lines) {
      if (line.layer_class == one) some.push_back(&line);
    }
    add(name_of(one), some);
    all.insert(all.end(), some.begin(), some.end());
  }
  add("all", all);
  return means;
}

std::string noise_text(const Ratio& ratio) {
  return ratio.noise ? fmt::format("+-{:.1f} %", 100 * *ratio.noise) : "unknown";
}

// '~' within the noise, '?' if there are too few samples to tell.
std::string mark_of(const Ratio& ratio) {
  if (!ratio.noise) return "?";
  if (ratio.within_noise()) return "~";
  return ratio.value > 1 ? "faster" : "slower";
}

std::string list_text(const std::string& heading, const std::vector<std::string>& titles) {
  std::string text;
  for (const std::string& title : titles) text += heading + title + "\n";
  return text;
}

Json ratio_json(const Ratio& ratio) {
  return {{"ratio", ratio.value},
          {"noise", ratio.noise ? Json(*ratio.noise) : Json(nullptr)},
          {"within_noise", ratio.noise ? Json(ratio.within_noise()) : Json(nullptr)}};
}

}  // namespace

// By ratios, not differences: half the time and twice the time are equally far from the same.
bool Ratio::within_noise() const {
  return noise && std::abs(std::log(value)) <= std::log1p(*noise);
}

std::vector<OldLine> parse_old_bench(const std::string& text, const std::string& path) {
  std::vector<OldLine> lines;
  try {
    const Json json = Json::parse(text);
    if (json.at("schema") != "plait.bench/1") {
      fail(fmt::format("{} has the schema {} but --compare takes \"plait.bench/1\"", path,
                       json.at("schema").dump()));
    }
    for (const Json& one : json.at("problems")) {
      if (one.at("status") != "measured") continue;
      const OldLine line{.name = one.at("name"),
                         .problem = one.at("problem"),
                         .target = one.at("target"),
                         .threads = one.at("threads"),
                         .samples = one.at("samples"),
                         .median_seconds = one.at("median_seconds"),
                         .spread = one.at("spread"),
                         .peak_gflops = one.at("peak_gflops")};
      if (!(line.median_seconds > 0 && line.spread >= 0 && line.peak_gflops > 0)) {
        fail(fmt::format("{}: times and peaks of {} must be above 0", path, line.problem));
      }
      lines.push_back(line);
    }
  } catch (const Json::exception& error) {
    fail(fmt::format("{} is not what `plait bench --json` writes: {}", path, error.what()));
  }
  return lines;
}

Comparison compare(const std::vector<OldLine>& old, const BenchRun& run) {
  Comparison comparison;
  std::vector<OldLine> left = old;
  double peak_logarithms = 0;
  for (const BenchLine& line : run.lines) {
    if (!line.measured()) continue;
    const OldLine now = as_old(line, run);
    const auto match = std::find_if(left.begin(), left.end(),
                                    [&](const OldLine& one) { return belong_together(one, now); });
    if (match == left.end()) {
      comparison.only_here.push_back(title_of(now));
      continue;
    }
    comparison.lines.push_back({now.name, now.problem, line.layer_class, match->median_seconds,
                                now.median_seconds, ratio_of(*match, now)});
    peak_logarithms += std::log(now.peak_gflops / match->peak_gflops);
    left.erase(match);
  }
  for (const OldLine& one : left) comparison.only_old.push_back(title_of(one));
  if (comparison.lines.empty()) return comparison;
  comparison.peak_ratio = std::exp(peak_logarithms / static_cast<double>(comparison.lines.size()));
  comparison.means = means_of(comparison.lines);
  return comparison;
}

std::string comparison_text(const Comparison& comparison) {
  std::string text;
  if (comparison.lines.empty()) {
    text += "no problem is in both runs with the same number of threads and the same target\n";
  } else {
    std::vector<std::vector<std::string>> rows = {
        {"compared", "class", "old", "new", "old/new", "noise", ""}};
    for (const ComparedLine& line : comparison.lines) {
      rows.push_back({cli::title_of(line.name, line.problem),
                      std::string(name_of(line.layer_class)), seconds_text(line.old_seconds),
                      seconds_text(line.new_seconds), fmt::format("{:.3f}", line.ratio.value),
                      noise_text(line.ratio), mark_of(line.ratio)});
    }
    rows.push_back({});
    rows.push_back({"geometric means", "", "", "problems", "old/new", "noise", ""});
    for (const ComparedMean& mean : comparison.means) {
      rows.push_back({mean.layer_class, "", "", std::to_string(mean.problems),
                      fmt::format("{:.3f}", mean.ratio.value), noise_text(mean.ratio),
                      mark_of(mean.ratio)});
    }
    text += table_text(rows, {.left_columns = 2});
    text += fmt::format(
        "\nnoise: half of each run's spread, combined as sqrt(old^2 + new^2). ~: within the "
        "noise,\n"
        "?: too few samples to tell. A slower or faster clock is in neither: the multiply-add "
        "peak\n"
        "of this run is {:.3f} times the old one's.\n",
        comparison.peak_ratio);
  }
  text += list_text("only in the old run: ", comparison.only_old);
  text += list_text("only in this run: ", comparison.only_here);
  return text;
}

Json to_json(const Comparison& comparison) {
  Json lines = Json::array();
  for (const ComparedLine& line : comparison.lines) {
    Json json = {{"name", line.name},
                 {"problem", line.problem},
                 {"class", name_of(line.layer_class)},
                 {"old_median_seconds", line.old_seconds},
                 {"median_seconds", line.new_seconds}};
    json.update(ratio_json(line.ratio));
    lines.push_back(json);
  }
  Json means = Json::array();
  for (const ComparedMean& mean : comparison.means) {
    Json json = {{"class", mean.layer_class}, {"problems", mean.problems}};
    json.update(ratio_json(mean.ratio));
    means.push_back(json);
  }
  return {{"problems", lines},
          {"means", means},
          {"peak_ratio", comparison.peak_ratio},
          {"only_old", comparison.only_old},
          {"only_here", comparison.only_here}};
}

}  // namespace plait::cli
