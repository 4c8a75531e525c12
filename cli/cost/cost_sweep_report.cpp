#include "cost/cost_sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include <plait/text.hpp>
#include <plait/version.hpp>

namespace plait::cli {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

bool is_measured(const SweepPoint& point) { return point.line && point.line->measured(); }

double median_seconds(const SweepPoint& point) {
  return summarize(point.line->timings.seconds).median_seconds;
}

// Why a legal value has no time.
std::string not_measured_text(const SweepPoint& point) {
  return point.line->plan ? "interrupted" : point.line->refusal;
}

// How many times as many multiplications as the first legal value has; nothing if that has none.
std::optional<double> factor_of(const CostSweep& run, const SweepPoint& point) {
  const std::int64_t first = run.first_legal().cost->multiplications;
  if (first == 0) return std::nullopt;
  return static_cast<double>(point.cost->multiplications) / static_cast<double>(first);
}

std::string sweep_title(const CostSweep& run) {
  return fmt::format("{} ({}) = {}{}", run.sweep.variable->name, run.sweep.variable->meaning,
                     run.sweep.text.substr(run.sweep.text.find('=') + 1),
                     run.same ? ", padding d(k-1)/2 for each" : "");
}

std::string problem_title(const CostSweep& run) {
  const std::string& name = run.given.name;
  return (name.empty() ? "" : name + ": ") + to_string(run.given.problem);
}

std::vector<std::string> row_of(const CostSweep& run, const SweepPoint& point) {
  const LayerCost& cost = *point.cost;
  const std::optional<double> factor = factor_of(run, point);
  std::vector<std::string> row = {std::to_string(point.value),
                                  count_text(cost.multiplications),
                                  factor ? fmt::format("{:.4g}", *factor) : "-",
                                  count_text(cost.multiplications_without_padding),
                                  count_text(cost.additions),
                                  count_text(cost.parameters),
                                  bytes_text(cost.memory_forward_bytes),
                                  fmt::format("{:.4g}", cost.arithmetic_intensity),
                                  seconds_text(cost.roofline_seconds)};
  if (!run.timing) return row;
  if (!is_measured(point)) {
    row.insert(row.end(), {"-", "-", "-"});
    return row;
  }
  const double median = median_seconds(point);
  row.insert(row.end(), {seconds_text(median), fmt::format("{:.3g}", point.line->gflops(median)),
                         point.line->plan->algorithm()});
  return row;
}

// === the document ===

Json measured_json(const SweepPoint& point) {
  if (!is_measured(point)) return {{"measured", nullptr}, {"reason", not_measured_text(point)}};
  const TimeSummary times = summarize(point.line->timings.seconds);
  return {{"measured",
           {{"algorithm", point.line->plan->algorithm()},
            {"median_seconds", times.median_seconds},
            {"min_seconds", times.min_seconds},
            {"p10_seconds", times.p10_seconds},
            {"p90_seconds", times.p90_seconds},
            {"samples", point.line->timings.seconds.size()},
            {"runs", point.line->timings.runs},
            {"gflops", point.line->gflops(times.median_seconds)},
            {"peak_gflops", point.line->peak_gflops}}}};
}

Json point_json(const CostSweep& run, const SweepPoint& point) {
  Json json = {{"value", point.value}};
  if (!point.cost) {
    json["refused"] = point.refusal;
    return json;
  }
  json["problem"] = to_string(point.problem);
  json.update(to_json(*point.cost));
  const std::optional<double> factor = factor_of(run, point);
  json["factor"] = factor ? Json(*factor) : Json(nullptr);
  if (run.timing) json.update(measured_json(point));
  return json;
}

// === the chart ===

// The legal points by their values.
std::vector<const SweepPoint*> charted(const CostSweep& run) {
  std::vector<const SweepPoint*> points;
  for (const SweepPoint& point : run.points) {
    if (point.cost) points.push_back(&point);
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const SweepPoint* a, const SweepPoint* b) { return a->value < b->value; });
  return points;
}

Curve curve_of(const std::string& name, Stroke stroke, const std::vector<const SweepPoint*>& points,
               const std::function<double(const SweepPoint&)>& value) {
  Curve curve{name, {}, stroke};
  curve.y.reserve(points.size());
  for (const SweepPoint* point : points) curve.y.push_back(value(*point));
  return curve;
}

Panel counts_panel(const std::vector<const SweepPoint*>& points) {
  const bool products = std::any_of(points.begin(), points.end(), [](const SweepPoint* point) {
    return point->cost->multiplications > 0;
  });
  const bool padded = std::any_of(points.begin(), points.end(), [&](const SweepPoint* point) {
    const LayerCost& cost = *point->cost;
    return products ? cost.multiplications != cost.multiplications_without_padding
                    : cost.additions != cost.additions_without_padding;
  });
  const std::string what = products ? "multiplications" : "additions";
  Panel panel{what, "", {}};
  panel.curves.push_back(
      curve_of("by the definition", Stroke::marked, points, [&](const SweepPoint& point) {
        return static_cast<double>(products ? point.cost->multiplications : point.cost->additions);
      }));
  if (padded) {
    panel.curves.push_back(
        curve_of("without those by padding", Stroke::dashed, points, [&](const SweepPoint& point) {
          return static_cast<double>(products ? point.cost->multiplications_without_padding
                                              : point.cost->additions_without_padding);
        }));
  }
  return panel;
}

