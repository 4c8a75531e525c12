// An inspection as lines of text.
#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <plait/rewrite/inspect.hpp>
#include <plait/text.hpp>

#include "core/values.hpp"
#include "rewrite/inspect/selection.hpp"

namespace plait {
namespace {

constexpr std::size_t kListed = 12;  // channels, and sets of them
constexpr std::size_t kLabel = 18;

using Lines = std::vector<std::pair<std::string, std::string>>;

template <class Items, class Text>
std::string listed(const Items& items, const char* separator, Text&& text_of) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), kListed); ++i) {
    text += (i == 0 ? "" : separator) + text_of(items[i]);
  }
  if (items.size() > kListed) text += separator + std::string("...");
  return text;
}

std::string channels_text(const std::vector<std::int64_t>& channels, std::int64_t all) {
  const auto size = static_cast<std::int64_t>(channels.size());
  if (size == 0) return "none";
  std::string text = count_text(size) + " of " + count_text(all);
  if (size == all) return text;
  return text + ": " +
         listed(channels, ", ", [](std::int64_t channel) { return std::to_string(channel); });
}

// "0, 5, 7 (-2 times)"
std::string set_text(const ChannelCopies& copies) {
  std::string text;
  for (std::size_t i = 0; i < std::min(copies.channels.size(), kListed); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(copies.channels[i]);
    if (copies.factors[i] != 1) text += " (" + short_text(copies.factors[i]) + " times)";
  }
  return copies.channels.size() > kListed ? text + ", ..." : text;
}

std::string copies_text(const std::vector<ChannelCopies>& repeated) {
  if (repeated.empty()) return "none";
  std::size_t channels = 0;
  for (const ChannelCopies& one : repeated) channels += one.channels.size();
  return count_text(static_cast<std::int64_t>(channels)) + " in " +
         counted(static_cast<std::int64_t>(repeated.size()), "set") + ": " +
         listed(repeated, "; ", set_text);
}

std::string symmetries_text(const KernelSymmetries& counts, std::int64_t of) {
  std::string text;
  const auto add = [&](const char* name, std::int64_t count) {
    if (count > 0) text += (text.empty() ? "" : ", ") + std::string(name) + " " + count_text(count);
  };
  add("top-bottom", counts.top_bottom);
  add("left-right", counts.left_right);
  add("point", counts.point);
  add("transpose", counts.transpose);
  return text.empty() ? "none" : text + " of " + counted(of, "kernel") + " not zero";
}

std::string range_text(const TapRange& rows, const TapRange& columns, const Dims& shape) {
  return rewrite::taps_text(rows, shape[2], "row") + ", " +
         rewrite::taps_text(columns, shape[3], "column");
}

// Also why the layer may have to keep more than that.
void add_window(const KernelWindow& window, const Dims& shape, Lines& lines) {
  if (window.rows.count == 0 || shape[2] * shape[3] == 1) return;
  lines.emplace_back("taps not zero", range_text(window.rows, window.columns, shape));
  if (window.kept_rows.count == window.rows.count &&
      window.kept_columns.count == window.columns.count) {
    return;
  }
  const bool all = window.kept_rows.count == shape[2] && window.kept_columns.count == shape[3];
  lines.emplace_back("", "a smaller kernel takes padding away: a plain layer must keep " +
                             (all ? std::string("all taps")
                                  : range_text(window.kept_rows, window.kept_columns, shape)) +
                             " (from padding " + padding_text(window.needed_padding) +
                             " on, only these)");
}

void add_blocks(const KernelBlocks& blocks, Lines& lines) {
  lines.emplace_back("groups as stored", count_text(blocks.as_stored));
  if (blocks.components == 0) return;
  std::string text = counted(blocks.components, "block");
  if (blocks.components > 1) {
    text += ", packed into " + counted(blocks.groups, "group") + " of " +
            counted(blocks.outputs_per_group, "output") + " and " +
            counted(blocks.inputs_per_group, "input") +
            (blocks.exhaustive ? "" : " (by a heuristic; there may be a better packing)");
  }
  lines.emplace_back("in any order", text);
}

void add_ranks(const std::vector<ChainRank>& ranks, Lines& lines) {
  const char* label = "channels between";
  for (const ChainRank& rank : ranks) {
    std::string text = rank.layers + ": ";
    if (rank.limit < 1) {
      text += "no number pays";
    } else if (rank.too_large) {
      text += "not looked for, the matrix is too large";
    } else {
      text += rank.rank ? count_text(*rank.rank) : "more than " + count_text(rank.limit);
      text += " (up to " + count_text(rank.limit) + " pay)";
    }
    lines.emplace_back(label, text);
    label = "";
  }
}

