// Repeats, ranks and symmetries that inspect finds, what it says of them, and what it refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "support/calls.hpp"
#include "support/inspect.hpp"

namespace plait::test {
namespace {

#if defined(PLAIT_SANITIZED)  // slow, and looking for other things
constexpr int kCases = 8;
#else
constexpr int kCases = 60;
#endif

template <class T>
class Inspect : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Inspect, Types);

InspectOptions random_options(Random& random) {
  InspectOptions options;
  options.groups = random.between(1, 3);
  options.stride = {random.between(1, 2), random.between(1, 2)};
  options.padding = {random.between(0, 2), random.between(0, 2), random.between(0, 2), 1};
  options.dilation = {random.between(1, 2), random.between(1, 2)};
  return options;
}

TYPED_TEST(Inspect, ProposesNothingForAGenericKernel) {
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    const InspectOptions options = random_options(random);
    const Dims shape{options.groups * random.between(1, 8), random.between(1, 8),
                     random.between(1, 4), random.between(1, 4)};
    const auto inspection = inspect(random_tensor<TypeParam>(shape, random), options);
    EXPECT_EQ(names_of(inspection), "") << to_string(shape);
    EXPECT_EQ(inspection.found.zero_kernels, 0);
    EXPECT_EQ(inspection.found.repeated_outputs.size(), 0U);
    EXPECT_EQ(inspection.multiplications_per_position, element_count(shape));
  }
}

TYPED_TEST(Inspect, FindsRepeatedOutputs) {
  int exact = 0;
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    const InspectOptions options = random_options(random);
    const std::int64_t distinct = random.between(1, 3);
    const std::int64_t outputs = distinct + random.between(3, 6);
    const bool scaled = random.chance(0.5);
    Tensor<TypeParam> kernel =
        random_tensor<TypeParam>({options.groups * outputs, 5, 3, 3}, random);
    for (std::int64_t o = 0; o < kernel.size(0); ++o) {
      const std::int64_t source = o / outputs * outputs + o % outputs % distinct;
      const auto factor = static_cast<TypeParam>(scaled && source != o ? random.normal() : 1);
      for (std::int64_t i = 0; i < 5; ++i) {
        set_kernel(kernel, o, i, [&](auto u, auto v) { return factor * kernel(source, i, u, v); });
      }
    }
    const auto inspection = inspect(kernel, options);
    const auto& found = inspection.found.repeated_outputs;
    std::size_t repeated = 0;
    for (const ChannelCopies& copies : found) repeated += copies.channels.size() - 1;
    EXPECT_EQ(repeated, static_cast<std::size_t>(options.groups * (outputs - distinct)));
    const auto* proposal = find(inspection, "repeated outputs");
    ASSERT_NE(proposal, nullptr) << names_of(inspection);
    EXPECT_EQ(proposal->multiplications_per_position, options.groups * (distinct * 45 + outputs));
    if (!scaled) {
      EXPECT_TRUE(proposal->bitwise);
    }
    exact += proposal->bitwise ? 1 : 0;
    expect_equivalent(inspection, 9, 8, random);
  }
  EXPECT_GT(exact, 0);
  EXPECT_LT(exact, kCases) << "rounded products are not the same bits";
}

TYPED_TEST(Inspect, FindsRepeatedInputs) {
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    InspectOptions options = random_options(random);
    options.stride = 1;
    const std::int64_t distinct = random.between(1, 3);
    const std::int64_t inputs = distinct * random.between(2, 3);
    Tensor<TypeParam> kernel = random_tensor<TypeParam>({options.groups * 7, inputs, 3, 2}, random);
    for (std::int64_t o = 0; o < kernel.size(0); ++o) {
      for (std::int64_t i = distinct; i < inputs; ++i) {
        // Powers of two, so that products are exact.
        const auto factor = static_cast<TypeParam>(i % 2 == 0 ? 1 : -0.5);
        set_kernel(kernel, o, i,
                   [&](auto u, auto v) { return factor * kernel(o, i % distinct, u, v); });
      }
    }
    const auto inspection = inspect(kernel, options);
    EXPECT_EQ(inspection.found.repeated_inputs.size(),
              static_cast<std::size_t>(options.groups * distinct));
    const auto* proposal = find(inspection, "repeated inputs");
    ASSERT_NE(proposal, nullptr) << names_of(inspection);
    EXPECT_TRUE(proposal->bitwise);
    expect_equivalent(inspection, 9, 8, random);
  }
}

