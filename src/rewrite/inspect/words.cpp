#include "rewrite/inspect/words.hpp"

#include <plait/text.hpp>

#include "core/values.hpp"

namespace plait::rewrite {
namespace {

std::string ordinal(std::int64_t number) {
  const std::int64_t tens = number % 100;
  const char* ending = tens / 10 == 1     ? "th"
                       : number % 10 == 1 ? "st"
                       : number % 10 == 2 ? "nd"
                       : number % 10 == 3 ? "rd"
                                          : "th";
  return std::to_string(number) + ending;
}

// "rows 1 to 3 of 5 and columns 1 to 3 of 5, padding 0"
template <class T>
std::string window_text(const ConvLayer<T>& layer, const Selection& selection,
                        const ConvLayer<T>& selected) {
  const std::int64_t k_h = layer.kernel.size(2);
  const std::int64_t k_w = layer.kernel.size(3);
  const bool all_rows = selection.rows.count == k_h;
  const bool all_columns = selection.columns.count == k_w;
  if (all_rows && all_columns) return "";
  std::string text;
  if (!all_rows) text = taps_text(selection.rows, k_h, "row");
  if (!all_columns) {
    text += (text.empty() ? "" : " and ") + taps_text(selection.columns, k_w, "column");
  }
  text += ": a " + std::to_string(selection.rows.count) + "x" +
          std::to_string(selection.columns.count) + " kernel";
  if (selected.dilation != Pair(1)) text += ", dilation " + pair_text(selected.dilation);
  return text + ", padding " + padding_text(selected.padding);
}

template <class T>
std::string channels_text(const ConvLayer<T>& layer, const Selection& selection,
                          const ConvLayer<T>& selected) {
  const auto groups = static_cast<std::int64_t>(selection.groups.size());
  const std::int64_t c_o = layer.kernel.size(0);
  const std::int64_t c_i = layer.kernel.size(1) * layer.groups;
  if (selected.kernel.size(0) == c_o && selected.kernel.size(1) == layer.kernel.size(1)) return "";
  if (groups == 1) {
    return "only " + std::to_string(selection.outputs) + " of " + counted(c_o, "output") +
           " from " + std::to_string(selection.inputs) + " of " + counted(c_i, "input");
  }
  std::string text = counted(groups, "group") + " of " + counted(selection.outputs, "output") +
                     " and " + counted(selection.inputs, "input");
  if (!selected.reads.empty() || !selected.writes.empty()) text += ", channels picked and placed";
  return text;
}

}  // namespace

std::string taps_text(const TapRange& range, std::int64_t taps, const std::string& axis) {
  const std::string of = " of " + std::to_string(taps);
  if (range.count == 0) return "no " + axis + of;
  if (range.count == 1) return axis + " " + std::to_string(range.first) + of;
  if (range.count == 2) {
    return axis + "s " + std::to_string(range.first) + " and " + std::to_string(range.last()) + of;
  }
  const std::string ends =
      " " + std::to_string(range.first) + " to " + std::to_string(range.last()) + of;
  if (range.step == 1) return axis + "s" + ends;
  return "every " + ordinal(range.step) + " " + axis + " from" + ends;
}

template <class T>
std::string selection_text(const ConvLayer<T>& layer, const Selection& selection,
                           const ConvLayer<T>& selected) {
  const std::string channels = channels_text(layer, selection, selected);
  const std::string window = window_text(layer, selection, selected);
  return channels + (channels.empty() || window.empty() ? "" : "; ") + window;
}

template std::string selection_text(const ConvLayer<float>&, const Selection&,
                                    const ConvLayer<float>&);
template std::string selection_text(const ConvLayer<double>&, const Selection&,
                                    const ConvLayer<double>&);

}  // namespace plait::rewrite
