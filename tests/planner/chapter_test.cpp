// The worked numbers of the chapter "Multiple Input and Multiple Output Channels" of Dive into Deep
// Learning, through its functions and through every algorithm on every target.
#include <plait/corr2d.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>
#include <plait/plan.hpp>

#include "support/calls.hpp"

namespace plait {
namespace {

using Json = nlohmann::json;

const Json& examples() {
  static const Json json = [] {
    std::ifstream file(PLAIT_TEST_DATA "/d2l_examples.json");
    return Json::parse(file);
  }();
  return json;
}

void append_numbers(const Json& json, std::vector<double>& values) {
  if (!json.is_array()) return values.push_back(json.get<double>());
  for (const Json& part : json) append_numbers(part, values);
}

// Nested lists as a tensor.
template <class T>
Tensor<T> tensor_of(const Json& json) {
  Dims shape;
  for (const Json* level = &json; level->is_array(); level = &level->front()) {
    shape.push_back(static_cast<std::int64_t>(level->size()));
  }
  std::vector<double> values;
  append_numbers(json, values);
  Tensor<T> tensor(shape);
  EXPECT_EQ(values.size(), static_cast<std::size_t>(tensor.size()));
  std::transform(values.begin(), values.end(), tensor.begin(),
                 [](double value) { return static_cast<T>(value); });
  return tensor;
}

template <class T>
Tensor<T> reshaped(const Tensor<T>& tensor, const Dims& shape) {
  return dense_copy(TensorView<const T>(tensor.data(), shape));
}

// K, K+1 and K+2 of the chapter as one c_o x c_i x k_h x k_w tensor.
template <class T>
Tensor<T> stacked_kernels() {
  const Tensor<T> kernel = tensor_of<T>(examples()["multi_in"]["K"]);
  Tensor<T> stack({3, 2, 2, 2});
  for (std::int64_t i = 0; i < stack.size(); ++i) {
    stack.begin()[i] = kernel.begin()[i % kernel.size()] + static_cast<T>(i / kernel.size());
  }
  return stack;
}

template <class T>
void expect_near(const Tensor<T>& actual, const Tensor<T>& expected, double tolerance) {
  ASSERT_EQ(actual.shape(), expected.shape());
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(actual.begin()[i]), static_cast<double>(expected.begin()[i]),
                tolerance)
        << "element " << i;
  }
}

template <class T>
double summed_difference(const Tensor<T>& a, const Tensor<T>& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    sum += std::abs(static_cast<double>(a.begin()[i]) - static_cast<double>(b.begin()[i]));
  }
  return sum;
}

template <class T>
class Chapter : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Chapter, Types);

// === the chapter's functions ===

TYPED_TEST(Chapter, MultipleInputChannels) {
  const Json& example = examples()["multi_in"];
  const auto x = tensor_of<TypeParam>(example["X"]);
  const auto kernel = tensor_of<TypeParam>(example["K"]);
  expect_near(corr2d_multi_in(x, kernel), tensor_of<TypeParam>(example["Y"]), 0);
}

TYPED_TEST(Chapter, MultipleInputChannelsAreTheSumOfEachChannel) {
  const Json& example = examples()["multi_in"];
  Tensor<TypeParam> sum({2, 2});
  for (std::size_t c = 0; c < 2; ++c) {
    const auto map =
        corr2d(tensor_of<TypeParam>(example["X"][c]), tensor_of<TypeParam>(example["K"][c]));
    std::transform(sum.begin(), sum.end(), map.begin(), sum.begin(), std::plus<>());
  }
  expect_near(sum, tensor_of<TypeParam>(example["Y"]), 0);
}

// The sum behind the first element, term by term: a kernel that is zero from some tap on gives the
// partial sum up to there.
TYPED_TEST(Chapter, PartialSumsOfTheFirstElement) {
  const Json& example = examples()["multi_in"];
  const auto x = tensor_of<TypeParam>(example["X"]);
  const auto kernel = tensor_of<TypeParam>(example["K"]);
  std::vector<double> terms;
  append_numbers(example["first_element_terms"], terms);
  ASSERT_EQ(terms.size(), 8U);
  Tensor<TypeParam> taps(kernel.shape());
  double partial = 0;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    taps.begin()[t] = kernel.begin()[t];
    partial += terms[t];
    EXPECT_EQ(static_cast<double>(corr2d_multi_in(x, taps)(0, 0)), partial) << "term " << t;
  }
  EXPECT_EQ(partial, 56);
}