// K = sum over m of a column or 1x1 part times a row or window part, rounded once to T.
template <class T>
Tensor<T> of_rank(std::int64_t rank, const Dims& shape, bool rows_first, bool columns_first,
                  Random& random) {
  const auto first = random_tensor<double>(
      {rank, shape[1], rows_first ? shape[2] : 1, columns_first ? shape[3] : 1}, random);
  const auto second = random_tensor<double>(
      {shape[0], rank, rows_first ? 1 : shape[2], columns_first ? 1 : shape[3]}, random);
  Tensor<T> kernel(shape);
  for (std::int64_t o = 0; o < shape[0]; ++o) {
    for (std::int64_t i = 0; i < shape[1]; ++i) {
      set_kernel(kernel, o, i, [&](std::int64_t u, std::int64_t v) {
        double sum = 0;
        for (std::int64_t m = 0; m < rank; ++m) {
          sum += first(m, i, rows_first ? u : 0, columns_first ? v : 0) *
                 second(o, m, rows_first ? 0 : u, columns_first ? 0 : v);
        }
        return static_cast<T>(sum);
      });
    }
  }
  return kernel;
}

TYPED_TEST(Inspect, FindsLowRank) {
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    InspectOptions options = random_options(random);
    options.groups = 1;
    const bool rows = seed % 2 == 0;
    const bool columns = seed / 2 % 2 == 0;
    const bool after = rows && columns;
    options.stride = after || !rows ? options.stride : Pair(1);
    if (!rows || !columns) options.stride = 1;
    const std::int64_t rank = random.between(1, 2);
    const auto kernel = of_rank<TypeParam>(
        rank, {random.between(9, 16), random.between(9, 16), 3, 4}, rows, columns, random);
    const auto inspection = inspect(kernel, options);
    const std::string name = std::string(rows ? "3" : "1") + "x" + (columns ? "4" : "1") +
                             " then " + (rows ? "1" : "3") + "x" + (columns ? "1" : "4");
    const auto* proposal = find(inspection, name);
    ASSERT_NE(proposal, nullptr) << name << " is not of " << names_of(inspection);
    EXPECT_EQ(proposal->layers[0].kernel.size(0), rank);
    bool found = false;
    for (const ChainRank& one : inspection.found.ranks) {
      if (one.layers == name) found = one.rank == rank;
    }
    EXPECT_TRUE(found);
    expect_equivalent(inspection, 11, 12, random);
  }
}

TYPED_TEST(Inspect, SeparableDepthwiseLayersAreTwo) {
  Random random(6);
  Tensor<TypeParam> kernel({12, 1, 5, 5});
  for (std::int64_t o = 0; o < 12; ++o) {
    const auto column = random_tensor<double>({5}, random);
    const auto row = random_tensor<double>({5}, random);
    set_kernel(kernel, o, 0,
               [&](auto u, auto v) { return static_cast<TypeParam>(column(u) * row(v)); });
  }
  InspectOptions options;
  options.groups = 12;
  options.padding = 2;
  options.stride = {2, 1};
  const auto inspection = inspect(kernel, options);
  EXPECT_EQ(inspection.found.rank_one_kernels, 12);
  const auto* proposal = find(inspection, "5x1 then 1x5");
  ASSERT_NE(proposal, nullptr) << names_of(inspection);
  EXPECT_EQ(proposal->layers[0].groups, 12);
  EXPECT_EQ(proposal->layers[1].groups, 12);
  EXPECT_EQ(proposal->multiplications_per_position, 12 * 10);
  EXPECT_EQ(
      inspect(random_tensor<TypeParam>({12, 1, 5, 5}, random), options).found.rank_one_kernels, 0);
  expect_equivalent(inspection, 11, 12, random);
}

