// Layers of low rank: their errors are what the singular values say, bounds hold on data, full rank
// is the layer itself whatever its geometry, and wrong calls say why.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <plait/plait.hpp>
#include <plait/rewrite.hpp>

#include "core/random.hpp"
#include "support/calls.hpp"
#include "support/layers.hpp"

namespace plait::test {
namespace {

#if defined(PLAIT_SANITIZED)
constexpr int kCases = 10;
#else
constexpr int kCases = 120;
#endif

DecomposeOptions options_of(const ConvLayer<double>& layer) {
  DecomposeOptions options;
  options.stride = layer.stride;
  options.padding = layer.padding;
  options.dilation = layer.dilation;
  options.groups = layer.groups;
  return options;
}

const FormRanks& ranks_of(const Decomposition<double>& found, LayerForm form) {
  for (const FormRanks& ranks : found.forms) {
    if (ranks.form == form) return ranks;
  }
  throw Error(Status::invalid_argument, "no such form");
}

template <class T>
const Approximation<T>& approximation_of(const Decomposition<T>& found, LayerForm form) {
  for (const Approximation<T>& each : found.approximations) {
    if (each.form == form) return each;
  }
  throw Error(Status::invalid_argument, "no such layers");
}

// === full rank ===

TEST(DecomposeLayers, OfFullRankAreTheLayerWhateverItsGeometry) {
  Random random(20261127);
  std::size_t seen = 0;
  for (int i = 0; i < kCases; ++i) {
    ConvLayer<double> layer =
        random_conv_layer<double>(random_channels(random), random_window(random), random);
    layer.bias = {};
    const Tensor<double> x = random_x(layer, layer.kernel.size(1) * layer.groups, random);
    const Tensor<double> y = run_layer(layer, x);
    // No rank has more error than this, so that it is the full one but for luck.
    DecomposeOptions options = options_of(layer);
    options.error = 0;
    for (const Approximation<double>& each : decompose(layer.kernel, options).approximations) {
      ++seen;
      const std::string what = "case " + std::to_string(i) + ": " +
                               std::string(name_of(each.form)) + " of " + to_string(layer);
      EXPECT_LT(each.kernel_error, 1e-14) << what;
      EXPECT_LT(largest_difference(run_layers<double>(each.layers, x.view()), y), 1e-12) << what;
      EXPECT_EQ(each.multiplications_per_position, multiplications_per_position(each.layers));
    }
  }
  EXPECT_GT(seen, static_cast<std::size_t>(kCases));
}

TEST(DecomposeLayers, OfFactorsAreTheLayerWhateverItsGeometry) {
  Random random(20261128);
  for (int i = 0; i < kCases; ++i) {
    ConvLayer<double> layer = random_conv_layer<double>({1, 1, 1}, {1, 5}, random);
    layer.bias = {};
    if (random.chance(0.5)) {
      layer.kernel = dense_copy(TensorView<const double>(layer.kernel.data(), {1, 1, 5, 1}));
    }
    const Tensor<double> x = random_x(layer, 1, random);
    const Decomposition<double> found = decompose(layer.kernel, options_of(layer));
    ASSERT_EQ(found.factorisation.answer, Answer::found) << i;
    const auto& each = approximation_of(found, LayerForm::factors);
    EXPECT_LT(largest_difference(run_layers<double>(each.layers, x.view()), run_layer(layer, x)),
              1e-12)
        << i << " " << to_string(layer);
  }
}

// === errors ===

double norm(const Tensor<double>& tensor) {
  double squares = 0;
  for (const double value : tensor) squares += value * value;
  return std::sqrt(squares);
}

TEST(DecomposeLayers, ErrorOfARankIsThatOfTheSingularValuesItDrops) {
  Random random(1);
  const auto kernel = normal_tensor<double>({4, 3, 5, 3}, random);
  const Tensor<double> sigma = decompose(kernel).separability.singular_values;
  ASSERT_EQ(sigma.shape(), (Dims{4, 3, 3}));
  EXPECT_NEAR(norm(sigma), norm(kernel), 1e-12);
  for (std::int64_t rank = 1; rank <= 3; ++rank) {
    double dropped = 0;
    for (std::int64_t pair = 0; pair < 12; ++pair) {
      for (std::int64_t r = rank; r < 3; ++r) dropped += std::pow(sigma.data()[pair * 3 + r], 2);
    }
    const Decomposition<double> found = decompose(kernel, {.rank = rank});
    EXPECT_NEAR(approximation_of(found, LayerForm::spatial_pairs).kernel_error,
                std::sqrt(dropped) / norm(kernel), 1e-14)
        << rank;
  }
}

TEST(DecomposeLayers, MoreRankIsLessErrorAndEveryBoundHolds) {
  Random random(2);
  for (const std::int64_t groups : {1, 2, 4}) {
    const auto kernel = normal_tensor<float>({8, 8 / groups, 3, 3}, random);
    const ConvLayer<float> layer{.kernel = kernel, .padding = 1, .groups = groups};
    const auto x = normal_tensor<float>({1, 8, 9, 9}, random);
    float largest = 0;
    for (const float value : x) largest = std::max(largest, std::abs(value));
    const Tensor<float> y = run_layer(layer, x);
    std::vector<double> before(5, 1);
    for (std::int64_t rank = 1; rank <= 24 / groups; ++rank) {
      const Decomposition<float> found =
          decompose(kernel, {.rank = rank, .padding = 1, .groups = groups});
      for (const Approximation<float>& each : found.approximations) {
        const std::string what = std::string(name_of(each.form)) + " of rank " +
                                 std::to_string(rank) + ", groups " + std::to_string(groups);
        double& last = before.at(static_cast<std::size_t>(each.form));
        EXPECT_LT(each.kernel_error, last) << what;
        last = each.kernel_error;
        EXPECT_LE(each.bound_share.value_or(0), 1) << what;
        EXPECT_GT(each.bound_share.value_or(0), rank < each.full_rank ? 0.05 : -1) << what;
        const Tensor<float> other = run_layers<float>(each.layers, x.view());
        for (std::int64_t e = 0; e < y.size(); ++e) {
          ASSERT_LE(std::abs(double{y.data()[e]} - double{other.data()[e]}),
                    each.output_bound * double{largest} + 1e-4)
              << what;
        }
      }
    }
  }
}

TEST(DecomposeLayers, TheBoundIsReachedByItsSigns) {
  Random random(3);
  const auto kernel = normal_tensor<double>({1, 2, 3, 3}, random);
  const Decomposition<double> found = decompose(kernel, {.rank = 1});
  const auto& each = approximation_of(found, LayerForm::spatial_pairs);
  // Each tap's error by an impulse, then all of their signs at once.
  Tensor<double> signs({1, 2, 3, 3});
  for (std::int64_t tap = 0; tap < 18; ++tap) {
    Tensor<double> impulse({1, 2, 3, 3});
    impulse.data()[tap] = 1;
    const double made = run_layers<double>(each.layers, impulse.view())(0, 0, 0, 0);
    signs.data()[tap] = kernel.data()[tap] > made ? 1 : -1;
  }
  const double given = run_layers<double>(found.layer, signs.view())(0, 0, 0, 0);
  const double made = run_layers<double>(each.layers, signs.view())(0, 0, 0, 0);
  EXPECT_NEAR(given - made, each.output_bound, 1e-12);
}

TEST(DecomposeLayers, GiveTheLeastRankForAnError) {
  Random random(4);
  const auto kernel = normal_tensor<double>({6, 6, 3, 3}, random);
  for (const double error : {0.05, 0.3, 0.7}) {
    const Decomposition<double> found = decompose(kernel, {.error = error});
    ASSERT_EQ(found.approximations.size(), 4U);
    for (const Approximation<double>& each : found.approximations) {
      EXPECT_LE(each.kernel_error, error) << name_of(each.form);
      if (each.rank == 1) continue;
      const Decomposition<double> less = decompose(kernel, {.rank = each.rank - 1});
      EXPECT_GT(approximation_of(less, each.form).kernel_error, error) << name_of(each.form);
    }
  }
}

// === the fewest channels ===

// K of c_o x c_i x k_h x k_w through m channels.
Tensor<double> chain(const Tensor<double>& first, const Tensor<double>& second) {
  Tensor<double> kernel({second.size(0), first.size(1), first.size(2) + second.size(2) - 1,
                         first.size(3) + second.size(3) - 1});
  for (std::int64_t o = 0; o < second.size(0); ++o) {
    for (std::int64_t m = 0; m < first.size(0); ++m) {
      for (std::int64_t i = 0; i < first.size(1); ++i) {
        for (std::int64_t a = 0; a < first.size(2) * first.size(3); ++a) {
          for (std::int64_t b = 0; b < second.size(2) * second.size(3); ++b) {
            const std::int64_t u = a / first.size(3) + b / second.size(3);
            const std::int64_t v = a % first.size(3) + b % second.size(3);
            kernel(o, i, u, v) += first(m, i, a / first.size(3), a % first.size(3)) *
                                  second(o, m, b / second.size(3), b % second.size(3));
          }
        }
      }
    }
  }
  return kernel;
}

TEST(DecomposeChannels, FindsTheFewestOfEachForm) {
  Random random(5);
  struct Case {
    LayerForm form;
    Dims first, second;
  };
  for (const Case& c : {Case{LayerForm::channels_first, {3, 8, 1, 1}, {8, 3, 3, 3}},
                        Case{LayerForm::channels_last, {3, 8, 3, 3}, {8, 3, 1, 1}},
                        Case{LayerForm::spatial_shared, {3, 8, 3, 1}, {8, 3, 1, 3}}}) {
    const Tensor<double> kernel =
        chain(normal_tensor<double>(c.first, random), normal_tensor<double>(c.second, random));
    const Decomposition<double> found = decompose(kernel);
    EXPECT_EQ(ranks_of(found, c.form).exact_rank, 3) << name_of(c.form);
    EXPECT_EQ(found.factorisation.answer, Answer::found) << name_of(c.form);
    EXPECT_EQ(approximation_of(found, c.form).layers[0].kernel.shape(), c.first);
    EXPECT_LT(found.factorisation.residual, 1e-14);
  }
}

TEST(DecomposeChannels, BoundsHoldForChainsOfEverySize) {
  Random random(6);
  for (const Dims& first :
       {Dims{3, 4, 2, 2}, Dims{3, 4, 1, 3}, Dims{3, 4, 3, 1}, Dims{3, 4, 2, 1}, Dims{3, 4, 3, 2}}) {
    const Dims second{5, 3, 4 - first[2], 4 - first[3]};
    const Tensor<double> kernel =
        chain(normal_tensor<double>(first, random), normal_tensor<double>(second, random));
    const auto splits = decompose(kernel).factorisation.middle;
    ASSERT_EQ(splits.size(), 7U);
    for (const MiddleChannels& split : splits) {
      EXPECT_LE(split.lower, split.upper);
      const bool own = split.first == Pair(first[2], first[3]);
      EXPECT_LE(split.lower, own ? 3 : split.upper);
    }
  }
}

TEST(DecomposeChannels, AGenericKernelNeedsAsManyAsAny) {
  Random random(7);
  const auto kernel = normal_tensor<double>({8, 8, 3, 3}, random);
  const Decomposition<double> found = decompose(kernel);
  EXPECT_EQ(found.factorisation.answer, Answer::undecided);
  EXPECT_TRUE(found.approximations.empty());
  EXPECT_EQ(ranks_of(found, LayerForm::spatial_shared).exact_rank, 24);
  EXPECT_EQ(ranks_of(found, LayerForm::spatial_shared).exact_multiplications, 2 * 24 * 8 * 3);
  for (const MiddleChannels& split : found.factorisation.middle) EXPECT_GE(split.lower, 8);
}

// === words, times and refusals ===

TEST(Decompose, SaysWhetherItPays) {
  Random random(8);
  const auto kernel = normal_tensor<float>({8, 8, 3, 3}, random);
  const Decomposition<float> counted = decompose(kernel, {.rank = 2});
  EXPECT_EQ(approximation_of(counted, LayerForm::channels_first).verdict,
            "cheaper: 0.28 of the products");
  const Decomposition<float> predicted =
      decompose(kernel, {.rank = 2, .padding = 1, .input_size = Pair(20)});
  for (const Approximation<float>& each : predicted.approximations) {
    EXPECT_NE(each.verdict.find("predicted"), std::string::npos) << each.verdict;
    EXPECT_GT(each.cost.predicted_seconds, 0);
  }
  EXPECT_EQ(predicted.cost.multiplications, 576 * 400);
  const Decomposition<float> measured = decompose(
      kernel,
      {.rank = 2, .padding = 1, .input_size = Pair(20), .measure_seconds = 0.002, .threads = 1});
  for (const Approximation<float>& each : measured.approximations) {
    EXPECT_GT(each.cost.measured_seconds, 0);
    EXPECT_NEAR(each.share, each.cost.measured_seconds / measured.cost.measured_seconds, 1e-12);
    EXPECT_EQ(each.verdict.starts_with("cheaper: "), each.cheaper) << each.verdict;
  }
}

TEST(Decompose, PrintsWhatItFound) {
  const Tensor<double> kernel({3, 3}, {1, 0, -1, 2, 0, -2, 1, 0, -1});
  std::ostringstream text;
  text << decompose(kernel);
  EXPECT_NE(text.str().find("kernel     1x1x3x3, f64\nseparable  yes: singular values 3.5, "),
            std::string::npos)
      << text.str();
  EXPECT_NE(text.str().find("[1; 2; 1] * [1, 0, -1]"), std::string::npos) << text.str();
}

std::string error_for(const Dims& shape, const DecomposeOptions& options) {
  const Tensor<float> kernel(shape);
  return error_of(Status::invalid_argument, [&] { decompose(kernel, options); });
}

TEST(Decompose, NamesTheShapesAndTheRuleThatIsBroken) {
  EXPECT_EQ(error_for({4, 4, 0, 3}, {}),
            "every size of a kernel must be at least 1 but it is 4x4x0x3");
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.rank = 13}),
            "rank 13 is in no form's range: spatial_pairs 1 to 3, spatial_shared 1 to 12, "
            "channels_first 1 to 4, channels_last 1 to 4");
  EXPECT_EQ(error_for({3}, {.rank = 1}), "the kernel has no form of two layers, of any rank");
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.rank = 0}), "rank must be at least 1 but is 0");
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.rank = 1, .error = 0.1}),
            "rank and error exclude each other, but both are given");
  for (const double error : {1.0, -0.5, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_NE(error_for({4, 4, 3, 3}, {.error = error}).find("must be in [0, 1) but is "),
              std::string::npos);
  }
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.groups = 3}),
            "groups must divide the channels but 3 does not divide c_o = 4 (kernel is "
            "4x4x3x3)");
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.stride = {1, 0}}), "stride must be at least 1 but is 1x0");
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.dilation = 0}), "dilation must be at least 1 but is 0x0");
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.padding = -1}),
            "padding must not be negative but is -1_-1_-1_-1 (top_bottom_left_right)");
  EXPECT_EQ(error_for({4, 4, 3, 3}, {.measure_seconds = 1}),
            "measuring needs the size of an image, but input_size is not given");
  EXPECT_NE(
      error_for({4, 4, 3, 3}, {.input_size = Pair(2)}).find("is larger than the padded input"),
      std::string::npos);
}

