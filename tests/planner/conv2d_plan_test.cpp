// What conv2d plans: layouts read off the strides, its plan shown, and a call cancelled.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include <plait/conv2d.hpp>

#include "core/random.hpp"

namespace plait {
namespace {

Tensor<float> random_tensor(const Dims& shape, std::uint64_t seed) {
  Random random(seed);
  Tensor<float> tensor(shape);
  for (float& value : tensor) value = static_cast<float>(random.normal());
  return tensor;
}

// n x c x h x w as a view of memory that holds n x h x w x c.
TensorView<const float> as_nchw(const Tensor<float>& nhwc) {
  const Dims& s = nhwc.shape();
  const Dims strides = dense_strides(s);
  return {nhwc.data(), {s[0], s[3], s[1], s[2]}, {strides[0], strides[3], strides[1], strides[2]}};
}

TEST(Conv2dPlan, ShowsTheProblemOfACall) {
  const Tensor<float> x({2, 4, 9, 8});
  const Tensor<float> kernel({6, 2, 3, 3});
  const Tensor<float> bias({6});
  const Tensor<float> residual({2, 6, 5, 8});
  const Plan plan = conv2d_plan<float>(x, kernel,
                                       {.stride = {2, 1},
                                        .padding = 1,
                                        .groups = 2,
                                        .bias = bias,
                                        .residual = residual,
                                        .activation = {ActivationKind::relu, 0},
                                        .threads = 1});
  EXPECT_EQ(to_string(plan.problem()), "2x4x9x8,6x2x3x3,s2x1,p1,g2,bias,res,act=relu");
  EXPECT_EQ(plan.threads(), 1);
  EXPECT_GT(plan.cost().predicted_seconds, 0);
}

TEST(Conv2dPlan, ReadsNhwcOffTheStrides) {
  const Tensor<float> nhwc({2, 9, 8, 4});
  const Tensor<float> kernel({6, 4, 3, 3});
  EXPECT_EQ(to_string(conv2d_plan<float>(as_nchw(nhwc), kernel).problem()), "2x4x9x8,6x4x3x3,nhwc");
  const Tensor<float> nchw({2, 4, 9, 8});
  const TensorView<const float> as_nhwc{nchw.data(), {2, 9, 8, 4}, {288, 8, 1, 72}};
  EXPECT_EQ(to_string(conv2d_plan<float>(as_nhwc, kernel, {.layout = Layout::nhwc}).problem()),
            "2x4x9x8,6x4x3x3");
}

// One channel, or one pixel, is dense in both layouts: the caller's word stands.
TEST(Conv2dPlan, PrefersTheCallersLayoutWhereBothFit) {
  const Tensor<float> kernel({6, 1, 3, 3});
  EXPECT_EQ(to_string(conv2d_plan<float>(Tensor<float>({1, 1, 5, 5}), kernel).problem()),
            "1x1x5x5,6x1x3x3");
  EXPECT_EQ(
      to_string(conv2d_plan<float>(Tensor<float>({1, 5, 5, 1}), kernel, {.layout = Layout::nhwc})
                    .problem()),
      "1x1x5x5,6x1x3x3,nhwc");
}

TEST(Conv2dPlan, NhwcMemoryGivesTheValuesOfNchwMemory) {
  const Tensor<float> nhwc = random_tensor({2, 9, 8, 4}, 1);
  const Tensor<float> kernel = random_tensor({6, 4, 3, 3}, 2);
  const Tensor<float> nchw = dense_copy(as_nchw(nhwc));
  const Conv2dOptions<float> options{.padding = 1};
  const Tensor<float> expected = conv2d(nchw, kernel, options);
  const Tensor<float> returned = conv2d<float>(as_nchw(nhwc), kernel, options);
  ASSERT_EQ(returned.shape(), expected.shape());  // dense, whatever x was
  Tensor<float> y({2, 9, 8, 6});
  const TensorView<float> into{y.data(), {2, 6, 9, 8}, {432, 1, 48, 6}};
  conv2d_into<float>(into, as_nchw(nhwc), kernel, options);
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t c = 0; c < 6; ++c) {
      for (std::int64_t i = 0; i < 9; ++i) {
        for (std::int64_t j = 0; j < 8; ++j) {
          EXPECT_NEAR(returned(n, c, i, j), expected(n, c, i, j), 1e-5);
          EXPECT_NEAR(y(n, i, j, c), expected(n, c, i, j), 1e-5);
        }
      }
    }
  }
}

TEST(Conv2dPlan, ACancelledCallThrows) {
  const std::atomic<bool> cancel{true};
  const Tensor<float> x({1, 8, 32, 32});
  const Tensor<float> kernel({8, 8, 3, 3});
  const Tensor<float> channelwise({8, 1, 3, 3});
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (algorithm.name == "pointwise") continue;                                     // 1x1 only
    if (algorithm.name.ends_with("x5") || algorithm.name.ends_with("x7")) continue;  // not 3x3
    const bool depthwise = algorithm.name == "depthwise";
    try {
      conv2d(x, depthwise ? channelwise : kernel,
             {.groups = depthwise ? 8 : 1,
              .accuracy = Accuracy::relaxed,
              .algorithm = algorithm.name,
              .cancel = &cancel});
      ADD_FAILURE() << algorithm.name << " took no notice";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::cancelled) << error.what();
    }
  }
}

}  // namespace
}  // namespace plait
