// Kernels of one channel: factors that are found give the kernel, what is impossible is proved.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <plait/plait.hpp>
#include <plait/rewrite.hpp>

#include "core/random.hpp"
#include "support/layers.hpp"

namespace plait::test {
namespace {

#if defined(PLAIT_SANITIZED)
constexpr int kProducts = 2;
#else
constexpr int kProducts = 20;
#endif

// The kernel of two layers, a x b.
template <class T>
Tensor<T> product(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<double> sum({a.size(0) + b.size(0) - 1, a.size(1) + b.size(1) - 1});
  for (std::int64_t i = 0; i < a.size(0); ++i) {
    for (std::int64_t j = 0; j < a.size(1); ++j) {
      for (std::int64_t u = 0; u < b.size(0); ++u) {
        for (std::int64_t v = 0; v < b.size(1); ++v) {
          sum(i + u, j + v) += double{a(i, j)} * double{b(u, v)};
        }
      }
    }
  }
  Tensor<T> result(sum.shape());
  for (std::int64_t i = 0; i < sum.size(); ++i) result.data()[i] = static_cast<T>(sum.data()[i]);
  return result;
}

template <class T>
Tensor<T> plane_of(const Tensor<T>& kernel) {
  return dense_copy(TensorView<const T>(kernel.data(), {kernel.size(2), kernel.size(3)}));
}

template <class T>
double difference(const Tensor<T>& kernel, const Factorisation<T>& told) {
  return largest_difference(
      product(plane_of(told.layers[0].kernel), plane_of(told.layers[1].kernel)), kernel);
}

// Found, both larger than 1x1, and the kernel within rounding.
template <class T>
void expect_found(const Tensor<T>& kernel, const std::string& what) {
  const Factorisation<T> told = decompose(kernel).factorisation;
  ASSERT_EQ(told.answer, Answer::found) << what << ": " << told.reason;
  ASSERT_EQ(told.layers.size(), 2U);
  for (const ConvLayer<T>& layer : told.layers) EXPECT_GT(layer.kernel.size(), 1) << what;
  const double tolerance = sizeof(T) == 8 ? 1e-13 : 2e-6;
  const Tensor<T> plane = kernel.rank() == 2
                              ? kernel
                              : dense_copy(TensorView<const T>(kernel.data(), {1, kernel.size(0)}));
  EXPECT_LT(difference(plane, told), tolerance) << what;
  EXPECT_LT(told.residual, tolerance) << what;
}

Factorisation<double> factorisation(const Tensor<double>& kernel) {
  return decompose(kernel).factorisation;
}

std::map<std::string, double> numbers_of(const Factorisation<double>& told) {
  std::map<std::string, double> numbers;
  for (const NamedNumber& number : told.numbers) numbers[number.name] = number.value;
  return numbers;
}

std::vector<double> values_of(const Tensor<double>& tensor) {
  return {tensor.begin(), tensor.end()};
}

// === one axis ===

TEST(DecomposeLine, OneZeroOneHasNoRealFactors) {
  const Factorisation<double> told = factorisation(Tensor<double>({3}, {1, 0, 1}));
  EXPECT_EQ(told.answer, Answer::impossible);
  EXPECT_EQ(told.reason, "the polynomial of degree 2 has no real root: b^2 - 4ac = -4 < 0");
  EXPECT_EQ(numbers_of(told)["discriminant"], -4);
  EXPECT_TRUE(told.layers.empty());
}

TEST(DecomposeLine, OneTwoOneIsASquare) {
  const Factorisation<double> told = factorisation(Tensor<double>({3, 1}, {1, 2, 1}));
  ASSERT_EQ(told.answer, Answer::found);
  EXPECT_EQ(told.layers[0].kernel.shape(), (Dims{1, 1, 2, 1}));
  EXPECT_EQ(values_of(told.layers[0].kernel), (std::vector<double>{1, 1}));
  EXPECT_EQ(values_of(told.layers[1].kernel), (std::vector<double>{1, 1}));
  EXPECT_EQ(told.residual, 0);
}

TEST(DecomposeLine, DecidesADiscriminantThatRoundsToZero) {
  // (1 + e)^2 - 1 in f64 is exact, though b * b is not: 4ac is one unit more or less than b^2.
  const double b = 2 * (1 + 0x1p-30);
  const double c = 1 + 0x1p-29;  // b^2 / 4 - 2^-60
  EXPECT_GT(numbers_of(factorisation(Tensor<double>({3}, {1, b, c})))["discriminant"], 0);
  EXPECT_EQ(factorisation(Tensor<double>({3}, {1, b, c})).answer, Answer::found);
}

TEST(DecomposeLine, ASquareThatWasRoundedToF32IsFound) {
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    const auto a = static_cast<float>(random.normal());
    const Tensor<float> kernel({3}, {a * a, 2 * a, 1});
    EXPECT_EQ(decompose(kernel).factorisation.answer, Answer::found) << i;
  }
}

TEST(DecomposeLine, FewerThanThreeTapsAreTooFew) {
  for (const std::int64_t taps : {1, 2}) {
    const Factorisation<double> told = factorisation(Tensor<double>({taps}));
    EXPECT_EQ(told.answer, Answer::impossible);
    EXPECT_NE(
        told.reason.find("at least 2 + 2 - 1 = 3 taps, but the kernel has " + std::to_string(taps)),
        std::string::npos);
  }
}

TEST(DecomposeLine, FourTapsAndMoreAlwaysFactor) {
  Random random(4);
  for (const std::int64_t taps : {4, 5, 6, 9, 17, 32, 65, 129}) {
    for (int i = 0; i < (taps > 40 ? 2 : kProducts); ++i) {
      const std::string what = std::to_string(taps) + " taps, case " + std::to_string(i);
      expect_found(normal_tensor<double>({taps}, random), what);
      expect_found(normal_tensor<float>({1, taps}, random), what);
      expect_found(normal_tensor<float>({taps, 1}, random), what);
    }
  }
}

TEST(DecomposeLine, TakesRootsThatAreThereTwiceAndValuesFarApart) {
  expect_found(Tensor<double>({9}, {1, 8, 28, 56, 70, 56, 28, 8, 1}), "(1 + x)^8");
  expect_found(Tensor<double>({5}, {1, 0, 2, 0, 1}), "(1 + x^2)^2");
  expect_found(Tensor<double>({4}, {1, 1e10, 1, 1e-5}), "wide");
  expect_found(Tensor<double>({4}, {1e-300, 2e-300, 1e-300, 3e-300}), "tiny");
  expect_found(Tensor<double>({4}, {1e300, 2e300, -1e300, 3e300}), "huge");
  expect_found(Tensor<float>({4}, {1e-38F, 2e-38F, -1e-38F, 3e-38F}), "tiny f32");
}

TEST(DecomposeLine, ZerosAtTheEndsAreAShift) {
  const Factorisation<double> told = factorisation(Tensor<double>({4}, {0, 1, 0, 1}));
  ASSERT_EQ(told.answer, Answer::found);
  EXPECT_NE(told.reason.find("a shift and a smaller kernel"), std::string::npos);
  EXPECT_EQ(values_of(told.layers[0].kernel), (std::vector<double>{0, 1}));
  EXPECT_EQ(values_of(told.layers[1].kernel), (std::vector<double>{1, 0, 1}));
  expect_found(Tensor<double>({5}, {0, 0, 3, 0, 0}), "one tap");
  expect_found(Tensor<double>({6}, {0, 2, 7, 3, 0, 0}), "a product, moved");
  expect_found(Tensor<double>({3}), "zero");
}

TEST(DecomposeLine, LooksForFactorsOfSoManyTapsOnly) {
  Random random(5);
  const Factorisation<double> told = factorisation(normal_tensor<double>({200}, random));
  EXPECT_EQ(told.answer, Answer::undecided);
  EXPECT_NE(told.reason.find("up to 129 taps only"), std::string::npos);
}

// === two axes ===

TEST(DecomposePlane, AGenericKernelIsProvedToHaveNoFactors) {
  Random random(6);
  for (const auto& [h, w] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {2, 2}, {3, 3}, {2, 5}, {5, 2}, {5, 5}, {7, 3}, {9, 9}}) {
    const Tensor<double> kernel = normal_tensor<double>({h, w}, random);
    const Factorisation<double> told = factorisation(kernel);
    EXPECT_EQ(told.answer, Answer::impossible) << h << "x" << w << " " << told.reason;
    auto numbers = numbers_of(told);
    EXPECT_EQ(numbers["ruppert_columns"], numbers["ruppert_rank"]);
    EXPECT_EQ(numbers["ruppert_columns"], 2 * (h - 1) * (w - 1) + w - 2);
    EXPECT_GT(numbers["distance"], 1e-6);
  }
}

