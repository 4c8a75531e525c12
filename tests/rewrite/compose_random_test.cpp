// Two layers as one, at random: equal to both wherever it is said to be, and different where it is
// said that it can be.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <plait/plait.hpp>
#include <plait/rewrite.hpp>

#include "core/random.hpp"
#include "rewrite/compose/border.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

Tensor<double> normal(const Dims& shape, Random& random) {
  Tensor<double> tensor(shape);
  for (double& value : tensor) value = random.normal();
  return tensor;
}

struct Case {
  Dims x, k1, k2;
  ComposeOptions<double> options;
  int bias1 = 0;  // none, zeros, normal
  bool bias2 = false;
};

std::string to_string(const Case& c) {
  const auto pair = [](const Pair& p) { return std::to_string(p.h) + "x" + std::to_string(p.w); };
  const auto sides = [](const Padding& p) {
    return plait::to_string(Dims{p.top, p.bottom, p.left, p.right});
  };
  const ComposeOptions<double>& o = c.options;
  std::ostringstream text;
  text << "x " << plait::to_string(c.x) << ", K1 " << plait::to_string(c.k1) << " s"
       << pair(o.stride1) << " d" << pair(o.dilation1) << " p" << sides(o.padding1) << " g"
       << o.groups1 << " b" << c.bias1 << ", K2 " << plait::to_string(c.k2) << " s"
       << pair(o.stride2) << " d" << pair(o.dilation2) << " p" << sides(o.padding2) << " g"
       << o.groups2 << " b" << c.bias2;
  return text.str();
}

Padding random_padding(Random& random) {
  if (random.chance(0.3)) return 0;
  return {random.between(0, 3), random.between(0, 3), random.between(0, 3), random.between(0, 3)};
}

Case random_case(Random& random) {
  const std::vector<std::int64_t> taps = {1, 1, 2, 3, 3, 4};
  const std::vector<std::int64_t> groups = {1, 1, 1, 2, 3, 4, 6};
  const std::vector<std::int64_t> steps = {1, 1, 2, 3};
  const auto pair = [&random](const auto& values) {
    return Pair(random.pick(values), random.pick(values));
  };
  Case c;
  ComposeOptions<double>& o = c.options;
  o.stride1 = pair(steps);
  o.stride2 = pair(steps);
  o.dilation1 = pair(steps);
  o.dilation2 = pair(steps);
  o.groups1 = random.pick(groups);
  o.groups2 = random.pick(groups);
  o.padding1 = random_padding(random);
  o.padding2 = random_padding(random);
  const std::int64_t c_m = std::lcm(o.groups1, o.groups2) * random.between(1, 2);
  c.k1 = {c_m, random.between(1, 2), random.pick(taps), random.pick(taps)};
  c.k2 = {o.groups2 * random.between(1, 2), c_m / o.groups2, random.pick(taps), random.pick(taps)};
  c.bias1 = static_cast<int>(random.between(0, 2));
  c.bias2 = random.chance(0.3);
  // From the smallest x that both layers accept on.
  const auto size = [&random](std::int64_t k1, std::int64_t d1, std::int64_t s1, std::int64_t p1,
                              std::int64_t k2, std::int64_t d2, std::int64_t p2) {
    const std::int64_t middle = std::max<std::int64_t>(1, 1 + d2 * (k2 - 1) - p2);
    return std::max<std::int64_t>(1, (middle - 1) * s1 + 1 + d1 * (k1 - 1) - p1) +
           random.between(0, 9);
  };
  const Padding& p1 = o.padding1;
  const Padding& p2 = o.padding2;
  o.input_size = Pair(size(c.k1[2], o.dilation1.h, o.stride1.h, p1.top + p1.bottom, c.k2[2],
                           o.dilation2.h, p2.top + p2.bottom),
                      size(c.k1[3], o.dilation1.w, o.stride1.w, p1.left + p1.right, c.k2[3],
                           o.dilation2.w, p2.left + p2.right));
  c.x = {1, c.k1[1] * o.groups1, o.input_size->h, o.input_size->w};
  return c;
}

// For each output the largest |a - b| of its channels, and the largest |a| of all.
struct Differences {
  std::vector<double> largest;
  double size = 0;
};

Differences differences(const Tensor<double>& a, const Tensor<double>& b) {
  const std::int64_t plane = a.size(2) * a.size(3);
  Differences found{std::vector<double>(static_cast<std::size_t>(plane))};
  for (std::int64_t i = 0; i < a.size(); ++i) {
    double& largest = found.largest[static_cast<std::size_t>(i % plane)];
    largest = std::max(largest, std::abs(a.data()[i] - b.data()[i]));
    found.size = std::max(found.size, std::abs(a.data()[i]));
  }
  return found;
}

#if defined(PLAIT_SANITIZED)  // slow, and looking for other things
constexpr int kCases = 150;
constexpr int kAxes = 1000;
#else
constexpr int kCases = 2000;
constexpr int kAxes = 40000;
#endif

