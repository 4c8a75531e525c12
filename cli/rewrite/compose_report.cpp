#include "rewrite/compose_report.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <utility>

#include <plait/text.hpp>

namespace plait::cli {
namespace {

// Masks of up to so many outputs are drawn in text; of larger ones, so many ranges are told.
constexpr std::int64_t kDrawnRows = 40;
constexpr std::int64_t kDrawnColumns = 80;
constexpr std::size_t kPrintedRanges = 12;
constexpr std::size_t kMostRanges = 1000;  // in JSON

using Range = std::pair<std::int64_t, std::int64_t>;  // first and last

// Rows that follow each other and differ in the same columns.
struct DifferingRows {
  Range rows;
  std::vector<Range> columns;
};

// At most kMostRanges of them.
std::vector<Range> columns_of(const DifferingOutputs& differing, std::int64_t row) {
  std::vector<Range> ranges;
  for (std::int64_t j = 0; j < differing.w() && ranges.size() <= kMostRanges; ++j) {
    if (!differing(row, j)) continue;
    if (ranges.empty() || ranges.back().second != j - 1) ranges.emplace_back(j, j);
    ranges.back().second = j;
  }
  return ranges;
}

// At most kMostRanges of them, without rows that have no such outputs.
std::vector<DifferingRows> ranges_of(const DifferingOutputs& differing) {
  std::map<std::uint8_t, std::vector<Range>> columns;  // of rows of these taps
  std::vector<DifferingRows> all;
  for (std::int64_t i = 0; i < differing.h() && all.size() <= kMostRanges; ++i) {
    const auto [found, added] = columns.try_emplace(differing.row_taps(i));
    if (added) found->second = columns_of(differing, i);
    if (found->second.empty()) continue;
    if (!all.empty() && all.back().rows.second == i - 1 && all.back().columns == found->second) {
      all.back().rows.second = i;
    } else {
      all.push_back({{i, i}, found->second});
    }
  }
  return all;
}

// === text ===

std::string pair_text(const Pair& pair) {
  return pair.h == pair.w ? std::to_string(pair.h) : fmt::format("{}x{}", pair.h, pair.w);
}

// The padding as --padding takes it.
std::string padding_text(const Padding& p) {
  if (p.top != p.bottom || p.left != p.right) {
    return fmt::format("{}_{}_{}_{}", p.top, p.bottom, p.left, p.right);
  }
  return pair_text({p.top, p.left});
}

std::string range_text(const char* name, const Range& range) {
  return range.first == range.second ? fmt::format("{} {}", name, range.first)
                                     : fmt::format("{}s {} to {}", name, range.first, range.second);
}

std::string picture_of(const DifferingOutputs& differing) {
  std::string text = "\n#: outputs that can differ\n";
  for (std::int64_t i = 0; i < differing.h(); ++i) {
    for (std::int64_t j = 0; j < differing.w(); ++j) text += differing(i, j) ? '#' : '.';
    text += '\n';
  }
  return text;
}

std::string ranges_text(const DifferingOutputs& differing) {
  std::string text = "\noutputs that can differ\n";
  std::size_t printed = 0;
  for (const DifferingRows& one : ranges_of(differing)) {
    if (++printed > kPrintedRanges) return text + "  ...\n";
    text += "  " + range_text("row", one.rows) + ":";
    for (std::size_t i = 0; i < one.columns.size(); ++i) {
      if (i == kPrintedRanges) {
        text += " ...";
        break;
      }
      text += (i == 0 ? " " : ", ") + range_text("column", one.columns[i]);
    }
    text += "\n";
  }
  return text;
}

std::string differing_text(const DifferingOutputs& differing) {
  if (!differing.first()) return "";
  const bool drawn = differing.h() <= kDrawnRows && differing.w() <= kDrawnColumns;
  return drawn ? picture_of(differing) : ranges_text(differing);
}

template <class T>
std::string exact_text(const Composition<T>& composed) {
  const auto& differing = composed.differing;
  if (composed.exact) {
    if (differing) return fmt::format("yes: all {}x{} outputs", differing->h(), differing->w());
    return "yes: for x of every size";
  }
  std::string where = "no: for some sizes of x outputs at the border can differ";
  if (differing) {
    const Pair first = differing->first().value_or(0);
    where = fmt::format("no: {} of {}x{} outputs can differ, the first is ({}, {})",
                        differing->count(), differing->h(), differing->w(), first.h, first.w);
  }
  return fmt::format(
      "{}\nbecause   {}\ninstead   with padding1 {} and padding2 0 the two layers would be exactly "
      "this one",
      where, composed.inexact_because, padding_text(composed.padding));
}

std::string verdict_text(double factor, const char* less, const char* more) {
  if (factor == 1) return "the same";
  return fmt::format("{:.3g} times: {}", factor, factor < 1 ? less : more);
}

std::vector<std::string> products_row(const std::string& name, const ComposedProducts& products) {
  return {name, count_text(products.two_layers), count_text(products.one_layer),
          verdict_text(products.factor(), "cheaper", "dearer")};
}

std::vector<std::string> seconds_row(const char* name, double two, double one) {
  return {name, seconds_text(two), seconds_text(one), verdict_text(one / two, "faster", "slower")};
}

template <class T>
std::string costs_text(const Composition<T>& composed, const ComposeReport& report) {
  std::vector<std::vector<std::string>> rows = {{"", "two layers", "one layer", "composed"}};
  rows.push_back(products_row("products per output position", composed.per_position));
  if (composed.per_image && report.problem) {
    const Problem& p = *report.problem;
    rows.push_back(products_row(fmt::format("products for x of {}", to_string(p.x_shape())),
                                *composed.per_image));
  }
  if (report.costs.size() == 2) {
    const LayersCost& two = report.costs[0];
    const LayersCost& one = report.costs[1];
    rows.push_back(seconds_row("predicted time", two.predicted_seconds, one.predicted_seconds));
    if (two.measured_seconds > 0) {
      rows.push_back(seconds_row("measured time", two.measured_seconds, one.measured_seconds));
    }
  }
  return table_text(rows);
}

// === JSON ===

Json file_json(const ComposedFile& file) {
  return {{"file", file.path}, {"shape", shape_json(file.shape)}};
}

Json range_json(const Range& range) { return Json::array({range.first, range.second}); }

Json differing_json(const DifferingOutputs& differing) {
  const std::optional<Pair> first = differing.first();
  Json json = {{"outputs", shape_json({differing.h(), differing.w()})},
               {"count", differing.count()},
               {"first", first ? shape_json({first->h, first->w}) : Json(nullptr)},
               {"ranges", nullptr}};
  const std::vector<DifferingRows> ranges = ranges_of(differing);
  if (ranges.size() > kMostRanges) return json;
  Json list = Json::array();
  for (const DifferingRows& one : ranges) {
    if (one.columns.size() > kMostRanges) return json;
    Json columns = Json::array();
    for (const Range& range : one.columns) columns.push_back(range_json(range));
    list.push_back({{"rows", range_json(one.rows)}, {"columns", std::move(columns)}});
  }
  json["ranges"] = std::move(list);
  return json;
}

Json products_json(const ComposedProducts& products) {
  return {{"two_layers", products.two_layers},
          {"one_layer", products.one_layer},
          {"factor", products.factor()}};
}

Json seconds_json(double two, double one) {
  return {{"two_layers", two}, {"one_layer", one}, {"factor", one / two}};
}

}  // namespace

template <class T>
std::string compose_text(const Composition<T>& composed, const ComposeReport& report) {
  const auto shown = [&report](const ComposedFile& file) {
    return fmt::format("{} ({} {})", file.path, to_string(file.shape), name_of(report.dtype));
  };
  std::string text = fmt::format("{}, then {} -> {}\n", shown(report.kernel1),
                                 shown(report.kernel2), shown(report.kernel));
  text += "stride    " + pair_text(composed.stride) + "\n";
  text += "padding   " + padding_text(composed.padding) + "\n";
  text += fmt::format("groups    {}\n", composed.groups);
  text += "bias      " + (report.bias ? shown(*report.bias) : "none") + "\n";
  if (report.problem) text += "problem   " + to_string(*report.problem) + "\n";
  text += "exact     " + exact_text(composed) + "\n";
  for (const std::string& note : report.notes) text += "note      " + note + "\n";
  if (composed.differing) text += differing_text(*composed.differing);
  return text + "\n" + costs_text(composed, report);
}

template <class T>
Json compose_json(const Composition<T>& composed, const ComposeReport& report) {
  const Padding& p = composed.padding;
  Json json = {
      {"schema", "plait.compose/1"},
      {"dtype", name_of(report.dtype)},
      {"kernel1", file_json(report.kernel1)},
      {"kernel2", file_json(report.kernel2)},
      {"kernel", file_json(report.kernel)},
      {"bias", report.bias ? file_json(*report.bias) : Json(nullptr)},
      {"stride", shape_json({composed.stride.h, composed.stride.w})},
      {"padding", {{"top", p.top}, {"bottom", p.bottom}, {"left", p.left}, {"right", p.right}}},
      {"groups", composed.groups},
      {"problem", report.problem ? Json(to_string(*report.problem)) : Json(nullptr)},
      {"exact", composed.exact},
      {"inexact_because", composed.exact ? Json(nullptr) : Json(composed.inexact_because)},
      {"differing", composed.differing ? differing_json(*composed.differing) : Json(nullptr)},
      {"products_per_position", products_json(composed.per_position)},
      {"products", composed.per_image ? products_json(*composed.per_image) : Json(nullptr)},
      {"predicted_seconds", nullptr},
      {"measured_seconds", nullptr},
      {"notes", report.notes}};
  if (report.costs.size() == 2) {
    const LayersCost& two = report.costs[0];
    const LayersCost& one = report.costs[1];
    json["predicted_seconds"] = seconds_json(two.predicted_seconds, one.predicted_seconds);
    if (two.measured_seconds > 0) {
      json["measured_seconds"] = seconds_json(two.measured_seconds, one.measured_seconds);
    }
  }
  return json;
}

template std::string compose_text(const Composition<float>&, const ComposeReport&);
template std::string compose_text(const Composition<double>&, const ComposeReport&);
template Json compose_json(const Composition<float>&, const ComposeReport&);
template Json compose_json(const Composition<double>&, const ComposeReport&);

}  // namespace plait::cli