TYPED_TEST(Inspect, RanksHoldAtAnyScale) {
  Random random(7);
  for (const int power : {-100, -30, 0, 30, 100}) {
    Tensor<TypeParam> kernel = of_rank<TypeParam>(2, {12, 12, 3, 3}, true, false, random);
    const int scaled = std::is_same_v<TypeParam, double> ? 4 * power : power;
    for (TypeParam& value : kernel) value = std::ldexp(value, scaled);
    EXPECT_NE(find(inspect(kernel), "3x1 then 1x3"), nullptr) << scaled;
  }
}

TEST(InspectSymmetries, AreCounted) {
  const auto counts = [](std::initializer_list<float> values) {
    const auto inspection = inspect(Tensor<float>({1, 1, 3, 3}, values));
    return inspection.found;
  };
  const KernelFindings box = counts({1, 1, 1, 1, 1, 1, 1, 1, 1});
  EXPECT_EQ(box.symmetric.top_bottom, 1);
  EXPECT_EQ(box.symmetric.left_right, 1);
  EXPECT_EQ(box.symmetric.point, 1);
  EXPECT_EQ(box.symmetric.transpose, 1);
  EXPECT_EQ(box.antisymmetric.point, 0);
  EXPECT_EQ(box.rank_one_kernels, 1);
  const KernelFindings sobel = counts({1, 0, -1, 2, 0, -2, 1, 0, -1});
  EXPECT_EQ(sobel.symmetric.top_bottom, 1);
  EXPECT_EQ(sobel.symmetric.left_right, 0);
  EXPECT_EQ(sobel.antisymmetric.left_right, 1);
  EXPECT_EQ(sobel.antisymmetric.point, 1);
  EXPECT_EQ(sobel.symmetric.transpose, 0);
  EXPECT_EQ(sobel.rank_one_kernels, 1);
  const KernelFindings swirl = counts({0, 1, 2, -1, 0, 3, -2, -3, 0});
  EXPECT_EQ(swirl.antisymmetric.transpose, 1);
  EXPECT_EQ(swirl.symmetric.point, 0);
  EXPECT_EQ(swirl.rank_one_kernels, 0);
  const KernelFindings zero = counts({0, 0, 0, 0, -0.0F, 0, 0, 0, 0});
  EXPECT_EQ(zero.symmetric.point, 0) << "zero kernels are not counted";
}

TEST(InspectTimes, AreMeasuredWithAnInputSize) {
  Tensor<float> kernel({8, 8, 3, 3});
  for (std::int64_t o = 0; o < 8; ++o) kernel(o, o, 1, 1) = 1 + static_cast<float>(o);
  InspectOptions options;
  options.padding = 1;
  options.input_size = Pair{16, 20};
  options.measure_seconds = 0;
  const auto predicted = inspect(kernel, options);
  EXPECT_EQ(predicted.cost.multiplications, 576 * 16 * 20);
  EXPECT_GT(predicted.cost.predicted_seconds, 0);
  EXPECT_EQ(predicted.cost.measured_seconds, 0);
  options.measure_seconds = 0.001;
  const auto measured = inspect(kernel, options);
  EXPECT_GT(measured.cost.measured_seconds, 0);
  const auto* combined = find(measured, "combined");
  ASSERT_NE(combined, nullptr) << names_of(measured);
  EXPECT_EQ(combined->cost.multiplications, 8 * 16 * 20);
  // Clocks may say anything; the words follow from what they said.
  EXPECT_EQ(combined->share, combined->cost.measured_seconds / measured.cost.measured_seconds);
  EXPECT_EQ(combined->cheaper, combined->share < 0.97);
  EXPECT_TRUE(combined->verdict.starts_with(combined->share < 0.97    ? "cheaper: "
                                            : combined->share <= 1.03 ? "no gain: "
                                                                      : "do not: slower here ("))
      << combined->verdict << " for " << combined->share;
  std::ostringstream text;
  text << measured;
  EXPECT_NE(text.str().find("184,320 for x of 1x8x16x20"), std::string::npos) << text.str();
}

