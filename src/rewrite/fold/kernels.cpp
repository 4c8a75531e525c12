// What is a convolution without being called one: the identity, average pooling, channel shuffle.
#include <algorithm>
#include <string>

#include <plait/rewrite/fold.hpp>

#include "core/integers.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"
#include "rewrite/layer_rules.hpp"

namespace plait {
namespace {

void check_at_least_one(const char* name, std::int64_t value) {
  if (value >= 1) return;
  refuse(std::string(name) + " must be at least 1 but is " + std::to_string(value));
}

void check_groups(std::int64_t channels, std::int64_t groups) {
  check_at_least_one("channels", channels);
  check_at_least_one("groups", groups);
  if (channels % groups == 0) return;
  refuse("groups must divide the channels but " + std::to_string(groups) + " does not divide " +
         std::to_string(channels));
}

void check_window(const Pair& window) {
  if (window.h >= 1 && window.w >= 1) return;
  refuse("the window must be at least 1 but is " + pair_text(window));
}

}  // namespace

template <class T>
Tensor<T> identity_kernel(std::int64_t channels, std::int64_t groups, Pair window) {
  check_groups(channels, groups);
  check_window(window);
  const std::int64_t block = channels / groups;
  Tensor<T> kernel({channels, block, window.h, window.w});
  for (std::int64_t o = 0; o < channels; ++o) {
    kernel(o, o % block, (window.h - 1) / 2, (window.w - 1) / 2) = 1;
  }
  return kernel;
}

template <class T>
Tensor<T> average_pool_kernel(std::int64_t channels, Pair window, const Padding& padding,
                              bool count_include_pad) {
  check_at_least_one("channels", channels);
  check_window(window);
  if (std::min({padding.top, padding.bottom, padding.left, padding.right}) < 0) {
    refuse("padding must not be negative but is " + sides_text(padding));
  }
  if (!count_include_pad && rewrite::has_padding(padding)) {
    refuse("average pooling that does not count its padding, " + sides_text(padding) +
           ", is no convolution: at the borders it divides by fewer than " +
           std::to_string(window.h) + "x" + std::to_string(window.w) + " values");
  }
  Tensor<T> kernel({channels, 1, window.h, window.w});
  const auto taps = static_cast<double>(Int128{window.h} * window.w);
  std::fill(kernel.begin(), kernel.end(), static_cast<T>(1.0 / taps));
  return kernel;
}

template <class T>
Tensor<T> channel_shuffle_kernel(std::int64_t channels, std::int64_t groups) {
  check_groups(channels, groups);
  Tensor<T> kernel({channels, channels, 1, 1});
  const std::int64_t block = channels / groups;
  for (std::int64_t i = 0; i < groups; ++i) {
    for (std::int64_t j = 0; j < block; ++j) kernel(j * groups + i, i * block + j, 0, 0) = 1;
  }
  return kernel;
}

#define PLAIT_INSTANTIATE(T)                                                        \
  template Tensor<T> identity_kernel(std::int64_t, std::int64_t, Pair);             \
  template Tensor<T> average_pool_kernel(std::int64_t, Pair, const Padding&, bool); \
  template Tensor<T> channel_shuffle_kernel(std::int64_t, std::int64_t);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
