#include "rewrite/rewrites.hpp"

#include <algorithm>
#include <cmath>

#include <plait/text.hpp>

namespace plait::rewrite {
namespace {

// Measured times of the same work differ by so much from run to run.
constexpr double kNoise = 0.03;

// The maximum over o of ||K[o]||_1: no output is larger than this times max|x|.
template <class T>
double largest_output(const Tensor<T>& kernel) {
  double largest = 0;
  const std::int64_t depth = kernel.size() / kernel.size(0);
  for (const T* row = kernel.begin(); row != kernel.end(); row += depth) {
    double sum = 0;
    for (std::int64_t i = 0; i < depth; ++i) sum += std::abs(static_cast<double>(row[i]));
    largest = std::max(largest, sum);
  }
  return largest;
}

}  // namespace

template <class T>
void set_proof(const Tensor<T>& kernel, bool bitwise, double output_bound, Rewrite<T>& rewrite) {
  rewrite.bitwise = bitwise;
  rewrite.output_bound = output_bound;
  rewrite.proof =
      bitwise ? "bitwise: the kernel rebuilt from the layers has the same bits (-0 taken for 0)"
              : "bound: no output is off by more than " + short_text(output_bound) +
                    " max|x|, the rounding of its sums apart (outputs are " +
                    short_text(largest_output(kernel)) + " max|x| at most)";
}

template <class T>
void judge(std::int64_t products_of_layer, const LayersCost& layer, Rewrite<T>& rewrite) {
  const auto say = [&](double share, double noise, const std::string& of,
                       const std::string& slower) {
    rewrite.share = share;
    rewrite.cheaper = share < 1 - noise;
    const std::string text = short_text(share);
    rewrite.verdict = rewrite.cheaper      ? "cheaper: " + text + " of the " + of
                      : share <= 1 + noise ? "no gain: " + text + " of the " + of
                                           : "do not: " + slower + " (" + text + " times)";
  };
  if (layer.measured_seconds > 0) {
    say(rewrite.cost.measured_seconds / layer.measured_seconds, kNoise, "time", "slower here");
  } else if (layer.predicted_seconds > 0) {
    say(rewrite.cost.predicted_seconds / layer.predicted_seconds, 0, "predicted time",
        "predicted to be slower here");
  } else {
    say(static_cast<double>(rewrite.multiplications_per_position) /
            static_cast<double>(products_of_layer),
        0, "products", "more products");
  }
}

#define PLAIT_INSTANTIATE(T)                                            \
  template void set_proof(const Tensor<T>&, bool, double, Rewrite<T>&); \
  template void judge(std::int64_t, const LayersCost&, Rewrite<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::rewrite