// No product is nearer to the kernel than the certificate says.
TEST(DecomposePlane, NoProductIsWithinTheDistanceThatIsTold) {
  Random random(7);
  for (int i = 0; i < kProducts; ++i) {
    const Tensor<double> near =
        product(normal_tensor<double>({2, 2}, random), normal_tensor<double>({2, 2}, random));
    Tensor<double> kernel = near;
    double squares = 0;
    double change = 0;
    for (double& value : kernel) {
      const double by = 1e-3 * random.normal();
      value += by;
      change += by * by;
      squares += value * value;
    }
    const Factorisation<double> told = factorisation(kernel);
    ASSERT_EQ(told.answer, Answer::impossible) << i;
    const double distance = numbers_of(told)["distance"];
    EXPECT_LE(distance, std::sqrt(change / squares)) << i;
    EXPECT_GT(distance, 0) << i;
  }
}

TEST(DecomposePlane, FindsRandomProductsAgain) {
  struct Sizes {
    Dims a, b;
  };
  Random random(8);
  for (const Sizes& sizes : {Sizes{{2, 2}, {2, 2}}, Sizes{{3, 3}, {3, 3}}, Sizes{{1, 2}, {3, 2}},
                             Sizes{{2, 1}, {3, 3}}, Sizes{{5, 5}, {3, 3}}, Sizes{{4, 4}, {4, 4}},
                             Sizes{{1, 3}, {5, 2}}, Sizes{{7, 7}, {2, 2}}}) {
    for (int i = 0; i < kProducts; ++i) {
      const std::string what = plait::to_string(sizes.a) + " * " + plait::to_string(sizes.b) +
                               ", case " + std::to_string(i);
      expect_found(
          product(normal_tensor<double>(sizes.a, random), normal_tensor<double>(sizes.b, random)),
          what);
      expect_found(
          product(normal_tensor<float>(sizes.a, random), normal_tensor<float>(sizes.b, random)),
          what + " f32");
    }
  }
}

