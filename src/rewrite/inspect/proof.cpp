#include "rewrite/inspect/proof.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/error.hpp>

namespace plait::rewrite {
namespace {

// A pixel of a layer's input, relative to the top left pixel of x without padding.
struct Place {
  std::int64_t h = 0;
  std::int64_t w = 0;
};

// Rebuilds K[o] for one output at a time. The kernels of the first layer are summed as they lie in
// memory, over its own inputs, and only the sums are then moved to the channels of x.
template <class T>
class Rebuilt {
 public:
  Rebuilt(const ConvLayer<T>& layer, const Layers<T>& chain)
      : layer_(layer),
        chain_(chain),
        taps_(layer.kernel.size(2) * layer.kernel.size(3)),
        rebuilt_(static_cast<std::size_t>(layer.kernel.size(1) * taps_)),
        first_(chain[0]),
        first_inputs_(first_.kernel.size(1)),
        sums_(static_cast<std::size_t>(first_.groups * taps_ * first_inputs_)),
        roundings_(sums_.size()),
        touched_(static_cast<std::size_t>(first_.groups)) {
    for (const ConvLayer<T>& one : chain) {
      const std::int64_t c_o = one.kernel.size(0);
      std::vector<std::int64_t>& kernels = kernels_of_.emplace_back(
          static_cast<std::size_t>(one.writes.empty() ? c_o : one.y_channels), -1);
      for (std::int64_t o = 0; o < c_o; ++o) {
        const auto at = static_cast<std::size_t>(o);
        kernels[one.writes.empty() ? at : static_cast<std::size_t>(one.writes[at])] = o;
      }
    }
    by_taps_.resize(static_cast<std::size_t>(first_.kernel.size()));
    const std::int64_t first_taps = first_.kernel.size(2) * first_.kernel.size(3);
    for (std::int64_t at = 0; at < first_.kernel.size(); ++at) {
      const std::int64_t o = at / (first_inputs_ * first_taps);
      const std::int64_t j = at / first_taps % first_inputs_;
      by_taps_[static_cast<std::size_t>((o * first_taps + at % first_taps) * first_inputs_ + j)] =
          static_cast<double>(first_.kernel.data()[at]);
    }
  }

  // ||K[o] - rebuilt[o]||_1 and whether both are the same without any rounding.
  KernelDifference difference_of(std::int64_t o) {
    std::fill(rebuilt_.begin(), rebuilt_.end(), 0.0);
    stray_ = rounding_ = 0;
    follow(chain_.size() - 1, o, {}, 1.0);
    collect(o / (layer_.kernel.size(0) / layer_.groups) * layer_.kernel.size(1));
    KernelDifference difference{.bitwise = stray_ == 0 && rounding_ == 0,
                                .error = stray_ + rounding_};
    const T* given = layer_.kernel.data() + o * static_cast<std::int64_t>(rebuilt_.size());
    for (const double value : rebuilt_) {
      const double off = std::abs(static_cast<double>(*given++) - value);
      difference.bitwise = difference.bitwise && off == 0;
      difference.error += off;
    }
    return difference;
  }

 private:
  // Follows `weight` times channel c of the output of layer l, at a place of that output.
  void follow(std::size_t l, std::int64_t c, const Place& place, double weight) {
    const ConvLayer<T>& one = chain_[l];
    const std::int64_t o = kernels_of_[l][static_cast<std::size_t>(c)];
    if (o < 0) return;
    const std::int64_t first = o / (one.kernel.size(0) / one.groups) * one.kernel.size(1);
    if (l == 0) touched_[static_cast<std::size_t>(first / first_inputs_)] = true;
    for (std::int64_t u = 0; u < one.kernel.size(2); ++u) {
      for (std::int64_t v = 0; v < one.kernel.size(3); ++v) {
        const Place from{place.h * one.stride.h + u * one.dilation.h - one.padding.top,
                         place.w * one.stride.w + v * one.dilation.w - one.padding.left};
        if (l == 0) {
          const std::int64_t kernel = (o * one.kernel.size(2) + u) * one.kernel.size(3) + v;
          add(&by_taps_[static_cast<std::size_t>(kernel * first_inputs_)], first / first_inputs_,
              tap_at(from), weight);
          continue;
        }
        for (std::int64_t j = 0; j < one.kernel.size(1); ++j) {
          const auto factor = static_cast<double>(one.kernel(o, j, u, v));
          if (factor == 0) continue;
          const double product = weight * factor;
          rounding_ += off_product(weight, factor, product);
          follow(l - 1, input_of(one, first + j), from, product);
        }
      }
    }
  }

  // The channel of the layer before that is input c of this layer.
  static std::int64_t input_of(const ConvLayer<T>& one, std::int64_t c) {
    return one.reads.empty() ? c : one.reads[static_cast<std::size_t>(c)];
  }

