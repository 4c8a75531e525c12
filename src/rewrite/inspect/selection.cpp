#include "rewrite/inspect/selection.hpp"

#include <algorithm>
#include <utility>

#include <plait/text.hpp>

#include "core/values.hpp"

namespace plait::rewrite {
namespace {

Channels consecutive(std::int64_t first_output, std::int64_t outputs, std::int64_t first_input,
                     std::int64_t inputs) {
  Channels channels;
  for (std::int64_t o = 0; o < outputs; ++o) channels.outputs.push_back(first_output + o);
  for (std::int64_t i = 0; i < inputs; ++i) channels.inputs.push_back(first_input + i);
  return channels;
}

// Moves `missing` channels from `free` to the group, those nearest to it first, so that a group of
// consecutive channels becomes one again.
void fill_up(std::vector<std::int64_t>& group, std::int64_t missing,
             std::vector<std::int64_t>& free) {
  for (; missing > 0; --missing) {
    const auto distance = [&group](std::int64_t channel) {
      if (group.empty()) return channel;
      return std::max({group.front() - channel, channel - group.back(), std::int64_t{0}});
    };
    const auto nearest =
        std::min_element(free.begin(), free.end(),
                         [&](std::int64_t a, std::int64_t b) { return distance(a) < distance(b); });
    if (nearest == free.end()) return;
    group.insert(std::upper_bound(group.begin(), group.end(), *nearest), *nearest);
    free.erase(nearest);
  }
}

std::vector<std::int64_t> not_in(const std::vector<bool>& used) {
  std::vector<std::int64_t> channels;
  for (std::size_t channel = 0; channel < used.size(); ++channel) {
    if (!used[channel]) channels.push_back(static_cast<std::int64_t>(channel));
  }
  return channels;
}

std::vector<std::int64_t> not_in(const std::vector<std::int64_t>& channels, std::int64_t all) {
  std::vector<bool> used(static_cast<std::size_t>(all));
  for (const std::int64_t channel : channels) used[static_cast<std::size_t>(channel)] = true;
  return not_in(used);
}

std::vector<Channels> filled_up(const Selection& selection, const KernelMap& map) {
  std::vector<bool> outputs(static_cast<std::size_t>(map.c_o));
  std::vector<bool> inputs(static_cast<std::size_t>(map.c_i));
  for (const Channels& group : selection.groups) {
    for (const std::int64_t o : group.outputs) outputs[static_cast<std::size_t>(o)] = true;
    for (const std::int64_t i : group.inputs) inputs[static_cast<std::size_t>(i)] = true;
  }
  std::vector<std::int64_t> free_outputs = not_in(outputs);
  std::vector<std::int64_t> free_inputs = not_in(inputs);
  std::vector<Channels> groups = selection.groups;
  const auto missing = [](std::int64_t wanted, const std::vector<std::int64_t>& channels) {
    return wanted - static_cast<std::int64_t>(channels.size());
  };
  for (Channels& group : groups) {
    fill_up(group.outputs, missing(selection.outputs, group.outputs), free_outputs);
    fill_up(group.inputs, missing(selection.inputs, group.inputs), free_inputs);
    // Where no dead inputs are left, those of other groups serve: no kernel reads them here.
    const std::int64_t left = missing(selection.inputs, group.inputs);
    if (left == 0) continue;
    std::vector<std::int64_t> others = not_in(group.inputs, map.c_i);
    fill_up(group.inputs, left, others);
  }
  return groups;
}

// The list, or an empty one where it is 0, 1, ..., all - 1.
std::vector<std::int64_t> unless_in_order(std::vector<std::int64_t> channels, std::int64_t all) {
  bool in_order = static_cast<std::int64_t>(channels.size()) == all;
  for (std::size_t i = 0; in_order && i < channels.size(); ++i) {
    in_order = channels[i] == static_cast<std::int64_t>(i);
  }
  if (in_order) channels.clear();
  return channels;
}

std::int64_t cropped(std::int64_t padding, std::int64_t taps, std::int64_t dilation) {
  return padding - taps * dilation;
}

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

template <class T>
Selection in_groups(const ConvLayer<T>& layer, std::int64_t groups) {
  const Tensor<T>& kernel = layer.kernel;
  Selection selection;
  selection.outputs = kernel.size(0) / groups;
  selection.inputs = kernel.size(1) * layer.groups / groups;
  selection.rows = {0, kernel.size(2), 1};
  selection.columns = {0, kernel.size(3), 1};
  for (std::int64_t g = 0; g < groups; ++g) {
    selection.groups.push_back(consecutive(g * selection.outputs, selection.outputs,
                                           g * selection.inputs, selection.inputs));
  }
  return selection;
}

template <class T>
Selection whole(const ConvLayer<T>& layer) {
  return in_groups(layer, layer.groups);
}

template <class T>
Selection without_dead(const ConvLayer<T>& layer, const KernelFindings& found) {
  Selection selection = whole(layer);
  const auto remove = [](const std::vector<std::int64_t>& dead, std::vector<std::int64_t>& from) {
    std::erase_if(from, [&dead](std::int64_t channel) {
      return std::binary_search(dead.begin(), dead.end(), channel);
    });
  };
  selection.outputs = selection.inputs = 1;  // a layer has at least these
  std::vector<Channels> left;
  for (Channels& group : selection.groups) {
    remove(found.zero_outputs, group.outputs);
    remove(found.dead_inputs, group.inputs);
    if (group.outputs.empty()) continue;
    selection.outputs =
        std::max(selection.outputs, static_cast<std::int64_t>(group.outputs.size()));
    selection.inputs = std::max(selection.inputs, static_cast<std::int64_t>(group.inputs.size()));
    left.push_back(std::move(group));
  }
  if (left.empty()) left.emplace_back();  // a layer of zeros
  selection.groups = std::move(left);
  return selection;
}

template <class T>
ConvLayer<T> layer_of(const ConvLayer<T>& layer, const KernelMap& map, const Selection& selection) {
  const TapRange& rows = selection.rows;
  const TapRange& columns = selection.columns;
  const std::int64_t k_h = layer.kernel.size(2);
  const std::int64_t k_w = layer.kernel.size(3);
  ConvLayer<T> part;
  part.groups = static_cast<std::int64_t>(selection.groups.size());
  part.kernel =
      Tensor<T>({part.groups * selection.outputs, selection.inputs, rows.count, columns.count});
  part.stride = layer.stride;
  part.dilation = {layer.dilation.h * rows.step, layer.dilation.w * columns.step};
  part.padding = {cropped(layer.padding.top, rows.first, layer.dilation.h),
                  cropped(layer.padding.bottom, k_h - 1 - rows.last(), layer.dilation.h),
                  cropped(layer.padding.left, columns.first, layer.dilation.w),
                  cropped(layer.padding.right, k_w - 1 - columns.last(), layer.dilation.w)};
  T* to = part.kernel.data();
  for (const Channels& group : filled_up(selection, map)) {
    for (const std::int64_t o : group.outputs) {
      for (const std::int64_t i : group.inputs) {
        const std::int64_t j = i - map.input_of(o, 0);
        const bool there = j >= 0 && j < map.inputs_per_group();
        for (std::int64_t u = 0; u < rows.count; ++u) {
          for (std::int64_t v = 0; v < columns.count; ++v) {
            *to++ = there ? layer.kernel(o, j, rows.first + u * rows.step,
                                         columns.first + v * columns.step)
                          : T{0};
          }
        }
      }
    }
    part.reads.insert(part.reads.end(), group.inputs.begin(), group.inputs.end());
    part.writes.insert(part.writes.end(), group.outputs.begin(), group.outputs.end());
  }
  part.reads = unless_in_order(std::move(part.reads), map.c_i);
  part.writes = unless_in_order(std::move(part.writes), map.c_o);
  if (!part.writes.empty()) part.y_channels = map.c_o;
  return part;
}

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

#define PLAIT_INSTANTIATE(T)                                                               \
  template Selection whole(const ConvLayer<T>&);                                           \
  template Selection in_groups(const ConvLayer<T>&, std::int64_t);                         \
  template Selection without_dead(const ConvLayer<T>&, const KernelFindings&);             \
  template ConvLayer<T> layer_of(const ConvLayer<T>&, const KernelMap&, const Selection&); \
  template std::string selection_text(const ConvLayer<T>&, const Selection&, const ConvLayer<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::rewrite