#if !defined(PLAIT_SANITIZED)  // singular values of 784 x 405
TEST(DecomposePlane, GoesUpTo15x15) {
  Random random(9);
  EXPECT_EQ(factorisation(normal_tensor<double>({15, 15}, random)).answer, Answer::impossible);
  expect_found(
      product(normal_tensor<double>({8, 8}, random), normal_tensor<double>({8, 8}, random)),
      "8x8 * 8x8");
}
#endif

TEST(DecomposePlane, SaysThatLargerOnesAreNotLookedAt) {
  Random random(10);
  const Factorisation<double> told = factorisation(normal_tensor<double>({16, 3}, random));
  EXPECT_EQ(told.answer, Answer::undecided);
  EXPECT_EQ(told.reason, "kernels larger than 15x15 are not looked at");
}

TEST(DecomposePlane, FindsThreeFactorsSquaresAndConjugateOnes) {
  Random random(11);
  const auto square = normal_tensor<double>({3, 3}, random);
  expect_found(product(square, square), "a square");
  const Tensor<double> laplacian({3, 3}, {0, 1, 0, 1, -4, 1, 0, 1, 0});
  expect_found(product(laplacian, laplacian), "the biharmonic operator");
  expect_found(
      product(product(normal_tensor<double>({2, 2}, random), normal_tensor<double>({3, 3}, random)),
              normal_tensor<double>({3, 2}, random)),
      "three factors");
  // Each is a product of two conjugate ones.
  const Tensor<double> circle({3, 3}, {0, 0, 1, 0, 0, 0, 1, 0, 0});
  const Tensor<double> ellipse({3, 3}, {0, 0, 1, 0, 0, 0, 2, 0, 0});
  expect_found(product(circle, ellipse), "(x^2 + y^2) (2 x^2 + y^2)");
}

