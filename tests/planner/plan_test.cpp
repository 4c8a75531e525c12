// Wrong calls of a plan: each says what is wrong, in one line, and writes nothing.
#include <plait/plan.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "support/algorithms.hpp"
#include "support/calls.hpp"

namespace plait {
namespace {

using test::error_of;
using test::poisoned;
using test::untouched;

Limits forced(const std::string& algorithm, bool prepacked = true) {
  Limits limits;
  limits.algorithm = algorithm;
  limits.threads = 2;
  limits.prepacked = prepacked;
  return limits;
}

// A prepared run of a problem, one part of which a test then breaks.
struct Call {
  explicit Call(const std::string& line, bool prepacked = true)
      : made(plan(line, forced("reference", prepacked))),
        operands(made.problem()),
        y(poisoned<float>(made.problem().y_shape())) {
    if (prepacked) packed = made.pack<float>(operands.kernel.view(), operands.bias_view());
    options.residual = operands.residual_view();
  }

  void run() { run(operands.x, y); }
  void run(TensorView<const float> x, TensorView<float> out) {
    made.run<float>(x, packed, out, options);
  }
  void run_unpacked(TensorView<const float> kernel, TensorView<const float> bias) {
    made.run<float>(operands.x, kernel, bias, y, options);
  }

  Plan made;
  Operands<float> operands;
  Tensor<float> y;
  Packed packed;
  RunOptions<float> options;
};

// The refusal of a call, which must be one line and leave y alone.
template <class Run>
std::string refusal(const Call& call, Run run) {
  const std::string text = error_of(Status::invalid_argument, run);
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_TRUE(untouched(call.y)) << text;
  return text;
}

TEST(WrongCall, TheCallItselfIsRight) {
  for (const char* line : {"1x4x6x5,3x4x3x3", "1x4x6x5,3x4x3x3,bias,res"}) {
    Call packed(line);
    EXPECT_NO_THROW(packed.run());
    Call unpacked(line, false);
    EXPECT_NO_THROW(unpacked.run_unpacked(unpacked.operands.kernel, unpacked.operands.bias_view()));
    EXPECT_TRUE(test::same_bytes(packed.y, unpacked.y));
    EXPECT_TRUE(std::none_of(packed.y.begin(), packed.y.end(), [](float v) { return v != v; }));
  }
}

TEST(WrongCall, ShapeOfX) {
  Call call("1x4x6x5,3x4x3x3");
  const Tensor<float> transposed({1, 4, 5, 6});
  EXPECT_EQ(refusal(call, [&] { call.run(transposed, call.y); }),
            "x must be 1x4x6x5 for this plan but is 1x4x5x6");
  EXPECT_EQ(refusal(call,
                    [&] {
                      call.run({call.operands.x.data(), {4, 6, 5}}, call.y);
                    }),
            "x must be 1x4x6x5 for this plan but is 4x6x5");
  EXPECT_EQ(refusal(call, [&] { call.run({}, call.y); }),
            "x must be 1x4x6x5 for this plan but is missing");
}

TEST(WrongCall, ShapeOfY) {
  Call call("1x4x6x5,3x4x3x3");
  const TensorView<float> small(call.y.data(), {1, 3, 4, 2});
  EXPECT_EQ(refusal(call, [&] { call.run(call.operands.x, small); }),
            "y must be 1x3x4x3 for this plan but is 1x3x4x2");
  EXPECT_EQ(refusal(call, [&] { call.run(call.operands.x, TensorView<float>()); }),
            "y must be 1x3x4x3 for this plan but is missing");
}

TEST(WrongCall, Strides) {
  Call call("1x4x6x5,3x4x3x3");
  const TensorView<const float> nhwc(call.operands.x.data(), {1, 4, 6, 5}, {120, 1, 20, 4});
  EXPECT_EQ(refusal(call, [&] { call.run(nhwc, call.y); }),
            "x has strides 120_1_20_4 but the plan was made for 120_30_5_1");
  const TensorView<float> y_nhwc(call.y.data(), {1, 3, 4, 3}, {36, 1, 9, 3});
  EXPECT_EQ(refusal(call, [&] { call.run(call.operands.x, y_nhwc); }),
            "y has strides 36_1_9_3 but the plan was made for 36_12_3_1");
}

TEST(WrongCall, StridesOfSingleElementsDoNotCount) {
  Call call("1x4x6x5,3x4x3x3");
  const TensorView<const float> x(call.operands.x.data(), {1, 4, 6, 5}, {0, 30, 5, 1});
  EXPECT_NO_THROW(call.run(x, call.y));
}

TEST(WrongCall, ShapeOfK) {
  const std::string expected = "weight must be 3x4x3x3 for this plan but is 4x3x3x3";
  const Tensor<float> transposed({4, 3, 3, 3});
  Call packed("1x4x6x5,3x4x3x3");
  EXPECT_EQ(refusal(packed, [&] { packed.made.pack(transposed); }), expected);
  Call unpacked("1x4x6x5,3x4x3x3", false);
  EXPECT_EQ(refusal(unpacked, [&] { unpacked.run_unpacked(transposed, {}); }), expected);
  const TensorView<const float> hwio(transposed.data(), {3, 4, 3, 3}, {1, 3, 36, 12});
  EXPECT_EQ(refusal(unpacked, [&] { unpacked.run_unpacked(hwio, {}); }),
            "weight has strides 1_3_36_12 but the plan was made for 36_9_3_1");
}

TEST(WrongCall, Bias) {
  const Tensor<float> bias({3});
  const Tensor<float> long_bias({4});
  const std::string unexpected =
      "a bias was given but the plan's problem has none (add `bias` to the line)";
  Call without("1x4x6x5,3x4x3x3");
  EXPECT_EQ(refusal(without, [&] { without.made.pack(without.operands.kernel, bias); }),
            unexpected);
  Call without_unpacked("1x4x6x5,3x4x3x3", false);
  EXPECT_EQ(refusal(without_unpacked,
                    [&] { without_unpacked.run_unpacked(without_unpacked.operands.kernel, bias); }),
            unexpected);

  Call with("1x4x6x5,3x4x3x3,bias");
  EXPECT_EQ(refusal(with, [&] { with.made.pack(with.operands.kernel); }),
            "bias must be 3 for this plan but is missing");
  EXPECT_EQ(refusal(with, [&] { with.made.pack(with.operands.kernel, long_bias); }),
            "bias must be 3 for this plan but is 4");
  Call with_unpacked("1x4x6x5,3x4x3x3,bias", false);
  EXPECT_EQ(refusal(with_unpacked,
                    [&] { with_unpacked.run_unpacked(with_unpacked.operands.kernel, {}); }),
            "bias must be 3 for this plan but is missing");
}

TEST(WrongCall, Residual) {
  const Tensor<float> residual({1, 3, 4, 3});
  Call without("1x4x6x5,3x4x3x3");
  without.options.residual = residual;
  EXPECT_EQ(refusal(without, [&] { without.run(); }),
            "a residual was given but the plan's problem has none (add `res` to the line)");
  Call with("1x4x6x5,3x4x3x3,res");
  with.options.residual = {};
  EXPECT_EQ(refusal(with, [&] { with.run(); }),
            "residual must be 1x3x4x3 for this plan but is missing");
  with.options.residual = with.operands.x;
  EXPECT_EQ(refusal(with, [&] { with.run(); }),
            "residual must be 1x3x4x3 for this plan but is 1x4x6x5");
  with.options.residual = {residual.data(), {1, 3, 4, 3}, {36, 1, 9, 3}};
  EXPECT_EQ(refusal(with, [&] { with.run(); }),
            "residual has strides 36_1_9_3 but the plan was made for 36_12_3_1");
}

TEST(WrongCall, Dtype) {
  Call call("1x4x6x5,3x4x3x3");
  const Operands<double> doubles(call.made.problem());
  Tensor<double> y = poisoned<double>(call.y.shape());
  const std::string expected = "the plan is for f32 but was given f64 data";
  EXPECT_EQ(refusal(call, [&] { call.made.pack(doubles.kernel); }), expected);
  EXPECT_EQ(refusal(call, [&] { call.made.run(doubles.x, call.packed, y); }), expected);
  EXPECT_TRUE(untouched(y));
  const Plan of_doubles = plan("1x4x6x5,3x4x3x3,f64", forced("reference", false));
  EXPECT_EQ(
      refusal(call,
              [&] { of_doubles.run<float>(call.operands.x, call.operands.kernel, {}, call.y); }),
      "the plan is for f64 but was given f32 data");
}

TEST(WrongCall, WeightsPackedForAnotherPlan) {
  Call call("1x4x6x5,3x4x3x3");
  const Plan im2col = plan("1x4x6x5,3x4x3x3", forced("im2col"));
  const Packed foreign = im2col.pack(call.operands.kernel);
  const std::string expected = "weights are packed as \"" + im2col.packed_format() +
                               "\" but the plan takes \"" + call.made.packed_format() + "\"";
  EXPECT_EQ(refusal(call, [&] { call.made.run(call.operands.x, foreign, call.y); }), expected);
  EXPECT_NE(expected.find("im2col"), std::string::npos);
  EXPECT_NE(expected.find("reference"), std::string::npos);
  EXPECT_EQ(refusal(call, [&] { call.made.run(call.operands.x, Packed(), call.y); }),
            "weights are packed as \"\" but the plan takes \"" + call.made.packed_format() + "\"");
}

TEST(WrongCall, EveryDifferenceOfWeightsShowsInTheFormat) {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const Problem given = test::problem_for(algorithm.name);
    std::vector<Problem> problems(5, given);
    problems[1].bias = true;
    problems[2].c_o *= 2;
    problems[3].groups *= 2;
    problems[4].k_w += 1;
    std::vector<std::string> formats;
    for (const Problem& problem : problems) {
      if (problem.c_i % problem.groups != 0 || problem.c_o % problem.groups != 0) continue;
      if (!test::takes(algorithm.name, problem, test::only(algorithm.name))) continue;
      formats.push_back(plan(problem, test::only(algorithm.name)).packed_format());
    }
    EXPECT_GE(formats.size(), 3U) << algorithm.name;
    std::sort(formats.begin(), formats.end());
    EXPECT_EQ(std::adjacent_find(formats.begin(), formats.end()), formats.end()) << algorithm.name;
  }
}

TEST(WrongCall, PackedAndUnpackedForms) {
  Call packed("1x4x6x5,3x4x3x3");
  EXPECT_EQ(refusal(packed, [&] { packed.run_unpacked(packed.operands.kernel, {}); }),
            "the plan takes packed weights: call pack, or plan with prepacked = false");
  Call unpacked("1x4x6x5,3x4x3x3", false);
  EXPECT_EQ(unpacked.made.packed_bytes(), 0U);
  EXPECT_EQ(refusal(unpacked, [&] { unpacked.made.pack(unpacked.operands.kernel); }),
            "the plan was made with prepacked = false: hand weight and bias to run");
  EXPECT_EQ(
      refusal(unpacked, [&] { unpacked.made.run(unpacked.operands.x, packed.packed, unpacked.y); }),
      "weights are packed as \"" + packed.made.packed_format() +
          "\" but the plan takes weight and bias unpacked");
}

TEST(WrongCall, MisalignedWorkspace) {
  Call call("1x4x6x5,3x4x3x3");
  alignas(64) std::byte workspace[128];
  call.options.workspace = workspace + 32;
  EXPECT_EQ(refusal(call, [&] { call.run(); }), "the workspace must be aligned to 64 bytes");
  call.options.workspace = workspace + 64;
  EXPECT_NO_THROW(call.run());
}

TEST(WrongCall, NegativeThreads) {
  Limits limits;
  limits.threads = -2;
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { plan("1x4x6x5,3x4x3x3", limits); }),
            "threads must be at least 0 but is -2");
}