  // The number u k_w + v of the tap that stands at a place of x, or -1 if none does.
  std::int64_t tap_at(const Place& place) const {
    const std::int64_t h = place.h + layer_.padding.top;
    const std::int64_t w = place.w + layer_.padding.left;
    const std::int64_t u = h / layer_.dilation.h;
    const std::int64_t v = w / layer_.dilation.w;
    const bool there = h >= 0 && w >= 0 && u * layer_.dilation.h == h &&
                       v * layer_.dilation.w == w && u < layer_.kernel.size(2) &&
                       v < layer_.kernel.size(3);
    return there ? u * layer_.kernel.size(3) + v : -1;
  }

  // Adds one tap of a kernel of the first layer, in one of its groups, to a tap of K[o].
  void add(const double* values, std::int64_t group, std::int64_t tap, double weight) {
    if (tap < 0) {
      for (std::int64_t j = 0; j < first_inputs_; ++j) stray_ += std::abs(weight * values[j]);
      return;
    }
    const auto at = static_cast<std::size_t>((group * taps_ + tap) * first_inputs_);
    double* sums = &sums_[at];
    double* roundings = &roundings_[at];
    // Products of two f32 are exact in f64, so that only their sums are rounded.
    const bool exact =
        std::is_same_v<T, float> && static_cast<double>(static_cast<float>(weight)) == weight;
    for (std::int64_t j = 0; j < first_inputs_; ++j) {
      const double product = weight * values[j];
      const double sum = sums[j] + product;
      roundings[j] += off_sum(sums[j], product, sum);
      if (!exact) roundings[j] += off_product(weight, values[j], product);
      sums[j] = sum;
    }
  }

  // Moves the sums from the first layer's channels to those of x. K[o] reads these from first_input
  // on.
  void collect(std::int64_t first_input) {
    for (std::int64_t group = 0; group < first_.groups; ++group) {
      if (!touched_[static_cast<std::size_t>(group)]) continue;
      touched_[static_cast<std::size_t>(group)] = false;
      auto at = static_cast<std::size_t>(group * taps_ * first_inputs_);
      for (std::int64_t tap = 0; tap < taps_; ++tap) {
        for (std::int64_t j = 0; j < first_inputs_; ++j, ++at) {
          rounding_ += std::exchange(roundings_[at], 0.0);
          const double value = std::exchange(sums_[at], 0.0);
          if (value == 0) continue;
          const std::int64_t i = input_of(first_, group * first_inputs_ + j) - first_input;
          if (i < 0 || i >= layer_.kernel.size(1)) {
            stray_ += std::abs(value);
            continue;
          }
          double& rebuilt = rebuilt_[static_cast<std::size_t>(i * taps_ + tap)];
          const double sum = rebuilt + value;
          rounding_ += off_sum(rebuilt, value, sum);
          rebuilt = sum;
        }
      }
    }
  }

  // The error of an addition, exactly (Knuth's TwoSum, 1969).
  static double off_sum(double a, double b, double sum) {
    const double added = sum - a;
    return std::abs((a - (sum - added)) + (b - added));
  }
  static double off_product(double a, double b, double product) {
    return std::abs(std::fma(a, b, -product));
  }

  const ConvLayer<T>& layer_;
  const Layers<T>& chain_;
  std::int64_t taps_;                                  // of the layer
  std::vector<double> rebuilt_;                        // K[o]
  std::vector<std::vector<std::int64_t>> kernels_of_;  // by layer: of its y's channels, or -1
  const ConvLayer<T>& first_;
  std::int64_t first_inputs_;             // of a group
  std::vector<double> by_taps_;           // the first layer's kernel, c_o x k_h x k_w x c_i/groups
  std::vector<double> sums_, roundings_;  // groups x taps x c_i/groups of the first layer
  std::vector<bool> touched_;             // groups that have sums
  double stray_ = 0;                      // weights where K has no tap
  double rounding_ = 0;                   // of sums and products, in all
};

}  // namespace

template <class T>
KernelDifference difference(const ConvLayer<T>& layer, const Layers<T>& chain,
                            const std::atomic<bool>* cancel) {
  Rebuilt<T> rebuilt(layer, chain);
  KernelDifference worst{.bitwise = true};
  for (std::int64_t o = 0; o < layer.kernel.size(0); ++o) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      throw Error(Status::cancelled, "cancelled while a kernel was rebuilt");
    }
    const KernelDifference one = rebuilt.difference_of(o);
    worst.bitwise = worst.bitwise && one.bitwise;
    worst.error = std::max(worst.error, one.error);
  }
  return worst;
}

template KernelDifference difference(const ConvLayer<float>&, const Layers<float>&,
                                     const std::atomic<bool>*);
template KernelDifference difference(const ConvLayer<double>&, const Layers<double>&,
                                     const std::atomic<bool>*);

}  // namespace plait::rewrite
