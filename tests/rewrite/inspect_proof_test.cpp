// The proof that layers are a kernel, on layers that are not: it must see every way to differ.
#include <gtest/gtest.h>

#include <cstdint>

#include <plait/rewrite/inspect.hpp>

#include "rewrite/inspect/proof.hpp"

namespace plait::test {
namespace {

using rewrite::KernelDifference;

// Values 1, 2, 3, ...
Tensor<double> ramp(const Dims& shape) {
  Tensor<double> kernel(shape);
  for (std::int64_t i = 0; i < kernel.size(); ++i) kernel.data()[i] = static_cast<double>(i + 1);
  return kernel;
}

ConvLayer<double> given() { return {.kernel = ramp({4, 2, 3, 3}), .padding = 1, .groups = 2}; }

KernelDifference difference_of(const ConvLayer<double>& layer, const Layers<double>& chain) {
  return rewrite::difference(layer, chain, nullptr);
}

TEST(InspectProof, HoldsForTheLayerItself) {
  const KernelDifference same = difference_of(given(), {given()});
  EXPECT_TRUE(same.bitwise);
  EXPECT_EQ(same.error, 0);
}

TEST(InspectProof, SeesAWeightThatIsOff) {
  ConvLayer<double> other = given();
  other.kernel(2, 1, 0, 2) += 0.5;
  other.kernel(2, 0, 1, 1) -= 0.25;
  const KernelDifference off = difference_of(given(), {other});
  EXPECT_FALSE(off.bitwise);
  EXPECT_EQ(off.error, 0.75) << "the sum over one output";
}

// As a dense layer, with a weight where the layer in groups has none.
TEST(InspectProof, SeesChannelsBesideTheGroup) {
  const ConvLayer<double> layer = given();
  ConvLayer<double> dense = {.kernel = Tensor<double>({4, 4, 3, 3}), .padding = 1};
  for (std::int64_t o = 0; o < 4; ++o) {
    for (std::int64_t c = 0; c < 2; ++c) {
      for (std::int64_t u = 0; u < 3; ++u) {
        for (std::int64_t v = 0; v < 3; ++v) {
          dense.kernel(o, o / 2 * 2 + c, u, v) = layer.kernel(o, c, u, v);
        }
      }
    }
  }
  EXPECT_TRUE(difference_of(layer, {dense}).bitwise);
  dense.kernel(3, 0, 1, 1) = -0.25;
  const KernelDifference off = difference_of(layer, {dense});
  EXPECT_FALSE(off.bitwise);
  EXPECT_EQ(off.error, 0.25);
}

TEST(InspectProof, SeesTapsBesideTheWindow) {
  const ConvLayer<double> layer = given();
  ConvLayer<double> wide = {.kernel = Tensor<double>({4, 2, 5, 3}), .padding = {2, 1}, .groups = 2};
  for (std::int64_t row = 0; row < 8; ++row) {  // 4 x 2 kernels
    for (std::int64_t tap = 0; tap < 9; ++tap) {
      wide.kernel.data()[row * 15 + 3 + tap] = layer.kernel.data()[row * 9 + tap];
    }
  }
  EXPECT_TRUE(difference_of(layer, {wide}).bitwise);
  wide.kernel(0, 1, 4, 2) = 2;
  EXPECT_EQ(difference_of(layer, {wide}).error, 2);
  wide.kernel(0, 1, 4, 2) = 0;
  wide.padding.top = 1;  // all taps one row too low
  EXPECT_FALSE(difference_of(layer, {wide}).bitwise);
}

TEST(InspectProof, SeesChannelsInAnotherOrder) {
  ConvLayer<double> other = given();
  other.reads = {0, 1, 2, 3};
  other.writes = {0, 1, 2, 3};
  other.y_channels = 4;
  EXPECT_TRUE(difference_of(given(), {other}).bitwise);
  other.reads = {1, 0, 2, 3};
  EXPECT_FALSE(difference_of(given(), {other}).bitwise);
  other.reads = {0, 1, 2, 3};
  other.writes = {0, 1, 3, 2};
  EXPECT_FALSE(difference_of(given(), {other}).bitwise);
}

// A column and a row: whole numbers are exact, others rounded, which is no equality of bits.
TEST(InspectProof, CountsWhatRebuildingRounds) {
  ConvLayer<double> column = {.kernel = ramp({1, 1, 3, 1})};
  ConvLayer<double> row = {.kernel = ramp({1, 1, 1, 3})};
  ConvLayer<double> layer = {.kernel = Tensor<double>({1, 1, 3, 3})};
  const auto multiply = [&] {
    for (std::int64_t u = 0; u < 3; ++u) {
      for (std::int64_t v = 0; v < 3; ++v) {
        layer.kernel(0, 0, u, v) = column.kernel(0, 0, u, 0) * row.kernel(0, 0, 0, v);
      }
    }
  };
  multiply();
  EXPECT_TRUE(difference_of(layer, {column, row}).bitwise);
  for (double& value : column.kernel) value /= 3;
  for (double& value : row.kernel) value /= 7;
  multiply();
  const KernelDifference rounded = difference_of(layer, {column, row});
  EXPECT_FALSE(rounded.bitwise)
      << "rebuilt with the same rounding, which computing may do otherwise";
  EXPECT_GT(rounded.error, 0);
  EXPECT_LT(rounded.error, 1e-15);
}

}  // namespace
}  // namespace plait::test