TEST(InspectText, SaysWhatIsFound) {
  Tensor<double> kernel({4, 3, 3, 3});
  for (std::int64_t o = 0; o < 3; ++o) kernel(o, 0, 0, 1) = o == 1 ? -2 : 1;
  std::ostringstream text;
  text << inspect(kernel);
  for (const char* line :
       {"kernel    4x3x3x3 f64, 1 group; stride 1, padding 0, dilation 1\n",
        "products  108 for each position of the output\n", "zero kernels      9 of 12\n",
        "dead inputs       2 of 3: 1, 2\n", "zero outputs      1 of 4: 3\n",
        "taps not zero     row 0 of 3, column 1 of 3\n",
        "must keep rows 0 and 2 of 3, columns 0 to 2 of 3 (from padding 0_2_1_1 on, only these)\n",
        "repeated outputs  3 in 1 set: 0, 1 (-2 times), 2\n", "repeated inputs   none\n",
        "of rank one       3 of 3 kernels not zero\n",
        "dead channels: only 3 of 4 outputs from 1 of 3 inputs\n"}) {
    EXPECT_NE(text.str().find(line), std::string::npos) << line << "is not in\n" << text.str();
  }
}

TEST(InspectRefusals, NameTheShapesAndTheRule) {
  const auto error = [](const Dims& shape, const InspectOptions& options = {}) {
    return error_of(Status::invalid_argument, [&] { inspect(Tensor<float>(shape), options); });
  };
  EXPECT_EQ(error({3, 3}), "a kernel to inspect must be c_o x c_i/groups x k_h x k_w but is 3x3");
  EXPECT_EQ(error_of(Status::invalid_argument, [] { inspect(Tensor<float>()); }),
            "a kernel to inspect must be c_o x c_i/groups x k_h x k_w but is missing");
  EXPECT_EQ(error({4, 0, 3, 3}), "every size of a kernel must be at least 1 but it is 4x0x3x3");
  EXPECT_EQ(error({64, 3, 7, 7}, {.groups = 3}),
            "groups must divide the channels but 3 does not divide c_o = 64 (kernel is 64x3x7x7)");
  EXPECT_EQ(error({64, 3, 7, 7}, {.groups = 0}), "groups must be at least 1 but is 0");
  EXPECT_EQ(error({4, 3, 3, 3}, {.stride = 0}), "stride must be at least 1 but is 0x0");
  EXPECT_EQ(error({4, 3, 3, 3}, {.dilation = -1}), "dilation must be at least 1 but is -1x-1");
  EXPECT_NE(error({4, 3, 3, 3}, {.padding = -1}).find("padding must not be negative"),
            std::string::npos);
  EXPECT_NE(error({4, 3, 3, 3}, {.padding = std::int64_t{1} << 62}).find("overflow"),
            std::string::npos);
  EXPECT_NE(error({4, 3, 3, 3}, {.dilation = std::int64_t{1} << 62}).find("overflow"),
            std::string::npos);
  EXPECT_NE(error({4, 3, 3, 3}, {.input_size = Pair(2)})
                .find("the 3x3 kernel is larger than the padded input 2x2"),
            std::string::npos);
  EXPECT_NE(error({4, 3, 3, 3}, {.measure_seconds = -1}).find("measure_seconds"),
            std::string::npos);
}

TEST(InspectRefusals, NameTheFirstValueThatIsNotFinite) {
  Tensor<double> kernel({2, 3, 2, 2});
  kernel(1, 2, 0, 1) = std::numeric_limits<double>::quiet_NaN();
  kernel(1, 2, 1, 1) = -std::numeric_limits<double>::infinity();
  const auto error = [&] { return error_of(Status::invalid_argument, [&] { inspect(kernel); }); };
  EXPECT_EQ(error(), "kernel[1,2,0,1] is nan but must be finite (kernel is 2x3x2x2)");
  kernel(1, 2, 0, 1) = 0;
  EXPECT_NE(error().find("kernel[1,2,1,1] is -inf"), std::string::npos);
}

TEST(InspectRefusals, StopWhenCancelled) {
  const std::atomic<bool> cancel = true;
  InspectOptions options;
  options.cancel = &cancel;
  EXPECT_NE(error_of(Status::cancelled,
                     [&] {
                       inspect(Tensor<float>({8, 8, 3, 3}), options);
                     })
                .find("cancelled"),
            std::string::npos);
}

}  // namespace
}  // namespace plait::test