TEST(ComposeRandom, EqualsTheTwoLayersWhereItSaysSoAndOnlyThere) {
  int exact = 0;
  int differing = 0;
  for (int seed = 1; seed <= kCases; ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    Case c = random_case(random);
    const std::string what = "seed " + std::to_string(seed) + ": " + to_string(c);
    const auto x = normal(c.x, random);
    const auto k1 = normal(c.k1, random);
    const auto k2 = normal(c.k2, random);
    Tensor<double> b1 = normal({c.k1[0]}, random);
    if (c.bias1 == 1) std::fill(b1.begin(), b1.end(), 0.0);
    const auto b2 = normal({c.k2[0]}, random);
    if (c.bias1 != 0) c.options.bias1 = b1;
    if (c.bias2) c.options.bias2 = b2;
    const ComposeOptions<double>& o = c.options;
    const Composition<double> one = compose(k1, k2, o);

    const Tensor<double> two = run_layers<double>(two_layers<double>(k1, k2, o), x, {.threads = 1});
    const Tensor<double> y = run_layers<double>(one_layer(one), x, {.threads = 1});
    ASSERT_EQ(y.shape(), two.shape()) << what;
    ASSERT_EQ(one.differing->h(), y.size(2)) << what;
    ASSERT_EQ(one.differing->w(), y.size(3)) << what;
    ASSERT_EQ(one.bias.size() != 0, c.bias1 != 0 || c.bias2) << what;
    const Differences found = differences(two, y);
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < y.size(2); ++i) {
      for (std::int64_t j = 0; j < y.size(3); ++j) {
        const double difference = found.largest[static_cast<std::size_t>(i * y.size(3) + j)];
        ASSERT_EQ((*one.differing)(i, j), difference > 1e-12 * found.size)
            << "output (" << i << ", " << j << ") differs by " << difference << " of " << found.size
            << "; " << what;
        count += (*one.differing)(i, j) ? 1 : 0;
      }
    }
    ASSERT_EQ(one.differing->count(), count) << what;
    ASSERT_EQ(one.exact, count == 0) << what;
    ++(one.exact ? exact : differing);

    ComposeOptions<double> any_size = o;
    any_size.input_size.reset();
    const Composition<double> always = compose(k1, k2, any_size);
    ASSERT_TRUE(!always.exact || count == 0) << what;
    ASSERT_TRUE(same_bytes(always.kernel, one.kernel)) << what;
  }
  EXPECT_GT(exact, kCases / 5);
  EXPECT_GT(differing, kCases / 5);
}

std::optional<std::int64_t> windows(std::int64_t size, const rewrite::BorderAxis::Layer& layer) {
  const std::int64_t spare =
      size + layer.before + layer.after - layer.dilation * (layer.taps - 1) - 1;
  if (spare < 0) return {};
  return spare / layer.stride + 1;
}

// Exactness for every size is neither too bold nor too cautious: over sizes up to 40, which hold
// every remainder of strides up to 3 at distances beyond all windows, some output differs if and
// only if it says so.
TEST(ComposeRandom, IsExactForEverySizeIfAndOnlyIfItSaysSo) {
  Random random(20261127);
  int inexact = 0;
  for (int n = 0; n < kAxes; ++n) {
    const auto layer = [&random] {
      rewrite::BorderAxis::Layer one;
      one.taps = random.between(1, 4);
      one.dilation = random.between(1, 3);
      one.stride = random.between(1, 4);
      one.before = random.between(0, 7);
      one.after = random.between(0, 7);
      return one;
    };
    const rewrite::BorderAxis axis{layer(), layer()};
    const bool biased = random.chance(0.1);
    const unsigned wanted = biased ? DifferingOutputs::kPadded : DifferingOutputs::kMeeting;
    bool found = false;
    for (std::int64_t size = 1; size <= 40 && !found; ++size) {
      const auto middle = windows(size, axis.first);
      const auto outputs = middle ? windows(*middle, axis.second) : std::nullopt;
      if (!outputs) continue;
      for (const unsigned taps : rewrite::taps_of(axis, size, *middle, *outputs, nullptr)) {
        found = found || (taps & wanted) != 0;
      }
    }
    ASSERT_EQ(rewrite::can_read_padding(axis, biased), found)
        << "taps " << axis.first.taps << " dilation " << axis.first.dilation << " stride "
        << axis.first.stride << " padding " << axis.first.before << "_" << axis.first.after
        << ", then taps " << axis.second.taps << " dilation " << axis.second.dilation << " stride "
        << axis.second.stride << " padding " << axis.second.before << "_" << axis.second.after
        << (biased ? ", biased" : "");
    inexact += found ? 1 : 0;
  }
  EXPECT_GT(inexact, kAxes / 4);
  EXPECT_LT(inexact, kAxes);
}

}  // namespace
}  // namespace plait::test
