// Shuffles channels, and follows them through stacks of grouped layers.
#include <plait/analysis/channels.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <plait/error.hpp>

#include "core/refuse.hpp"
#include "core/values.hpp"

namespace plait {
namespace {

void check_at_least_one(const char* name, std::int64_t value) {
  if (value < 1) {
    refuse(std::string(name) + " must be at least 1 but is " + std::to_string(value));
  }
}

void check_groups(std::int64_t groups, std::int64_t channels, const std::string& where) {
  check_at_least_one("groups", groups);
  if (channels % groups != 0) {
    refuse("groups must divide the channels but " + std::to_string(groups) + " does not divide " +
           std::to_string(channels) + where);
  }
}

void check(const GroupedStack& stack) {
  check_at_least_one("channels", stack.channels);
  check_groups(stack.groups, stack.channels, "");
  check_at_least_one("layers", stack.layers);
}

// The channel that channel_shuffle moves to `output`, for groups of `block` channels.
std::int64_t shuffled_from(std::int64_t output, std::int64_t groups, std::int64_t block) {
  return output % groups * block + output / groups;
}

template <class T>
T* copy_plane(const T* from, const Dims& shape, const Dims& strides, T* to) {
  const int rank = shape.rank();
  for (std::int64_t i = 0; i < shape[rank - 2]; ++i) {
    const T* row = from + i * strides[rank - 2];
    for (std::int64_t j = 0; j < shape[rank - 1]; ++j) *to++ = row[j * strides[rank - 1]];
  }
  return to;
}

// All outputs of a block are reached by the same channels, so there is one row of channels for each
// block.
using BlockRows = std::vector<std::vector<std::uint8_t>>;

void add(const std::vector<std::uint8_t>& from, std::vector<std::uint8_t>& to) {
  std::transform(from.begin(), from.end(), to.begin(), to.begin(),
                 [](auto a, auto b) { return static_cast<std::uint8_t>(a | b); });
}

// The channels that reach each block of the next layer.
BlockRows next_layer(const BlockRows& rows, const GroupedStack& stack) {
  const std::int64_t block = stack.channels / stack.groups;
  const std::vector<std::uint8_t> nothing(static_cast<std::size_t>(stack.channels));
  BlockRows next(rows.size(), nothing);
  if (stack.between == Between::none) return rows;
  if (stack.between == Between::pointwise) {
    for (const auto& row : rows) add(row, next[0]);
    std::fill(next.begin() + 1, next.end(), next[0]);
    return next;
  }
  for (std::int64_t channel = 0; channel < stack.channels; ++channel) {
    const std::int64_t source = shuffled_from(channel, stack.groups, block) / block;
    add(rows[static_cast<std::size_t>(source)], next[static_cast<std::size_t>(channel / block)]);
  }
  return next;
}

}  // namespace

template <class T>
Tensor<T> channel_shuffle(TensorView<const T> x, std::int64_t groups) {
  const bool missing = x.data() == nullptr && (x.rank() == 0 || element_count(x.shape()) > 0);
  if (missing || x.rank() < 3 || x.rank() > 4) {
    refuse("x must be c x h x w or n x c x h x w but is " +
           (missing ? "missing" : to_string(x.shape())));
  }
  const bool batch = x.rank() == 4;
  const int axis = batch ? 1 : 0;
  check_groups(groups, x.size(axis), " (x is " + to_string(x.shape()) + ")");
  const std::int64_t block = x.size(axis) / groups;
  Tensor<T> y(x.shape());
  T* to = y.data();
  for (std::int64_t n = 0; n < (batch ? x.size(0) : 1); ++n) {
    const T* image = x.data() + (batch ? n * x.strides()[0] : 0);
    for (std::int64_t channel = 0; channel < x.size(axis); ++channel) {
      const std::int64_t source = shuffled_from(channel, groups, block);
      to = copy_plane(image + source * x.strides()[axis], x.shape(), x.strides(), to);
    }
  }
  return y;
}

template Tensor<float> channel_shuffle(TensorView<const float>, std::int64_t);
template Tensor<double> channel_shuffle(TensorView<const double>, std::int64_t);

std::string_view name_of(Between between) {
  switch (between) {
    case Between::none:
      return "none";
    case Between::shuffle:
      return "shuffle";
    case Between::pointwise:
      return "pointwise";
  }
  return "?";
}

Between parse_between(std::string_view text) {
  std::string known;
  for (const Between between : {Between::none, Between::shuffle, Between::pointwise}) {
    if (text == name_of(between)) return between;
    known += (known.empty() ? "" : ", ") + std::string(name_of(between));
  }
  refuse("unknown kind of layer between " + quoted(text) + " (known: " + known + ")");
}

ChannelFlow channel_flow(const GroupedStack& stack) {
  if (stack.channels > kMaxFlowChannels) {
    throw Error(Status::unsupported, "channel_flow follows at most " +
                                         std::to_string(kMaxFlowChannels) + " channels but got " +
                                         std::to_string(stack.channels));
  }
  check(stack);
  const auto block = static_cast<std::size_t>(stack.channels / stack.groups);
  const auto groups = static_cast<std::size_t>(stack.groups);
  BlockRows rows(groups, std::vector<std::uint8_t>(block * groups));
  for (std::size_t b = 0; b < groups; ++b) std::fill_n(&rows[b][b * block], block, 1);
  for (std::int64_t layer = 1; layer < stack.layers; ++layer) {
    BlockRows next = next_layer(rows, stack);
    if (next == rows) break;
    rows = std::move(next);
  }
  ChannelFlow flow;
  flow.channels = stack.channels;
  flow.matrix.reserve(static_cast<std::size_t>(flow.pairs()));
  for (const auto& row : rows) {
    for (std::size_t output = 0; output < block; ++output) {
      flow.matrix.insert(flow.matrix.end(), row.begin(), row.end());
    }
  }
  flow.reached_pairs = std::count(flow.matrix.begin(), flow.matrix.end(), 1);
  return flow;
}

// Let m = channels / groups. The inputs of block b are the outputs b m ... b m + m - 1 of the
// shuffle before it, and output y of a shuffle comes from block y mod groups. So k shuffles back
// the block depends on the m^k consecutive blocks from b m^k on, modulo groups, and on all of them
// as soon as m^k >= groups. (The blocks are the nodes of a generalised de Bruijn digraph: Imase and
// Itoh, 1981.)
std::optional<std::int64_t> layers_to_reach_all(const GroupedStack& stack) {
  check(stack);
  if (stack.groups == 1) return 1;
  if (stack.between == Between::pointwise) return 2;
  const std::int64_t block = stack.channels / stack.groups;
  if (stack.between == Between::none || block == 1) return std::nullopt;
  std::int64_t layers = 1;
  // Each layer divides the number of blocks that are still to be reached by m, rounding up.
  for (std::int64_t left = stack.groups; left > 1; left = (left - 1) / block + 1) ++layers;
  return layers;
}

}  // namespace plait