// === overlaps ===

TEST(Overlap, OfTheOutputWithX) {
  Call call("1x4x6x5,3x4x3x3");
  Tensor<float> memory({200});
  const TensorView<const float> x(memory.data(), {1, 4, 6, 5});  // 120 elements
  const std::string expected = "the output (1x3x4x3) overlaps x (1x4x6x5) in memory";
  for (const int offset : {0, 1, 119}) {
    EXPECT_EQ(refusal(call,
                      [&] {
                        call.run(x, {memory.data() + offset, {1, 3, 4, 3}});
                      }),
              expected);
  }
  EXPECT_TRUE(test::same_bytes(memory, Tensor<float>({200})));
  EXPECT_NO_THROW(call.run(x, {memory.data() + 120, {1, 3, 4, 3}})) << "right behind it";
}

TEST(Overlap, OfTheOutputWithWeights) {
  Call call("1x4x6x5,3x4x3x3,bias", false);
  Tensor<float> memory({200});
  const TensorView<const float> kernel(memory.data(), {3, 4, 3, 3});  // 108 elements
  const TensorView<const float> bias(memory.data() + 150, {3});
  const auto run = [&](int offset) {
    call.made.run<float>(call.operands.x, kernel, bias, {memory.data() + offset, {1, 3, 4, 3}});
  };
  EXPECT_EQ(refusal(call, [&] { run(107); }),
            "the output (1x3x4x3) overlaps weight (3x4x3x3) in memory");
  EXPECT_EQ(refusal(call, [&] { run(120); }), "the output (1x3x4x3) overlaps bias (3) in memory");
  EXPECT_TRUE(test::same_bytes(memory, Tensor<float>({200})));
  EXPECT_NO_THROW(run(110)) << "between the two";
}