// x^2 + y^2 = (x + iy) (x - iy), the only factors there are.
TEST(DecomposePlane, ComplexFactorsDoNotCount) {
  const Factorisation<double> told =
      factorisation(Tensor<double>({3, 3}, {0, 0, 1, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(told.answer, Answer::impossible);
  EXPECT_NE(told.reason.find("complex factors at most"), std::string::npos);
  EXPECT_EQ(numbers_of(told)["distance"], 0);
  Random random(12);
  for (int i = 0; i < kProducts; ++i) {  // |p|^2 of p with complex values
    const auto real = normal_tensor<double>({2, 2}, random);
    const auto imaginary = normal_tensor<double>({2, 2}, random);
    Tensor<double> sum = product(real, real);
    const Tensor<double> other = product(imaginary, imaginary);
    for (std::int64_t e = 0; e < sum.size(); ++e) sum.data()[e] += other.data()[e];
    EXPECT_NE(factorisation(sum).answer, Answer::found) << i;
  }
}

TEST(DecomposePlane, SeparableKernelsAreAColumnTimesARow) {
  const Tensor<float> sobel({3, 3}, {1, 0, -1, 2, 0, -2, 1, 0, -1});
  const Decomposition<float> found = decompose(sobel);
  EXPECT_TRUE(found.separability.separable);
  ASSERT_EQ(found.factorisation.answer, Answer::found);
  EXPECT_EQ(found.factorisation.layers[0].kernel.shape(), (Dims{1, 1, 3, 1}));
  EXPECT_EQ(found.factorisation.layers[1].kernel.shape(), (Dims{1, 1, 1, 3}));
  EXPECT_EQ(found.factorisation.layers[0].kernel(0, 0, 1, 0), 2);
  EXPECT_LT(found.separability.largest_ratio, 1e-15);
  for (const double sigma : {0.5, 1.0, 3.0}) {  // rounded by the exponential too
    Tensor<float> gaussian({7, 7});
    Tensor<double> exact({7, 7});
    for (std::int64_t i = 0; i < 7; ++i) {
      for (std::int64_t j = 0; j < 7; ++j) {
        const auto r = static_cast<double>((i - 3) * (i - 3) + (j - 3) * (j - 3));
        exact(i, j) = std::exp(-r / (2 * sigma * sigma));
        gaussian(i, j) = static_cast<float>(exact(i, j));
      }
    }
    EXPECT_TRUE(decompose(gaussian).separability.separable) << sigma;
    EXPECT_TRUE(decompose(exact).separability.separable) << sigma;
    expect_found(gaussian, "a Gaussian");
  }
  EXPECT_TRUE(decompose(Tensor<double>({3, 3})).separability.separable);
  expect_found(Tensor<double>({3, 3}), "zero");
}

TEST(DecomposePlane, ZerosAtTheBordersAreAShift) {
  const Tensor<double> moved({4, 3}, {0, 0, 0, 0, 1, 2, 0, 3, 5, 0, 0, 0});
  const Factorisation<double> told = factorisation(moved);
  ASSERT_EQ(told.answer, Answer::found);
  EXPECT_NE(told.reason.find("of the 2x2 within: its polynomial has no factors"), std::string::npos)
      << told.reason;
  EXPECT_EQ(told.layers[0].kernel.shape(), (Dims{1, 1, 3, 2}));
  EXPECT_EQ(told.residual, 0);
}

}  // namespace
}  // namespace plait::test
