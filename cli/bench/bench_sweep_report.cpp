#include "bench/bench_sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <plait/text.hpp>

#include "bench/bench_report.hpp"
#include "bench/bench_sweep_reasons.hpp"

namespace plait::cli {
namespace {

constexpr double kBusy = 0.5;  // the spread of times on a quiet machine is far less

std::string tile_text(const StripStudy& study) {
  return fmt::format("{} x {}", study.rows, study.delta);
}

std::string place_text(std::int64_t bytes, CacheLevel level) {
  if (bytes == 0) return "in place";
  return fmt::format("{} in {}", bytes_text(bytes), name_of(level));
}

std::string limit_text(const StripStudy& study) {
  const StripLimit limit = study.limit();
  const double share = study.seconds_of(limit) / study.predicted_seconds();
  return fmt::format("{} {}", name_of(limit), percent_text(share));
}

std::string takes_table(const DeltaSweep& sweep) {
  std::vector<std::vector<std::string>> rows = {{"delta", "tile", "accumulators", "registers",
                                                 "one wider", "touched", "loaded", "weights",
                                                 "loads/FMA", "strip", "panel"}};
  for (const DeltaEntry& entry : sweep.entries) {
    if (!entry.study) continue;
    const StripStudy& study = *entry.study;
    rows.push_back(
        {std::to_string(study.delta), tile_text(study), std::to_string(study.accumulators),
         fmt::format("{} of {}", study.registers_used, study.registers),
         std::to_string(study.registers_if_wider), fmt::format("{:.3f}", study.inputs_touched),
         fmt::format("{:.3f}", study.inputs_loaded), fmt::format("{:.3f}", study.weights_loaded),
         fmt::format("{:.2f}", static_cast<double>(study.input_loads + study.weight_loads) /
                                   study.multiply_adds),
         place_text(study.strip_bytes, study.strip_level),
         place_text(study.panel_bytes, study.panel_level)});
  }
  if (rows.size() == 1) return "";
  const StripStudy& any =
      *std::find_if(sweep.entries.begin(), sweep.entries.end(), [](const DeltaEntry& entry) {
         return entry.study;
       })->study;
  return table_text(rows, {.left_columns = 0}) +
         fmt::format(
             "\ntile: output channels x delta. one wider: registers of as many channels and one {} "
             "more.\n"
             "touched: different inputs per output and row of k_w = {} taps, of {} without strips; "
             "at "
             "stride 1\n"
             "(k_w + delta - 1) / delta. loaded, weights: what the kernel loads from L1 for them, "
             "k_w / channels\n"
             "and k_w / delta. loads/FMA: load instructions to a multiply-add. strip, panel: "
             "inputs "
             "of a block\n"
             "and weights of a row of tiles, and the first cache as large.\n\n",
             any.lanes_are_channels ? "pixel" : "vector", any.inputs_without_strips,
             any.inputs_without_strips);
}

constexpr std::size_t kTimeColumns = 9;  // known of every algorithm

std::vector<std::string> time_row(const DeltaSweep& sweep, std::size_t i) {
  const BenchLine& line = sweep.run.lines[i];
  const TimeSummary times = summarize(line.timings.seconds);
  const double seconds = sweep.seconds(i);
  const double gflops = line.gflops(seconds);
  const double predicted = line.plan->cost().predicted_seconds;
  std::vector<std::string> row = {std::to_string(sweep.entries[i].delta),
                                  seconds_text(times.median_seconds),
                                  percent_text(times.spread()),
                                  seconds_text(seconds),
                                  fmt::format("{:.3g}", gflops),
                                  percent_text(sweep.peak_share(i)),
                                  "-",
                                  seconds_text(predicted),
                                  fmt::format("{:.2f}", seconds / predicted)};
  if (!sweep.entries[i].study) return row;
  const StripStudy& study = *sweep.entries[i].study;
  row[6] = percent_text(sweep.model_share(i));
  row.insert(row.end(), {fmt::format("{:.1f}", sweep.measured_cycles(i)),
                         fmt::format("{:.1f}", study.multiply_add_cycles),
                         fmt::format("{:.1f}", study.load_cycles), percent_text(study.useful_share),
                         limit_text(study)});
  return row;
}

std::string times_table(const DeltaSweep& sweep) {
  std::vector<std::vector<std::string>> rows = {{"delta", "median", "spread", "best round",
                                                 "GFLOP/s", "peak", "model", "predicted", "ratio",
                                                 "cycles/term", "FMA", "loads", "useful", "limit"}};
  std::string not_measured;
  bool studied = false;
  double spread = 0;
  for (std::size_t i = 0; i < sweep.entries.size(); ++i) {
    const BenchLine& line = sweep.run.lines[i];
    if (line.measured()) {
      rows.push_back(time_row(sweep, i));
      studied = studied || sweep.entries[i].study;
      spread = std::max(spread, summarize(line.timings.seconds).spread());
    } else {
      not_measured +=
          fmt::format("{} delta {}: {}\n", line.plan ? "interrupted" : "refused",
                      sweep.entries[i].delta, line.plan ? "not measured" : line.refusal);
    }
  }
  std::string text;
  if (rows.size() > 1) {
    if (!studied) rows.front().resize(kTimeColumns);
    text =
        table_text(rows, {.left_columns = 0}) +
        fmt::format(
            "\nbest round: the median of the fastest round, of which are the figures to its "
            "right and the reasons\n"
            "below. peak: its share of the multiply-add peak of {:.4g} GFLOP/s; model: the share "
            "predicted.\n",
            sweep.peak_gflops());
    if (studied) {
      text +=
          "cycles/term: of a tile, with all else, at the peak's clock; FMA, loads: what its "
          "multiply-adds and\n"
          "its loads take alone. useful: of the products executed. limit: the most of what the "
          "model adds to\n"
          "the useful multiply-adds, as a share of its time.\n";
    }
    if (spread > kBusy) {
      text += fmt::format(
          "The machine had other work: times spread by up to {}. More --rounds find quiet ones.\n",
          percent_text(spread));
    }
  }
  return text + (not_measured.empty() ? "" : "\n" + not_measured);
}

// A sentence or two as lines of at most 100 columns, those after the first indented.
std::string wrapped(const std::string& words) {
  constexpr std::size_t kColumns = 100;
  std::string text;
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < words.size();) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    const std::size_t length = end - begin;
    if (column > 0 && column + 1 + length > kColumns) {
      text += "\n ";
      column = 1;
    }
    if (column > 0) text += " ";
    text += words.substr(begin, length);
    column += length + (column > 0 ? 1 : 0);
    begin = end + 1;
  }
  return text + "\n";
}

