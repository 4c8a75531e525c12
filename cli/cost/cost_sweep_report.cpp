#include "cost/cost_sweep_report.hpp"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <vector>

#include <plait/text.hpp>
#include <plait/version.hpp>

namespace plait::cli {
namespace {

bool is_measured(const SweepPoint& point) { return point.line && point.line->measured(); }

double median_seconds(const SweepPoint& point) {
  return summarize(point.line->timings.seconds).median_seconds;
}

// Why a legal value has no time.
std::string not_measured_text(const SweepPoint& point) {
  return point.line->plan ? "interrupted" : point.line->refusal;
}

// The ratio of the multiplications to those of the first legal value; nothing if that has none.
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

}  // namespace

std::string start_text(const CostSweep& run) {
  std::string text = fmt::format("problem   {}\nsweep     {}, {}\n", problem_title(run),
                                 sweep_title(run), counted(std::ssize(run.points), "value"));
  if (run.timing) text += settings_text(*run.timing, "each value");
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
      "\nfactor: multiplications / those of {} = {}. parameters: of the weight. flops/byte: 2 x "
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
               {"meaning", run.sweep.variable->meaning},
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

}  // namespace plait::cli