TEST(Decompose, NamesTheFirstValueThatIsNotFinite) {
  Tensor<float> kernel({2, 2, 3, 3});
  kernel(1, 0, 2, 1) = std::numeric_limits<float>::quiet_NaN();
  kernel(1, 1, 0, 0) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { decompose(kernel); }),
            "kernel[1,0,2,1] is nan but must be finite (kernel is 2x2x3x3)");
  const Tensor<double> line({3}, {0, -std::numeric_limits<double>::infinity(), 0});
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { decompose(line); }),
            "kernel[1] is -inf but must be finite (kernel is 3)");
}

TEST(Decompose, RefusesAMissingKernel) {
  const std::string message =
      error_of(Status::invalid_argument, [] { decompose(TensorView<const float>()); });
  EXPECT_NE(message.find("but is missing"), std::string::npos) << message;
}

TEST(Decompose, ReadsAnyStrides) {
  Random random(9);
  const auto memory = normal_tensor<double>({4, 3, 3, 5}, random);  // k_w x k_h x c_i x c_o
  const TensorView<const double> view(memory.data(), {5, 3, 3, 4}, {1, 5, 15, 45});
  const Decomposition<double> a = decompose(view, {.rank = 2});
  const Decomposition<double> b = decompose(dense_copy(view), {.rank = 2});
  for (std::size_t i = 0; i < a.approximations.size(); ++i) {
    EXPECT_TRUE(
        same_bytes(a.approximations[i].layers[1].kernel, b.approximations[i].layers[1].kernel));
  }
}

TEST(Decompose, StopsWhenCancelled) {
  const Tensor<float> kernel({2, 2, 3, 3});
  const std::atomic<bool> cancel = true;
  EXPECT_EQ(error_of(Status::cancelled, [&] { decompose(kernel, {.cancel = &cancel}); }),
            "cancelled while the kernel was decomposed");
}

}  // namespace
}  // namespace plait::test
