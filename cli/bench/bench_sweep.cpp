#include "bench/bench_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <plait/text.hpp>

#include "app/fail.hpp"
#include "bench/bench_report.hpp"

namespace plait::cli {
namespace {

constexpr int kMostDelta = 256;  // twice the widest tile of any target
constexpr const char* kDelta = "delta";

// Whether there is a plan with this delta where memory and accuracy are not limited.
bool has_tile(const Problem& problem, const BenchSettings& settings) {
  try {
    plan(problem,
         {.accuracy = Accuracy::relaxed,
          .algorithm = settings.limits.algorithm,
          .tile_columns = settings.limits.tile_columns},
         settings.machine);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Share of the multiply-add peak that the model expects.
double model_share(const StripStudy& study) {
  return study.seconds_of(StripLimit::multiply_adds) / study.predicted_seconds();
}

double limit_share(const StripStudy& study) {
  return study.seconds_of(study.limit()) / study.predicted_seconds();
}

std::vector<std::string> row_of(const DeltaEntry& entry, const BenchLine& line) {
  const TimeSummary times = summarize(line.timings.seconds);
  const double gflops = line.gflops(times.median_seconds);
  std::vector<std::string> row = {std::to_string(entry.delta),
                                  seconds_text(times.median_seconds),
                                  percent_text(times.spread()),
                                  fmt::format("{:.3g}", gflops),
                                  percent_text(gflops / line.peak_gflops),
                                  seconds_text(line.plan->cost().predicted_seconds)};
  if (!entry.study) return row;
  const StripStudy& study = *entry.study;
  row.insert(
      row.end(),
      {percent_text(model_share(study)), fmt::format("{} x {}", study.rows, study.delta),
       fmt::format("{} of {}", study.registers_used, study.registers),
       std::to_string(study.registers_if_wider), fmt::format("{:.3f}", study.inputs_touched),
       fmt::format("{:.1f}", study.multiply_add_cycles), fmt::format("{:.1f}", study.load_cycles),
       fmt::format("{} {}", name_of(study.limit()), percent_text(limit_share(study)))});
  return row;
}

Json study_json(const StripStudy& study) {
  Json parts;
  for (std::size_t i = 0; i < kStripLimits; ++i) {
    parts[std::string(name_of(static_cast<StripLimit>(i)))] = study.seconds[i];
  }
  return {{"rows", study.rows},
          {"registers_used", study.registers_used},
          {"registers_if_wider", study.registers_if_wider},
          {"registers", study.registers},
          {"inputs_touched", study.inputs_touched},
          {"multiply_add_cycles_per_term", study.multiply_add_cycles},
          {"load_cycles_per_term", study.load_cycles},
          {"predicted_seconds_of", parts},
          {"model_peak_share", model_share(study)},
          {"limit", name_of(study.limit())},
          {"limit_share", limit_share(study)}};
}

}  // namespace

void check_bench_sweep(const std::string& name) {
  if (name != kDelta) fail(fmt::format("unknown sweep '{}' (known: {})", name, kDelta));
}

DeltaSweep plan_delta_sweep(BenchSettings settings, const std::vector<SourcedProblem>& problems) {
  if (problems.size() != 1) {
    fail(fmt::format("--sweep takes one problem but there are {}", problems.size()));
  }
  if (settings.limits.tile_columns != 0) {
    fail(fmt::format("--sweep delta tries every delta: leave out --tile-columns {}",
                     settings.limits.tile_columns));
  }
  if (settings.limits.algorithm.empty()) settings.limits.algorithm = "direct/pixels";
  settings.measure_memory = false;
  DeltaSweep sweep;
  sweep.algorithm = settings.limits.algorithm;
  std::string refusal;
  bool any = false;
  for (int delta = 1; delta <= kMostDelta; ++delta) {
    settings.limits.tile_columns = delta;
    BenchRun one = plan_bench(settings, problems);
    BenchLine& line = one.lines.front();
    const bool exists = line.plan || has_tile(problems.front().problem, settings);
    // The reason against a tile that exists tells more than that there is no such tile.
    if (!line.plan && (refusal.empty() || exists)) refusal = line.refusal;
    if (!exists) continue;
    any = any || line.plan.has_value();
    DeltaEntry entry{delta, std::nullopt};
    if (line.plan) entry.study = strip_study(*line.plan, settings.machine);
    sweep.entries.push_back(entry);
    if (sweep.run.lines.empty()) {
      sweep.run = std::move(one);
    } else {
      sweep.run.lines.push_back(std::move(line));
    }
  }
  if (!any) {
    throw Error(Status::unsupported,
                fmt::format("{} has no delta to sweep here: {}", sweep.algorithm, refusal));
  }
  sweep.run.settings.limits.tile_columns = 0;
  return sweep;
}

std::string delta_sweep_text(const DeltaSweep& sweep) {
  std::vector<std::vector<std::string>> rows = {{"delta", "median", "spread", "GFLOP/s", "peak",
                                                 "predicted", "model", "tile", "registers",
                                                 "one wider", "touched", "FMA", "loads", "limit"}};
  const std::size_t known_of_every_algorithm = 6;
  std::string not_measured;
  bool studied = false;
  for (std::size_t i = 0; i < sweep.entries.size(); ++i) {
    const BenchLine& line = sweep.run.lines[i];
    const DeltaEntry& entry = sweep.entries[i];
    if (line.measured()) {
      rows.push_back(row_of(entry, line));
      studied = studied || entry.study;
    } else {
      not_measured += fmt::format("{} delta {}: {}\n", line.plan ? "interrupted" : "refused",
                                  entry.delta, line.plan ? "not measured" : line.refusal);
    }
  }
  if (!studied) rows.front().resize(known_of_every_algorithm);
  std::string text = rows.size() > 1 ? table_text(rows, {.left_columns = 0}) : "";
  if (studied) {
    text +=
        "\npeak: share of the multiply-add peak measured around it; model: the share predicted.\n"
        "tile: output channels x delta. registers: what it needs; one wider: with one more vector\n"
        "of pixels (where vectors hold channels, one more pixel). touched: different inputs per\n"
        "output and row of taps, (k_w + delta - 1) / delta at stride 1. FMA, loads: cycles of a\n"
        "tile's multiply-adds and of its loads for one tap of one channel. limit: the most of\n"
        "what the model adds to the useful multiply-adds, as a share of its time.\n";
  }
  return text + (not_measured.empty() ? "" : "\n" + not_measured);
}

Json to_json(const DeltaSweep& sweep) {
  Json json = to_json(sweep.run);
  Json deltas = Json::array();
  Json best = nullptr;
  double least = 0;
  for (std::size_t i = 0; i < sweep.entries.size(); ++i) {
    Json one = {{"delta", sweep.entries[i].delta}};
    one.update(json["problems"][i]);
    one.erase("memory_share");  // the memory's rate is not measured for a sweep
    if (sweep.entries[i].study) one.update(study_json(*sweep.entries[i].study));
    if (one.contains("median_seconds") && (best.is_null() || one["median_seconds"] < least)) {
      least = one["median_seconds"];
      best = one["delta"];
    }
    deltas.push_back(one);
  }
  for (const char* key : {"problems", "means", "memory_bytes_per_second", "seconds_per_problem"}) {
    json.erase(key);
  }
  json.update(Json{{"schema", "plait.bench_sweep/2"},
                   {"seconds_per_delta", sweep.run.settings.seconds},
                   {"sweep", kDelta},
                   {"problem", to_string(sweep.problem())},
                   {"algorithm", sweep.algorithm},
                   {"deltas", deltas},
                   {"best_delta", best}});
  return json;
}

}  // namespace plait::cli
