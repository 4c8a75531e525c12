// What the tests of inspect share: kernels with planted structure, and proposals against the layer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <plait/rewrite/inspect.hpp>

#include "core/random.hpp"

namespace plait::test {

template <class T>
Tensor<T> random_tensor(const Dims& shape, Random& random) {
  Tensor<T> tensor(shape);
  for (T& value : tensor) value = static_cast<T>(random.normal());
  return tensor;
}

inline std::vector<std::int64_t> random_order(std::int64_t size, Random& random) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) order[static_cast<std::size_t>(i)] = i;
  for (std::int64_t i = size - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(random.between(0, i))]);
  }
  return order;
}

// Sets all taps K[o, i, ., .].
template <class T, class Value>
void set_kernel(Tensor<T>& kernel, std::int64_t o, std::int64_t i, Value&& value) {
  for (std::int64_t u = 0; u < kernel.size(2); ++u) {
    for (std::int64_t v = 0; v < kernel.size(3); ++v) kernel(o, i, u, v) = value(u, v);
  }
}

template <class T>
const Rewrite<T>* find(const Inspection<T>& inspection, const std::string& name) {
  for (const Rewrite<T>& proposal : inspection.proposals) {
    if (proposal.name == name) return &proposal;
  }
  return nullptr;
}

template <class T>
std::string names_of(const Inspection<T>& inspection) {
  std::string names;
  for (const Rewrite<T>& proposal : inspection.proposals) {
    names += (names.empty() ? "" : ", ") + proposal.name;
  }
  return names;
}

// Every proposal computes what the layer does of random data: with the same kernel within the
// rounding of the sums, otherwise within its bound, which is added. The layer's own y has an error
// of at most (terms + 2) units of rounding of its sum of |K| |x|.
template <class T>
void expect_equivalent(const Inspection<T>& inspection, std::int64_t h, std::int64_t w,
                       Random& random) {
  const ConvLayer<T>& layer = inspection.layer[0];
  const Tensor<T>& kernel = layer.kernel;
  const Tensor<T> x = random_tensor<T>({2, kernel.size(1) * layer.groups, h, w}, random);
  double largest_x = 0;
  for (const T value : x) largest_x = std::max(largest_x, std::abs(static_cast<double>(value)));
  double largest_sum = 0;
  const std::int64_t depth = kernel.size() / kernel.size(0);
  for (std::int64_t o = 0; o < kernel.size(0); ++o) {
    double sum = 0;
    for (std::int64_t i = 0; i < depth; ++i) {
      sum += std::abs(static_cast<double>(kernel.data()[o * depth + i]));
    }
    largest_sum = std::max(largest_sum, sum);
  }
  const Tensor<T> y = run_layers<T>(inspection.layer, x);
  for (const Rewrite<T>& proposal : inspection.proposals) {
    SCOPED_TRACE(proposal.name + ": " + proposal.what);
    const Tensor<T> other = run_layers<T>(proposal.layers, x);
    ASSERT_EQ(other.shape(), y.shape());
    // Two layers may go through sums larger than the result.
    const double sums = (proposal.layers.size() > 1 ? 30 : 1) * largest_sum * largest_x;
    const double rounding = 8 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
                            std::sqrt(static_cast<double>(depth + 16)) * sums;
    const double allowed = proposal.output_bound * largest_x + rounding;
    for (std::int64_t i = 0; i < y.size(); ++i) {
      ASSERT_LE(std::abs(static_cast<double>(y.data()[i]) - static_cast<double>(other.data()[i])),
                allowed)
          << "at " << i;
    }
    EXPECT_LT(proposal.multiplications_per_position, inspection.multiplications_per_position);
    if (proposal.bitwise) {
      EXPECT_EQ(proposal.output_bound, 0);
      EXPECT_TRUE(proposal.proof.starts_with("bitwise: ")) << proposal.proof;
    } else {
      EXPECT_TRUE(proposal.proof.starts_with("bound: ")) << proposal.proof;
      EXPECT_LE(proposal.output_bound,
                64 * static_cast<double>(std::numeric_limits<T>::epsilon()) * largest_sum);
    }
  }
}

}  // namespace plait::test