TYPED_TEST(Chapter, MultipleOutputChannels) {
  const auto x = tensor_of<TypeParam>(examples()["multi_in"]["X"]);
  const auto kernels = stacked_kernels<TypeParam>();
  const auto y = tensor_of<TypeParam>(examples()["multi_in_out"]["Y"]);
  ASSERT_EQ(Json({3, 2, 2, 2}), examples()["multi_in_out"]["K_shape"]);
  expect_near(corr2d_multi_in_out(x, kernels), y, 0);
  const auto batch = corr2d_multi_in_out(reshaped(x, {1, 2, 3, 3}), kernels);
  expect_near(batch, reshaped(y, {1, 3, 2, 2}), 0);
}

TYPED_TEST(Chapter, EachOutputChannelIsAMultiInputCorrelation) {
  const auto x = tensor_of<TypeParam>(examples()["multi_in"]["X"]);
  const auto kernels = stacked_kernels<TypeParam>();
  const auto y = corr2d_multi_in_out(x, kernels);
  for (std::int64_t o = 0; o < 3; ++o) {
    const TensorView<const TypeParam> kernel(kernels.data() + 8 * o, {2, 2, 2});
    const TensorView<const TypeParam> map(y.data() + 4 * o, {2, 2});
    expect_near(corr2d_multi_in<TypeParam>(x, kernel), dense_copy(map), 0);
  }
}

TYPED_TEST(Chapter, PointwiseIsAFullyConnectedLayer) {
  const Json& example = examples()["pointwise"];
  const auto x = tensor_of<TypeParam>(example["X"]);
  const auto kernel = tensor_of<TypeParam>(example["K"]);
  const auto y = tensor_of<TypeParam>(example["Y"]);
  const auto kernel4 = reshaped(kernel, {2, 3, 1, 1});
  const auto y1 = corr2d_multi_in_out_1x1(x, kernel);
  expect_near(y1, y, 5e-4);
  expect_near(corr2d_multi_in_out_1x1(x, kernel4), y, 5e-4);
  const auto y2 = corr2d_multi_in_out(x, kernel4);
  expect_near(y2, y, 5e-4);
  EXPECT_LT(summed_difference(y1, y2), 1e-6);
}

TEST(ChapterFunctions, RefuseShapesThatDoNotFit) {
  const Tensor<float> flat({3, 3});
  const Tensor<float> maps({2, 3, 3});
  const Tensor<float> kernels({4, 2, 2, 2});
  const auto refusal = [](auto call) { return test::error_of(Status::invalid_argument, call); };
  EXPECT_EQ(refusal([&] { corr2d(maps, flat); }), "x must be h x w but is 2x3x3");
  EXPECT_EQ(refusal([&] { corr2d(flat, maps); }), "weight must be k_h x k_w but is 2x3x3");
  EXPECT_EQ(refusal([&] { corr2d_multi_in(flat, maps); }), "x must be c_i x h x w but is 3x3");
  EXPECT_EQ(refusal([&] { corr2d_multi_in(maps, kernels); }),
            "weight must be c_i x k_h x k_w but is 4x2x2x2");
  EXPECT_EQ(refusal([&] { corr2d_multi_in_out_1x1(maps, kernels); }),
            "weight must be c_o x c_i or c_o x c_i x 1 x 1 but is 4x2x2x2");
  EXPECT_NE(refusal([&] {
              corr2d_multi_in_out_1x1(maps, flat);
            }).find("weight expects 3 input channels but x has 2"),
            std::string::npos);
}

// === every algorithm ===

// Every algorithm that takes the problem on this machine's target, run; returns their names.
template <class T>
std::set<std::string> run_everywhere(const std::string& line, const Machine& machine,
                                     const Tensor<T>& x, const Tensor<T>& kernel,
                                     const Tensor<T>& expected, double tolerance) {
  std::set<std::string> ran;
  for (const AlgorithmInfo& info : algorithms()) {
    SCOPED_TRACE(info.name + " for " + line);
    Limits limits;
    limits.algorithm = info.name;
    try {
      const Plan made = plan(line, limits, machine);
      Tensor<T> y = test::poisoned<T>(made.problem().y_shape());
      RunReport report;
      RunOptions<T> options;
      options.report = &report;
      made.run(reshaped(x, made.problem().x_shape()),
               made.pack(reshaped(kernel, made.problem().weight_shape())), y, options);
      EXPECT_EQ(report.algorithm, info.name);
      expect_near(y, reshaped(expected, y.shape()), tolerance);
      ran.insert(report.algorithm);
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::unsupported) << error.what();
    }
  }
  return ran;
}