Json study_json(const StripStudy& s) {
  Json parts;
  for (std::size_t i = 0; i < kStripLimits; ++i) {
    parts[std::string(name_of(static_cast<StripLimit>(i)))] = s.seconds[i];
  }
  return {{"rows", s.rows},
          {"lanes", s.lanes},
          {"lanes_are_channels", s.lanes_are_channels},
          {"accumulators", s.accumulators},
          {"accumulators_for_latency", s.accumulators_for_latency},
          {"registers_used", s.registers_used},
          {"registers_if_wider", s.registers_if_wider},
          {"registers", s.registers},
          {"inputs_without_strips", s.inputs_without_strips},
          {"inputs_touched", s.inputs_touched},
          {"inputs_loaded", s.inputs_loaded},
          {"weights_loaded", s.weights_loaded},
          {"input_loads_per_term", s.input_loads},
          {"weight_loads_per_term", s.weight_loads},
          {"multiply_adds_per_term", s.multiply_adds},
          {"strip_bytes", s.strip_bytes},
          {"strip_level", name_of(s.strip_level)},
          {"panel_bytes", s.panel_bytes},
          {"panel_level", name_of(s.panel_level)},
          {"multiply_add_cycles_per_term", s.multiply_add_cycles},
          {"load_cycles_per_term", s.load_cycles},
          {"latency_cycles_per_term", s.latency_cycles},
          {"terms", s.terms},
          {"useful_share", s.useful_share},
          {"predicted_seconds_of", parts},
          {"limit", name_of(s.limit())},
          {"limit_share", s.seconds_of(s.limit()) / s.predicted_seconds()}};
}

}  // namespace

std::string delta_sweep_text(const DeltaSweep& sweep) {
  std::string text = takes_table(sweep) + times_table(sweep);
  const std::vector<std::string> lines = delta_explanation(sweep);
  if (!lines.empty()) text += "\n";
  for (const std::string& line : lines) text += wrapped(line);
  return text;
}

Json to_json(const DeltaSweep& sweep) {
  const Json all = to_json(sweep.run);
  Json deltas = Json::array();
  std::optional<double> least;
  Json best = nullptr;
  for (std::size_t i = 0; i < sweep.entries.size(); ++i) {
    const BenchLine& line = sweep.run.lines[i];
    Json one = {{"delta", sweep.entries[i].delta}};
    one.update(all["problems"][i]);
    one.erase("memory_share");  // the memory's rate is not measured for a sweep
    if (sweep.entries[i].study) {
      one.update(study_json(*sweep.entries[i].study));
      one["model_peak_share"] = sweep.model_share(i);
    }
    if (line.measured()) {
      const double seconds = sweep.seconds(i);
      one["best_round_seconds"] = seconds;
      one["best_round_peak_share"] = sweep.peak_share(i);
      one["measured_over_predicted"] = seconds / line.plan->cost().predicted_seconds;
      if (sweep.entries[i].study) one["measured_cycles_per_term"] = sweep.measured_cycles(i);
      if (!least || seconds < *least) {
        least = seconds;
        best = sweep.entries[i].delta;
      }
    }
    deltas.push_back(one);
  }
  Json json = all;
  json["schema"] = "plait.bench_sweep/1";
  json.erase("problems");
  json.erase("means");
  json.erase("memory_bytes_per_second");
  json.erase("seconds_per_problem");
  json["seconds_per_delta"] = sweep.run.settings.seconds;
  json["sweep"] = "delta";
  json["problem"] = to_string(sweep.problem());
  json["algorithm"] = sweep.algorithm;
  json["peak_gflops"] = sweep.peak_gflops();
  json["deltas"] = deltas;
  json["best_delta"] = best;
  json["explanation"] = delta_explanation(sweep);
  return json;
}

}  // namespace plait::cli
