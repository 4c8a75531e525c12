// Channels in groups: a grouped layer is a block-diagonal matrix at every pixel, so that each block
// of outputs sees one block of inputs only. Here are the shuffle that lets the next layer mix the
// blocks, and what reaches what through a stack of such layers: the chapter's last exercise.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <plait/export.hpp>
#include <plait/tensor.hpp>

namespace plait {

// Deals the channels of `groups` blocks out in turn: output channel j groups + i is input channel
// i (c / groups) + j. In other words, c is reshaped to groups x c / groups, transposed and
// flattened, as torch's and ShuffleNet's (Zhang et al., 2018) channel_shuffle do; shuffling by
// c / groups undoes it. x: c x h x w or n x c x h x w, any strides; the result is dense and of the
// same shape. Throws Error for another rank, for groups < 1, and when groups do not divide c.
template <class T>
PLAIT_API Tensor<T> channel_shuffle(TensorView<const T> x, std::int64_t groups);
template <class T>
Tensor<T> channel_shuffle(const Tensor<T>& x, std::int64_t groups) {
  return channel_shuffle<T>(x.view(), groups);
}

// What lies between two grouped layers.
enum class Between {
  none,       // nothing
  shuffle,    // channel_shuffle by the layers' groups
  pointwise,  // a dense 1x1 layer, c -> c
};
PLAIT_API std::string_view name_of(Between between);
PLAIT_API Between parse_between(std::string_view text);  // throws Error listing the known ones

// Layers channels -> channels in `groups` groups each, and between two of them the same.
struct GroupedStack {
  std::int64_t channels = 1;
  std::int64_t groups = 1;
  std::int64_t layers = 1;
  Between between = Between::none;
};

// A matrix of so many channels has 16 MiB.
inline constexpr std::int64_t kMaxFlowChannels = 4096;

// Which input channels can change which output channels.
struct ChannelFlow {
  std::int64_t channels = 0;
  std::vector<std::uint8_t> matrix;  // channels x channels, a row per output: 1 where it is reached
  std::int64_t reached_pairs = 0;    // ones in it

  bool reaches(std::int64_t input, std::int64_t output) const {
    return matrix[static_cast<std::size_t>(output * channels + input)] != 0;
  }
  std::int64_t pairs() const { return channels * channels; }
  double share() const { return static_cast<double>(reached_pairs) / static_cast<double>(pairs()); }
};

// The boolean product of the stack's matrices, in time layers channels^2 until a layer changes
// nothing more. Throws Error when groups do not divide channels, a number is below 1, or there are
// more than kMaxFlowChannels channels.
PLAIT_API ChannelFlow channel_flow(const GroupedStack& stack);

// The fewest layers through which every input channel reaches every output channel, or nothing if
// no number does. The stack's own number of layers does not matter. Throws Error when groups do not
// divide channels or a number is below 1.
PLAIT_API std::optional<std::int64_t> layers_to_reach_all(const GroupedStack& stack);

}  // namespace plait