// The times joined by a thread, with marks of their own for each algorithm.
Panel times_panel(const std::vector<const SweepPoint*>& points) {
  Panel panel{"time", "s", {}};
  const auto time = [](const SweepPoint& point) {
    return is_measured(point) ? median_seconds(point) : kNothing;
  };
  panel.curves.push_back(curve_of("roofline", Stroke::dashed, points, [](const SweepPoint& point) {
    return point.cost->roofline_seconds;
  }));
  panel.curves.push_back(curve_of("", Stroke::thread, points, time));
  std::vector<std::string> algorithms;
  for (const SweepPoint* point : points) {
    if (!is_measured(*point)) continue;
    const std::string& algorithm = point->line->plan->algorithm();
    if (std::find(algorithms.begin(), algorithms.end(), algorithm) == algorithms.end()) {
      algorithms.push_back(algorithm);
    }
  }
  for (const std::string& algorithm : algorithms) {
    const auto own = [&](const SweepPoint& point) {
      return is_measured(point) && point.line->plan->algorithm() == algorithm ? time(point)
                                                                              : kNothing;
    };
    panel.curves.push_back(curve_of(algorithm, Stroke::marks, points, own));
  }
  return panel;
}

}  // namespace

std::string start_text(const CostSweep& run) {
  std::string text =
      fmt::format("problem   {}\nsweep     {}, {} value{}\n", problem_title(run), sweep_title(run),
                  run.points.size(), run.points.size() == 1 ? "" : "s");
  if (run.timing) {
    const BenchSettings& timing = *run.timing;
    text += fmt::format(
        "machine   {}, {}, {} thread{}\ntiming    each value for {:.3g} s in {} round{}\n",
        timing.machine.cpu, name_of(timing.machine.target), timing.threads,
        timing.threads == 1 ? "" : "s", timing.seconds, timing.rounds,
        timing.rounds == 1 ? "" : "s");
  }
  return text + "\n";
}

std::string sweep_text(const CostSweep& run) {
  std::vector<std::string> header = {run.sweep.variable->name, "multiplications", "factor",
                                     "without padding",        "additions",       "parameters",
                                     "forward memory",         "flops/byte",      "roofline"};
  if (run.timing) header.insert(header.end(), {"measured", "GFLOP/s", "algorithm"});
  std::vector<std::vector<std::string>> rows = {header};
  std::vector<std::string> remarks = {""};  // behind each row
  std::string not_measured;
  for (const SweepPoint& point : run.points) {
    if (!point.cost) {
      rows.push_back({std::to_string(point.value)});
      remarks.push_back("  refused: " + point.refusal);
      continue;
    }
    rows.push_back(row_of(run, point));
    remarks.emplace_back("");
    if (run.timing && !is_measured(point)) {
      not_measured += fmt::format("not measured {}: {}\n", point.value, not_measured_text(point));
    }
  }
  std::string text;
  std::size_t row = 0;
  for (const char c : table_text(rows, {.left_columns = 0})) {
    if (c == '\n') text += remarks[row++];
    text += c;
  }
  text += fmt::format(
      "\nfactor: multiplications / those of {} = {}. parameters: of K. flops/byte: 2 x "
      "multiplications\nper byte read and written once.{}\n",
      run.sweep.variable->name, run.first_legal().value,
      run.timing ? " measured: the median. GFLOP/s: 2 x multiplications / it." : "");
  return text + not_measured;
}

Json to_json(const CostSweep& run) {
  Json values = Json::array();
  for (const SweepPoint& point : run.points) values.push_back(point_json(run, point));
  Json json = {{"schema", "plait.cost_sweep/1"},
               {"name", run.given.name},
               {"problem", to_string(run.given.problem)},
               {"variable", run.sweep.variable->name},
               {"sweep", run.sweep.text},
               {"same", run.same},
               {"direction", name_of(run.given.problem.direction)}};
  if (run.timing) {
    json.update(Json{{"date", run.date},
                     {"version", version()},
                     {"machine", to_json(run.timing->machine)},
                     {"threads", run.timing->threads},
                     {"seconds_per_value", run.timing->seconds},
                     {"rounds", run.timing->rounds},
                     {"interrupted", run.interrupted}});
  }
  json["values"] = values;
  return json;
}

Chart chart_of(const CostSweep& run) {
  const std::vector<const SweepPoint*> points = charted(run);
  Chart chart;
  chart.title = problem_title(run);
  chart.subtitle = sweep_title(run);
  chart.x_label = fmt::format("{} ({})", run.sweep.variable->name, run.sweep.variable->meaning);
  chart.x.reserve(points.size());
  for (const SweepPoint* point : points) chart.x.push_back(static_cast<double>(point->value));
  chart.panels.push_back(counts_panel(points));
  if (run.timing) {
    chart.subtitle += fmt::format("; {}, {} thread{}", run.timing->machine.cpu, run.timing->threads,
                                  run.timing->threads == 1 ? "" : "s");
    chart.panels.push_back(times_panel(points));
  }
  return chart;
}

}  // namespace plait::cli
