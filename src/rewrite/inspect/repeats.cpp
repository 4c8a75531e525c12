#include "rewrite/inspect/repeats.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "rewrite/layer_rules.hpp"

namespace plait::rewrite {
namespace {

// The factor f if the row is f times `of`, or nothing; `largest` is where |of| is largest. If the
// row is such a multiple, rounded, then f is known within two roundings and each value within one.
template <class T>
std::optional<T> factor_of(const T* row, const T* of, std::int64_t length, std::int64_t largest) {
  const auto factor =
      static_cast<T>(static_cast<double>(row[largest]) / static_cast<double>(of[largest]));
  if (factor == 0 || !std::isfinite(factor)) return std::nullopt;
  const double allowed = 2 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::int64_t i = 0; i < length; ++i) {
    const double value = static_cast<double>(row[i]);
    const double off = value - static_cast<double>(factor) * static_cast<double>(of[i]);
    if (std::abs(off) > allowed * std::abs(value)) return std::nullopt;
  }
  return factor;
}

// Adds the classes of `rows` rows, numbered from `first` on. Rows of a single value are all
// multiples of each other, which gains nothing, so that they count as different.
template <class T>
void add_classes(const T* values, std::int64_t rows, std::int64_t length, std::int64_t first,
                 std::vector<ChannelCopies>& classes) {
  struct Kind {
    std::int64_t row;
    std::int64_t largest;
    std::size_t number;
  };
  std::vector<Kind> kinds;
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* from = values + row * length;
    const std::int64_t largest =
        std::max_element(from, from + length, [](T a, T b) { return std::abs(a) < std::abs(b); }) -
        from;
    if (from[largest] == 0) continue;
    std::optional<T> factor;
    for (const Kind& kind : kinds) {
      factor = factor_of(from, values + kind.row * length, length, kind.largest);
      if (!factor) continue;
      classes[kind.number].channels.push_back(first + row);
      classes[kind.number].factors.push_back(static_cast<double>(*factor));
      break;
    }
    if (factor) continue;
    if (length > 1) kinds.push_back({row, largest, classes.size()});
    classes.push_back({{first + row}, {1.0}});
  }
}

// Sizes of a group of the layer.
template <class T>
struct Group {
  explicit Group(const ConvLayer<T>& layer)
      : outputs(layer.kernel.size(0) / layer.groups),
        inputs(layer.kernel.size(1)),
        taps(layer.kernel.size(2) * layer.kernel.size(3)) {}

  std::int64_t outputs;
  std::int64_t inputs;
  std::int64_t taps;
};

// The classes of each group of `size` channels, and the most that one group has.
struct GroupedClasses {
  GroupedClasses(const std::vector<ChannelCopies>& classes, std::int64_t groups, std::int64_t size)
      : of(static_cast<std::size_t>(groups)) {
    for (const ChannelCopies& copies : classes) {
      std::vector<const ChannelCopies*>& list =
          of[static_cast<std::size_t>(copies.channels.front() / size)];
      list.push_back(&copies);
      most = std::max(most, static_cast<std::int64_t>(list.size()));
    }
  }

  std::vector<std::vector<const ChannelCopies*>> of;
  std::int64_t most = 1;
};

template <class T>
std::optional<Layers<T>> if_cheaper(Layers<T> layers, const ConvLayer<T>& layer) {
  if (multiplications_per_position(layers) >= layer.kernel.size()) return std::nullopt;
  return layers;
}

}  // namespace

template <class T>
std::vector<ChannelCopies> output_classes(const ConvLayer<T>& layer) {
  const Group<T> group(layer);
  std::vector<ChannelCopies> classes;
  for (std::int64_t g = 0; g < layer.groups; ++g) {
    add_classes(&layer.kernel(g * group.outputs, 0, 0, 0), group.outputs, group.inputs * group.taps,
                g * group.outputs, classes);
  }
  return classes;
}

template <class T>
std::vector<ChannelCopies> input_classes(const ConvLayer<T>& layer) {
  const Group<T> group(layer);
  std::vector<ChannelCopies> classes;
  Tensor<T> rows({group.inputs, group.outputs * group.taps});
  for (std::int64_t g = 0; g < layer.groups; ++g) {
    for (std::int64_t i = 0; i < group.inputs; ++i) {
      for (std::int64_t o = 0; o < group.outputs; ++o) {
        std::copy_n(&layer.kernel(g * group.outputs + o, i, 0, 0), group.taps,
                    &rows(i, o * group.taps));
      }
    }
    add_classes(rows.data(), group.inputs, group.outputs * group.taps, g * group.inputs, classes);
  }
  return classes;
}

