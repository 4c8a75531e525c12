#include "analysis/verify/case_data.hpp"

#include <cmath>
#include <limits>

#include "analysis/test_data.hpp"

namespace plait {
namespace {

template <class T>
T& random_element(Tensor<T>& tensor, Random& random) {
  return tensor.data()[random.between(0, tensor.size() - 1)];
}

// Makes one channel a million times larger than the others.
template <class T>
void enlarge_channel(Tensor<T>& x, Random& random) {
  const std::int64_t c = random.between(0, x.size(1) - 1);
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    for (std::int64_t i = 0; i < x.size(2); ++i) {
      for (std::int64_t j = 0; j < x.size(3); ++j) x(n, c, i, j) *= static_cast<T>(1e6);
    }
  }
}

template <class T>
void add_outliers(Tensor<T>& x, Random& random) {
  for (std::int64_t count = random.between(1, 3); count > 0; --count) {
    const double size =
        std::ldexp(random.chance(0.5) ? 1.0 : -1.0, static_cast<int>(random.between(3, 40)));
    random_element(x, random) = static_cast<T>(size);
  }
}

// Keeps some rectangles, in all channels, and sets the rest to 0.
template <class T>
void keep_spots(Tensor<T>& x, Random& random) {
  Tensor<T> spots(x.shape());
  for (std::int64_t count = random.between(0, 3); count > 0; --count) {
    const std::int64_t top = random.between(0, x.size(2) - 1);
    const std::int64_t left = random.between(0, x.size(3) - 1);
    const std::int64_t bottom = random.between(top, x.size(2) - 1);
    const std::int64_t right = random.between(left, x.size(3) - 1);
    for (std::int64_t n = 0; n < x.size(0); ++n) {
      for (std::int64_t c = 0; c < x.size(1); ++c) {
        for (std::int64_t i = top; i <= bottom; ++i) {
          for (std::int64_t j = left; j <= right; ++j) spots(n, c, i, j) = x(n, c, i, j);
        }
      }
    }
  }
  x = spots;
}

template <class T>
T random_special(Random& random) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  constexpr T kSpecial[] = {kInfinity, -kInfinity, std::numeric_limits<T>::quiet_NaN()};
  return random.pick(kSpecial);
}

// Scales each value by a random power of two, to magnitudes around the smallest normal number.
template <class T>
void make_subnormal(Tensor<T>& tensor, Random& random) {
  constexpr int kLeast = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
  for (T& value : tensor) {
    const auto exponent = static_cast<int>(random.between(kLeast, kLeast + 40));
    value = std::ldexp(value, exponent);
  }
}

}  // namespace

template <class T>
void fill_operands(DataKind kind, Tensor<T>& x, Tensor<T>& weight, Random& random) {
  switch (kind) {
    case DataKind::wide_range:
      fill_wide_range(x, random);
      fill_wide_range(weight, random);
      return;
    case DataKind::integers:
      fill_integers(x, 9, random);
      fill_integers(weight, 9, random);
      return;
    case DataKind::alternating:
      // All products of a channel have one sign, and those of the next channel the other.
      fill_alternating(x, 1, random);
      fill_alternating(weight, 2, random);
      return;
    default:
      fill_relu_like(x, random);
      fill_he(weight, weight.size(1) * weight.size(2) * weight.size(3), random);
  }
  if (kind == DataKind::one_channel) enlarge_channel(x, random);
  if (kind == DataKind::outliers) add_outliers(x, random);
  if (kind == DataKind::spots) keep_spots(x, random);
  if (kind == DataKind::not_finite) {
    for (std::int64_t count = random.between(1, 4); count > 0; --count) {
      random_element(x, random) = random_special<T>(random);
    }
    if (random.chance(0.3)) random_element(weight, random) = random_special<T>(random);
  }
  if (kind == DataKind::subnormal) {
    const bool both = random.chance(0.3);
    const bool weights = random.chance(0.5);
    if (both || !weights) make_subnormal(x, random);
    if (both || weights) make_subnormal(weight, random);
    if (random.chance(0.5)) random_element(x, random) = static_cast<T>(1e20);
    if (random.chance(0.3)) random_element(weight, random) = static_cast<T>(1e6);
  }
}

template void fill_operands(DataKind, Tensor<float>&, Tensor<float>&, Random&);
template void fill_operands(DataKind, Tensor<double>&, Tensor<double>&, Random&);

}  // namespace plait
