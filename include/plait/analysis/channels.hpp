// Channels in groups (the chapter's last exercise). A grouped layer is a block-diagonal matrix at
// every pixel, so that each group of output channels depends on one group of input channels. Here
// are the shuffle that lets the next layer mix the groups, and which input channels reach which
// output channels through a stack of such layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <plait/export.hpp>
#include <plait/tensor.hpp>

namespace plait {

// Interleaves the channels of `groups` groups: output channel j groups + i is input channel
// i (c / groups) + j. In other words, c is reshaped to groups x c / groups, transposed and
// flattened, as channel_shuffle of torch and ShuffleNet (Zhang et al., 2018) does; shuffling by
// c / groups undoes it. x[c, h, w] or x[n, c, h, w] may have any strides; the result is dense and
// has the same shape. Throws Error for another rank, for groups < 1, and when groups do not divide
// c.
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

// A stack of equal layers, each channels -> channels in `groups` groups, with the same between any
// two of them.
struct GroupedStack {
  std::int64_t channels = 1;
  std::int64_t groups = 1;
  std::int64_t layers = 1;
  Between between = Between::none;
};

// The most channels of a flow matrix, which then has 16 MiB.
inline constexpr std::int64_t kMaxFlowChannels = 4096;

// Which input channels can change which output channels.
struct ChannelFlow {
  std::int64_t channels = 0;
  std::vector<std::uint8_t> matrix;  // [output, input]: 1 where the input reaches the output
  std::int64_t reached_pairs = 0;    // the number of ones in the matrix

  bool reaches(std::int64_t input, std::int64_t output) const {
    return matrix[static_cast<std::size_t>(output * channels + input)] != 0;
  }
  std::int64_t pairs() const { return channels * channels; }
  double share() const { return static_cast<double>(reached_pairs) / static_cast<double>(pairs()); }
};

// The boolean product of the layers' matrices, in O(channels^2) a layer; it ends when a layer
// changes nothing. Throws Error when groups do not divide channels, a number is below 1, or there
// are more than kMaxFlowChannels channels.
PLAIT_API ChannelFlow channel_flow(const GroupedStack& stack);

// The fewest layers through which every input channel reaches every output channel, or nothing if
// no number of layers is enough. The stack's own number of layers does not matter. Throws Error
// when groups do not divide channels or a number is below 1.
PLAIT_API std::optional<std::int64_t> layers_to_reach_all(const GroupedStack& stack);

}  // namespace plait