TEST(Overlap, OfTheOutputWithTheResidual) {
  Call call("1x4x6x5,3x4x3x3,res");
  call.options.residual = call.y;
  EXPECT_EQ(refusal(call, [&] { call.run(); }),
            "the output (1x3x4x3) overlaps the residual (1x3x4x3) in memory");
}

TEST(Overlap, OfTheOutputWithItself) {
  for (const char* strides : {"36_12_3_0", "36_3_3_1", "0_0_0_0"}) {
    const std::string line = std::string("1x4x6x5,3x4x3x3,ystrides=") + strides;
    const std::string text = error_of(Status::invalid_argument, [&] { plan(line); });
    EXPECT_NE(text.find("y strides " + std::string(strides) +
                        " over 1x3x4x3 let two elements of the output share one address"),
              std::string::npos)
        << text;
  }
}

// Concatenation over channels in one NHWC tensor: x and y interleave and share nothing.
TEST(Overlap, SlicesOfACommonParentMayInterleave) {
  static constexpr std::array kLines = {"2x5x6x7,7x5x3x3,p1", "2x5x6x7,7x5x1x1",
                                        "2x5x6x7,10x1x3x3,p1,g5", "2x5x6x7,7x5x5x5,p2",
                                        "2x5x6x7,7x5x1x7,p0x3"};
  for (const AlgorithmInfo& algorithm : algorithms()) {
    Problem p = test::problem_for(algorithm.name, kLines);
    const Plan dense = plan(p, test::only(algorithm.name));
    const Operands<float> operands(p);
    Tensor<float> expected(p.y_shape());
    dense.run(operands.x, dense.pack(operands.kernel), expected);

    const std::int64_t channels = p.c_i + p.c_o;
    const Dims strides{p.h * p.w * channels, 1, p.w * channels, channels};
    p.x_strides = p.y_strides = strides;
    const Plan made = plan(p, test::only(algorithm.name));
    Tensor<float> parent = poisoned<float>({p.n, p.h, p.w, channels});
    const TensorView<float> x(parent.data(), p.x_shape(), strides);
    for (std::int64_t n = 0; n < p.n; ++n) {
      for (std::int64_t c = 0; c < p.c_i; ++c) {
        for (std::int64_t i = 0; i < p.h; ++i) {
          for (std::int64_t j = 0; j < p.w; ++j) x(n, c, i, j) = operands.x(n, c, i, j);
        }
      }
    }
    const Packed packed = made.pack(operands.kernel);
    const TensorView<float> y(parent.data() + p.c_i, p.y_shape(), strides);
    made.run<float>(x, packed, y);
    EXPECT_TRUE(test::same_bytes(dense_copy(y), expected)) << algorithm.name;
    EXPECT_TRUE(test::same_bytes(dense_copy(x), operands.x)) << algorithm.name;
    const TensorView<float> one_less(parent.data() + p.c_i - 1, p.y_shape(), strides);
    EXPECT_EQ(error_of(Status::invalid_argument, [&] { made.run<float>(x, packed, one_less); }),
              "the output (" + to_string(p.y_shape()) + ") overlaps x (" + to_string(p.x_shape()) +
                  ") in memory");
  }
}

}  // namespace
}  // namespace plait
