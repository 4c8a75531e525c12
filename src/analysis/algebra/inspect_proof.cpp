#include "analysis/algebra/inspect_proof.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <plait/error.hpp>

namespace plait::inspecting {
namespace {

// A pixel of a layer's input, relative to the top left pixel of x without padding.
struct Place {
  std::int64_t h = 0;
  std::int64_t w = 0;
};

// Rebuilds K[o] of one output at a time.
template <class T>
class Rebuilt {
 public:
  Rebuilt(const ConvLayer<T>& layer, const Layers<T>& chain)
      : layer_(layer),
        chain_(chain),
        sums_(static_cast<std::size_t>(layer.kernel.size() / layer.kernel.size(0))) {
    kernels_of_.resize(chain.size());
    for (std::size_t l = 0; l < chain.size(); ++l) {
      const ConvLayer<T>& one = chain[l];
      const std::int64_t c_o = one.kernel.size(0);
      kernels_of_[l].assign(static_cast<std::size_t>(one.writes.empty() ? c_o : one.y_channels),
                            -1);
      for (std::int64_t o = 0; o < c_o; ++o) {
        const auto at = static_cast<std::size_t>(o);
        kernels_of_[l][one.writes.empty() ? at : static_cast<std::size_t>(one.writes[at])] = o;
      }
    }
  }

  // ||K[o] - rebuilt[o]||_1 and whether both are the same without any rounding.
  KernelDifference difference_of(std::int64_t o) {
    std::fill(sums_.begin(), sums_.end(), 0.0);
    stray_ = rounding_ = 0;
    first_input_ = o / (layer_.kernel.size(0) / layer_.groups) * layer_.kernel.size(1);
    follow(chain_.size() - 1, o, {}, 1.0);
    KernelDifference difference{.bitwise = stray_ == 0 && rounding_ == 0,
                                .error = stray_ + rounding_};
    const T* given = layer_.kernel.data() + o * static_cast<std::int64_t>(sums_.size());
    for (const double sum : sums_) {
      const double off = std::abs(static_cast<double>(*given++) - sum);
      difference.bitwise = difference.bitwise && off == 0;
      difference.error += off;
    }
    return difference;
  }

 private:
  // Channel c of what layer l gives, `weight` times, at a place of it.
  void follow(std::size_t l, std::int64_t c, const Place& place, double weight) {
    const ConvLayer<T>& one = chain_[l];
    const std::int64_t o = kernels_of_[l][static_cast<std::size_t>(c)];
    if (o < 0) return;
    const T* value = &one.kernel(o, 0, 0, 0);
    const std::int64_t taps = one.kernel.size(2) * one.kernel.size(3);
    for (std::int64_t u = 0; u < one.kernel.size(2); ++u) {
      for (std::int64_t v = 0; v < one.kernel.size(3); ++v) {
        const Place from{place.h * one.stride.h + u * one.dilation.h - one.padding.top,
                         place.w * one.stride.w + v * one.dilation.w - one.padding.left};
        const std::int64_t tap = l == 0 ? tap_at(from) : 0;
        const T* tap_value = value++;
        for (std::int64_t j = 0; j < one.kernel.size(1); ++j, tap_value += taps) {
          const auto factor = static_cast<double>(*tap_value);
          if (factor == 0) continue;
          if (l == 0) {
            add(input_of(one, o, j), tap, product(weight, factor));
          } else {
            follow(l - 1, input_of(one, o, j), from, product(weight, factor));
          }
        }
      }
    }
  }

  // The channel that kernel [o, j] of a layer reads.
  static std::int64_t input_of(const ConvLayer<T>& one, std::int64_t o, std::int64_t j) {
    const std::int64_t c = o / (one.kernel.size(0) / one.groups) * one.kernel.size(1) + j;
    return one.reads.empty() ? c : one.reads[static_cast<std::size_t>(c)];
  }

  // u k_w + v of the tap that the layer has at a place of x, or -1.
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

  // A weight of channel c of x at a tap.
  void add(std::int64_t c, std::int64_t tap, double weight) {
    const std::int64_t j = c - first_input_;
    if (tap < 0 || j < 0 || j >= layer_.kernel.size(1)) {
      stray_ += std::abs(weight);
      return;
    }
    double& sum =
        sums_[static_cast<std::size_t>(j * layer_.kernel.size(2) * layer_.kernel.size(3) + tap)];
    const double before = sum;
    sum = before + weight;
    // What the addition rounded off (Knuth's TwoSum, 1969).
    const double added = sum - before;
    rounding_ += std::abs((before - (sum - added)) + (weight - added));
  }

  double product(double a, double b) {
    const double result = a * b;
    // Of two f32 values the product is exact.
    if (std::is_same_v<T, float> && static_cast<double>(static_cast<float>(a)) == a) return result;
    rounding_ += std::abs(std::fma(a, b, -result));
    return result;
  }

  const ConvLayer<T>& layer_;
  const Layers<T>& chain_;
  std::vector<std::vector<std::int64_t>> kernels_of_;  // by layer: of its y's channels, or -1
  std::vector<double> sums_;                           // K[o], rebuilt
  double stray_ = 0;                                   // weights where K has no tap
  double rounding_ = 0;                                // of sums and products, in all
  std::int64_t first_input_ = 0;                       // of o's group
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

}  // namespace plait::inspecting