// f64 is the reference's alone so far.
template <class T>
void expect_ran(const std::set<std::string>& ran, const std::set<std::string>& in_f32) {
  const std::set<std::string> least =
      std::is_same_v<T, float> ? in_f32 : std::set<std::string>{"reference"};
  EXPECT_TRUE(std::includes(ran.begin(), ran.end(), least.begin(), least.end()))
      << "ran only " << testing::PrintToString(ran);
}

template <class T>
std::string with_dtype(const char* line) {
  return std::is_same_v<T, float> ? line : std::string(line) + ",f64";
}

TYPED_TEST(Chapter, EveryAlgorithmOnEveryTargetGivesTheNumbers) {
  const Json& multi_in = examples()["multi_in"];
  const Json& pointwise = examples()["pointwise"];
  const auto x = tensor_of<TypeParam>(multi_in["X"]);
  for (const Target target : test::runnable_targets()) {
    SCOPED_TRACE(name_of(target));
    const Machine machine = test::on_target(target);
    expect_ran<TypeParam>(
        run_everywhere(with_dtype<TypeParam>("1x2x3x3,1x2x2x2"), machine, x,
                       tensor_of<TypeParam>(multi_in["K"]), tensor_of<TypeParam>(multi_in["Y"]), 0),
        {"im2col", "reference"});
    expect_ran<TypeParam>(run_everywhere(with_dtype<TypeParam>("1x2x3x3,3x2x2x2"), machine, x,
                                         stacked_kernels<TypeParam>(),
                                         tensor_of<TypeParam>(examples()["multi_in_out"]["Y"]), 0),
                          {"im2col", "reference"});
    expect_ran<TypeParam>(
        run_everywhere(with_dtype<TypeParam>("1x3x3x3,2x3x1x1"), machine,
                       tensor_of<TypeParam>(pointwise["X"]), tensor_of<TypeParam>(pointwise["K"]),
                       tensor_of<TypeParam>(pointwise["Y"]), 5e-4),
        {"im2col", "pointwise", "reference"});
  }
}

// === cost and parameters ===

TEST(ChapterCost, OfTheLargeLayer) {
  const Json& example = examples()["cost"];
  const Problem problem = parse_problem(example["problem"].get<std::string>());
  const std::int64_t products = std::int64_t{128} * 128 * 256 * 256 * 5 * 5;
  EXPECT_EQ(problem.y_shape(), (Dims{1, 128, 256, 256})) << "same padding";
  EXPECT_EQ(problem.multiplications(), products);
  EXPECT_NEAR(static_cast<double>(problem.multiplications()) * 1e-9, 26.84, 0.005);
  const std::int64_t additions = products - element_count(problem.y_shape());
  EXPECT_NEAR(static_cast<double>(additions) * 1e-9, 26.84, 0.006);
  EXPECT_GT(products + additions, 53'000'000'000);
  Limits limits;
  limits.algorithm = "reference";
  EXPECT_EQ(plan(problem, limits).cost().multiplications, products);
}

TEST(ChapterCost, DoublingBothChannelCountsQuadruplesTheWork) {
  EXPECT_EQ(parse_problem("1x64x28x28,128x64x3x3,p1").multiplications(),
            4 * parse_problem("1x32x28x28,64x32x3x3,p1").multiplications());
  EXPECT_EQ(parse_problem("1x64x28x28,64x1x3x3,p1,g64").multiplications(),
            2 * parse_problem("1x32x28x28,32x1x3x3,p1,g32").multiplications());
}

TEST(ChapterCost, ParametersOfTheChannelReduction) {
  const Json& example = examples()["channel_reduction"];
  const std::int64_t from = example["from"].get<std::int64_t>();
  const std::int64_t to = example["to"].get<std::int64_t>();
  const Problem problem =
      parse_problem("1x" + std::to_string(from) + "x14x14," + std::to_string(to) + "x" +
                    std::to_string(from) + "x1x1,bias");
  const std::int64_t weights = element_count(problem.weight_shape());
  EXPECT_EQ(weights, example["parameters_without_bias"].get<std::int64_t>());
  EXPECT_EQ(weights + problem.c_o, example["parameters_with_bias"].get<std::int64_t>());
  EXPECT_EQ(problem.y_shape(), (Dims{1, to, 14, 14})) << "height and width stay";
  // The reference packs weights as they are, and a bias for each output channel behind them.
  Limits limits;
  limits.algorithm = "reference";
  EXPECT_EQ(plan(problem, limits).packed_bytes() / sizeof(float),
            example["parameters_with_bias"].get<std::size_t>());
}

}  // namespace
}  // namespace plait