template <class T>
std::optional<Layers<T>> computed_once(const ConvLayer<T>& layer,
                                       const std::vector<ChannelCopies>& classes) {
  const Group<T> group(layer);
  const GroupedClasses grouped(classes, layer.groups, group.outputs);
  ConvLayer<T> distinct = layer;
  distinct.kernel = Tensor<T>(
      {layer.groups * grouped.most, group.inputs, layer.kernel.size(2), layer.kernel.size(3)});
  distinct.writes.clear();
  distinct.y_channels = 0;
  ConvLayer<T> copy;
  std::vector<T> factors;
  for (std::int64_t g = 0; g < layer.groups; ++g) {
    std::int64_t kernel = g * grouped.most;
    for (const ChannelCopies* copies : grouped.of[static_cast<std::size_t>(g)]) {
      std::copy_n(&layer.kernel(copies->channels.front(), 0, 0, 0), group.inputs * group.taps,
                  &distinct.kernel(kernel, 0, 0, 0));
      for (std::size_t i = 0; i < copies->channels.size(); ++i) {
        copy.reads.push_back(kernel);
        copy.writes.push_back(listed(layer.writes, copies->channels[i]));
        factors.push_back(static_cast<T>(copies->factors[i]));
      }
      ++kernel;
    }
  }
  copy.groups = static_cast<std::int64_t>(factors.size());
  copy.y_channels = layer.writes.empty() ? layer.kernel.size(0) : layer.y_channels;
  copy.kernel = Tensor<T>({copy.groups, 1, 1, 1});
  std::copy(factors.begin(), factors.end(), copy.kernel.data());
  return if_cheaper(Layers<T>{std::move(distinct), std::move(copy)}, layer);
}

template <class T>
std::optional<Layers<T>> summed_first(const ConvLayer<T>& layer,
                                      const std::vector<ChannelCopies>& classes) {
  const Group<T> group(layer);
  const GroupedClasses grouped(classes, layer.groups, group.inputs);
  std::size_t widest = 1;
  for (const ChannelCopies& copies : classes) widest = std::max(widest, copies.channels.size());

  ConvLayer<T> sums;
  sums.groups = static_cast<std::int64_t>(classes.size());
  sums.kernel = Tensor<T>({sums.groups, static_cast<std::int64_t>(widest), 1, 1});
  sums.y_channels = layer.groups * grouped.most;
  ConvLayer<T> once = layer;
  once.kernel =
      Tensor<T>({layer.kernel.size(0), grouped.most, layer.kernel.size(2), layer.kernel.size(3)});
  once.reads.clear();
  T* factor = sums.kernel.data();
  for (std::int64_t g = 0; g < layer.groups; ++g) {
    std::int64_t channel = 0;  // of the group, in the second layer
    for (const ChannelCopies* copies : grouped.of[static_cast<std::size_t>(g)]) {
      for (std::size_t i = 0; i < widest; ++i) {
        // Smaller classes are filled up with zero times one of their own inputs.
        const bool there = i < copies->channels.size();
        sums.reads.push_back(listed(layer.reads, copies->channels[there ? i : 0]));
        *factor++ = there ? static_cast<T>(copies->factors[i]) : T{0};
      }
      sums.writes.push_back(g * grouped.most + channel);
      for (std::int64_t o = 0; o < group.outputs; ++o) {
        std::copy_n(
            &layer.kernel(g * group.outputs + o, copies->channels.front() % group.inputs, 0, 0),
            group.taps, &once.kernel(g * group.outputs + o, channel, 0, 0));
      }
      ++channel;
    }
  }
  return if_cheaper(Layers<T>{std::move(sums), std::move(once)}, layer);
}

template std::vector<ChannelCopies> output_classes(const ConvLayer<float>&);
template std::vector<ChannelCopies> input_classes(const ConvLayer<float>&);
template std::optional<Layers<float>> computed_once(const ConvLayer<float>&,
                                                    const std::vector<ChannelCopies>&);
template std::optional<Layers<float>> summed_first(const ConvLayer<float>&,
                                                   const std::vector<ChannelCopies>&);
template std::vector<ChannelCopies> output_classes(const ConvLayer<double>&);
template std::vector<ChannelCopies> input_classes(const ConvLayer<double>&);
template std::optional<Layers<double>> computed_once(const ConvLayer<double>&,
                                                     const std::vector<ChannelCopies>&);
template std::optional<Layers<double>> summed_first(const ConvLayer<double>&,
                                                    const std::vector<ChannelCopies>&);

}  // namespace plait::rewrite
