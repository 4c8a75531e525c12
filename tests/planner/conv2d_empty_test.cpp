// A batch of no images gives a batch of no outputs, once all that holds for images is checked.
#include <gtest/gtest.h>

#include <plait/analysis/im2col.hpp>
#include <plait/conv2d.hpp>
#include <plait/corr2d.hpp>

namespace plait {
namespace {

template <class T>
class EmptyBatch : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(EmptyBatch, Types);

TYPED_TEST(EmptyBatch, GivesAnEmptyOutput) {
  using T = TypeParam;
  const Tensor<T> x({0, 2, 5, 6});
  const Tensor<T> kernel({4, 2, 3, 3});
  const Tensor<T> residual({0, 4, 3, 4});
  EXPECT_EQ(conv2d(x, kernel).shape(), (Dims{0, 4, 3, 4}));
  EXPECT_EQ(conv2d(x, kernel, {.residual = residual.view()}).shape(), (Dims{0, 4, 3, 4}));
  const Tensor<T> nhwc({0, 5, 6, 2});
  EXPECT_EQ(conv2d(nhwc, kernel, {.stride = 2, .layout = Layout::nhwc}).shape(),
            (Dims{0, 2, 2, 4}));
  Tensor<T> y({0, 4, 3, 4});
  EXPECT_NO_THROW((conv2d_into<T>(y.view(), x.view(), kernel.view())));
  EXPECT_EQ((corr2d_multi_in_out<T>(x.view(), kernel.view()).shape()), (Dims{0, 4, 3, 4}));
  EXPECT_EQ((im2col<T>(x.view(), {.kernel = 3}).shape()), (Dims{0, 12, 18}));
}

TYPED_TEST(EmptyBatch, IsCopiedInNoTimeHoweverManyRowsItHas) {
  using T = TypeParam;
  const Dims shape{std::int64_t{1} << 40, std::int64_t{1} << 20, 0};
  T none;
  EXPECT_EQ(dense_copy(TensorView<T>(&none, shape, {0, 0, 1})).shape(), shape);
}

TYPED_TEST(EmptyBatch, IsCheckedLikeAnyOther) {
  using T = TypeParam;
  const Tensor<T> x({0, 2, 5, 6});
  const auto refused = [&x](const Dims& kernel_shape, const Conv2dOptions<T>& options,
                            const Dims& y_shape) {
    const Tensor<T> kernel(kernel_shape);
    Tensor<T> y(y_shape);
    try {
      conv2d_into<T>(y.view(), x.view(), kernel.view(), options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(refused({4, 3, 3, 3}, {}, {0, 4, 3, 4}),
            "weight expects 3 input channels but x has 2 (x is 0x2x5x6, weight is 4x3x3x3)");
  EXPECT_EQ(refused({4, 2, 3, 3}, {}, {1, 4, 3, 4}),
            "y must be 0x4x3x4 but is 1x4x3x4 (x is 0x2x5x6, weight is 4x2x3x3)");
  EXPECT_EQ(refused({4, 2, 7, 3}, {}, {0, 4, 3, 4}),
            "the 7x3 kernel is larger than the padded input 5x6 (x is 1x2x5x6, weight is 4x2x7x3, "
            "padding 0_0_0_0 (top_bottom_left_right))");
  const Tensor<T> residual({1, 4, 3, 4});
  EXPECT_EQ(refused({4, 2, 3, 3}, {.residual = residual.view()}, {0, 4, 3, 4}),
            "residual must be 0x4x3x4 like the output but is 1x4x3x4");
}

}  // namespace
}  // namespace plait