template <class T>
Lines findings(const Inspection<T>& inspection) {
  const KernelFindings& found = inspection.found;
  const Dims& shape = inspection.layer[0].kernel.shape();
  const std::int64_t nonzero = found.kernels - found.zero_kernels;
  Lines lines;
  lines.emplace_back("zero kernels",
                     count_text(found.zero_kernels) + " of " + count_text(found.kernels));
  lines.emplace_back("dead inputs",
                     channels_text(found.dead_inputs, shape[1] * inspection.layer[0].groups));
  lines.emplace_back("zero outputs", channels_text(found.zero_outputs, shape[0]));
  add_window(found.window, shape, lines);
  add_blocks(found.blocks, lines);
  lines.emplace_back("repeated outputs", copies_text(found.repeated_outputs));
  lines.emplace_back("repeated inputs", copies_text(found.repeated_inputs));
  if (shape[2] > 1 || shape[3] > 1) {
    lines.emplace_back("symmetric", symmetries_text(found.symmetric, nonzero));
    lines.emplace_back("antisymmetric", symmetries_text(found.antisymmetric, nonzero));
  }
  if (shape[2] > 1 && shape[3] > 1) {
    lines.emplace_back("of rank one", count_text(found.rank_one_kernels) + " of " +
                                          counted(nonzero, "kernel") + " not zero");
  }
  add_ranks(found.ranks, lines);
  return lines;
}

template <class T>
std::string table_of(const Inspection<T>& inspection) {
  std::vector<std::vector<std::string>> rows = {{"proposal", "products"}};
  const bool predicted = inspection.cost.predicted_seconds > 0;
  const bool measured = inspection.cost.measured_seconds > 0;
  if (predicted) rows[0].emplace_back("predicted");
  if (measured) rows[0].emplace_back("measured");
  rows[0].emplace_back("verdict");
  const auto add = [&](const std::string& name, std::int64_t products, const LayersCost& cost,
                       const std::string& verdict) {
    std::vector<std::string> row = {name, count_text(products)};
    if (predicted) row.push_back(seconds_text(cost.predicted_seconds));
    if (measured) row.push_back(seconds_text(cost.measured_seconds));
    row.push_back(verdict);
    rows.push_back(std::move(row));
  };
  add("(as given)", inspection.multiplications_per_position, inspection.cost, "");
  for (const Rewrite<T>& proposal : inspection.proposals) {
    add(proposal.name, proposal.multiplications_per_position, proposal.cost, proposal.verdict);
  }
  return table_text(rows, {.words_last = true, .indent = "  "});
}

template <class T>
std::string text_of(const Inspection<T>& inspection) {
  const ConvLayer<T>& layer = inspection.layer[0];
  const Dims& shape = layer.kernel.shape();
  std::string text = "kernel    " + to_string(shape) + (sizeof(T) == 4 ? " f32, " : " f64, ") +
                     counted(layer.groups, "group") + "; stride " + pair_text(layer.stride) +
                     ", padding " + padding_text(layer.padding) + ", dilation " +
                     pair_text(layer.dilation) + "\n";
  text += "products  " + count_text(inspection.multiplications_per_position) +
          " for each position of the output";
  if (const auto& size = inspection.options.input_size) {
    text += ", " + count_text(inspection.cost.multiplications) + " for x of 1x" +
            std::to_string(shape[1] * layer.groups) + "x" + std::to_string(size->h) + "x" +
            std::to_string(size->w);
  }
  text += "\n\n";
  for (const auto& [label, line] : findings(inspection)) {
    text += label;
    text.append(kLabel - label.size(), ' ');
    text += line;
    text += '\n';
  }
  if (inspection.proposals.empty()) return text + "\nnothing cheaper is proposed\n";
  text += "\n" + table_of(inspection) + "\n";
  for (const Rewrite<T>& proposal : inspection.proposals) {
    text += proposal.name + ": " + proposal.what + "\n  " + proposal.proof + "\n";
  }
  return text;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Inspection<float>& inspection) {
  return out << text_of(inspection);
}

std::ostream& operator<<(std::ostream& out, const Inspection<double>& inspection) {
  return out << text_of(inspection);
}

}  // namespace plait
