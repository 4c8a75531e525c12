// The kernels of a layer one by one: which are zero, have rank one, or are symmetric, and which
// taps they use.
#pragma once

#include <cstdint>
#include <vector>

#include <plait/rewrite/inspect.hpp>

namespace plait::rewrite {

// Which kernels are not zero, and which channels they connect.
struct KernelMap {
  std::int64_t c_o = 0;
  std::int64_t c_i = 0;  // of all groups
  std::int64_t groups = 1;
  std::vector<std::uint8_t> nonzero = {};  // c_o x c_i/groups

  std::int64_t inputs_per_group() const { return c_i / groups; }
  // The channel of x that kernel [o, j] reads.
  std::int64_t input_of(std::int64_t o, std::int64_t j) const {
    return o / (c_o / groups) * inputs_per_group() + j;
  }
  bool at(std::int64_t o, std::int64_t j) const {
    return nonzero[static_cast<std::size_t>(o * inputs_per_group() + j)] != 0;
  }
};

template <class T>
KernelMap kernel_map(const ConvLayer<T>& layer);

// Finds everything but blocks, repeats and ranks.
template <class T>
KernelFindings look_at_kernels(const ConvLayer<T>& layer, const KernelMap& map);

// The fewest equally spaced taps that hold all that are `used`; count 0 if none is.
TapRange used_taps(const std::vector<bool>& used);

// The fewest taps that hold `used` where an axis of `taps` taps may leave out no more at either end
// than its padding there: leaving out a tap takes `dilation` of it.
TapRange kept_taps(const TapRange& used, std::int64_t taps, std::int64_t dilation,
                   std::int64_t pad_before, std::int64_t pad_after);

}  // namespace plait::rewrite
