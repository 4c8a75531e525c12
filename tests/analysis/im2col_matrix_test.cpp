// The patches matrix: W X'^T is the layer, whatever its geometry, and wrong calls say why.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "core/random.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

template <class T>
std::vector<T> values_of(const Tensor<T>& tensor) {
  return {tensor.begin(), tensor.end()};
}

template <class T>
Tensor<T> normal(const Dims& shape, Random& random) {
  Tensor<T> tensor(shape);
  for (T& value : tensor) value = static_cast<T>(random.normal());
  return tensor;
}

// === what the matrix is ===

TEST(Im2colMatrix, OfAHandWrittenExample) {
  const Tensor<float> x({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor<float> matrix = im2col(x, {.kernel = 2});
  EXPECT_EQ(matrix.shape(), (Dims{2, 4}));
  EXPECT_EQ(values_of(matrix), (std::vector<float>{1, 2, 4, 5, 2, 3, 5, 6}));
}

TEST(Im2colMatrix, OfTwoChannelsWithEverySortOfGeometry) {
  const Tensor<double> x({2, 2, 3}, {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6});
  // k_h x k_w = 2x1; padded rows are 0, x0, x1; a stride of 2 along w takes columns 0 and 2.
  const Im2colOptions options{.kernel = {2, 1}, .stride = {1, 2}, .padding = {1, 0, 0, 0}};
  const Tensor<double> matrix = im2col(x, options);
  EXPECT_EQ(matrix.shape(), (Dims{4, 4}));
  EXPECT_EQ(values_of(matrix), (std::vector<double>{0, 1, 0, -1,   //
                                                    0, 3, 0, -3,   //
                                                    1, 4, -1, -4,  //
                                                    3, 6, -3, -6}));
  const Im2colOptions dilated{.kernel = {1, 2}, .padding = {0, 1}, .dilation = {1, 3}};
  EXPECT_EQ(values_of(im2col(x, dilated)),
            (std::vector<double>{0, 3, 0, -3, 1, 0, -1, 0, 0, 6, 0, -6, 4, 0, -4, 0}));
}

TEST(Im2colMatrix, OfAnImageInEveryPaddingMode) {
  const Tensor<float> x({1, 1, 3}, {1, 2, 3});
  Im2colOptions options{.kernel = {1, 1}, .padding = {0, 0, 2, 1}};
  const auto row = [&](PaddingMode mode, double value = 0) {
    options.padding_mode = mode;
    options.padding_value = value;
    return values_of(im2col(x, options));
  };
  EXPECT_EQ(row(PaddingMode::zeros), (std::vector<float>{0, 0, 1, 2, 3, 0}));
  EXPECT_EQ(row(PaddingMode::reflect), (std::vector<float>{3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(row(PaddingMode::symmetric), (std::vector<float>{2, 1, 1, 2, 3, 3}));
  EXPECT_EQ(row(PaddingMode::replicate), (std::vector<float>{1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(row(PaddingMode::circular), (std::vector<float>{2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(row(PaddingMode::constant, 7), (std::vector<float>{7, 7, 1, 2, 3, 7}));
}

TEST(Im2colMatrix, OfAPointwiseLayerIsTheTransposeOfTheChannels) {
  Random random(1);
  const auto x = normal<float>({3, 4, 5}, random);
  const Tensor<float> matrix = im2col(x, {});
  ASSERT_EQ(matrix.shape(), (Dims{20, 3}));
  const TensorView<const float> pixels_by_channels(x.data(), {20, 3}, {1, 20});
  EXPECT_TRUE(same_bytes(matrix, dense_copy(pixels_by_channels)));
}

TEST(Im2colMatrix, OfABatchIsThatOfEachImage) {
  Random random(2);
  const auto x = normal<double>({3, 2, 5, 4}, random);
  const Im2colOptions options{.kernel = 3, .stride = 2, .padding = 1};
  const Tensor<double> matrices = im2col(x, options);
  ASSERT_EQ(matrices.shape(), (Dims{3, 6, 18}));
  for (std::int64_t n = 0; n < 3; ++n) {
    const Tensor<double> matrix =
        im2col<double>(TensorView<const double>(&x(n, 0, 0, 0), {2, 5, 4}), options);
    ASSERT_EQ(matrix.shape(), (Dims{6, 18}));
    EXPECT_TRUE(std::equal(matrix.begin(), matrix.end(), &matrices(n, 0, 0)));
  }
}

TEST(Im2colMatrix, ReadsAnyStrides) {
  Random random(3);
  const auto memory = normal<float>({2, 9, 8, 6}, random);  // h x w x c behind n, and gaps
  const Im2colOptions options{.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 2}};
  for (const auto& view :
       {TensorView<const float>(memory.data(), {2, 6, 9, 8}, {432, 1, 48, 6}),
        TensorView<const float>(memory.data() + 431, {2, 6, 9, 8}, {432, -1, -48, -6}),
        TensorView<const float>(memory.data(), {2, 3, 9, 4}, {432, 2, 48, 12}),
        TensorView<const float>(memory.data(), {2, 3, 4, 5}, {0, 0, 0, 0}),
        TensorView<const float>(memory.data(), {1, 1, 5, 5}, {kMax, kMax, 5, 1})}) {
    EXPECT_TRUE(same_bytes(im2col(view, options), im2col(dense_copy(view), options)))
        << to_string(view.shape());
  }
}

TEST(Im2colMatrix, KeepsNanAndInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor<float> x({1, 1, 2}, {std::numeric_limits<float>::quiet_NaN(), -infinity});
  const Tensor<float> matrix = im2col(x, {.kernel = {1, 2}});
  EXPECT_TRUE(std::isnan(matrix(0, 0)));
  EXPECT_EQ(matrix(0, 1), -infinity);
}

// === W X'^T is the layer ===

struct Layer {
  Im2colOptions options;
  Dims x_shape, kernel_shape;
  std::int64_t groups = 1;
};

Layer random_layer(Random& random) {
  const std::vector<std::int64_t> taps = {1, 1, 2, 3, 3, 5};
  const std::vector<PaddingMode> modes = {
      PaddingMode::zeros,     PaddingMode::zeros,    PaddingMode::zeros,    PaddingMode::reflect,
      PaddingMode::replicate, PaddingMode::circular, PaddingMode::constant, PaddingMode::symmetric};
  Layer layer;
  Im2colOptions& o = layer.options;
  o.kernel = {random.pick(taps), random.pick(taps)};
  o.stride = {random.between(1, 3), random.between(1, 3)};
  o.dilation = {random.between(1, 2), random.between(1, 3)};
  o.padding = {random.between(0, 3), random.between(0, 3), random.between(0, 3),
               random.between(0, 3)};
  o.padding_mode = random.pick(modes);
  if (o.padding_mode == PaddingMode::constant) o.padding_value = random.normal();
  layer.groups = random.between(1, 3);
  // Large enough for the window without padding, and for what reflect and circular reach.
  const std::int64_t spare = o.padding_mode == PaddingMode::zeros ? 0 : 4;
  const std::int64_t c = random.between(1, 4);
  layer.x_shape = {random.between(1, 2), layer.groups * c,
                   o.dilation.h * (o.kernel.h - 1) + 1 + spare + random.between(0, 6),
                   o.dilation.w * (o.kernel.w - 1) + 1 + spare + random.between(0, 6)};
  layer.kernel_shape = {layer.groups * random.between(1, 3), c, o.kernel.h, o.kernel.w};
  return layer;
}

std::string to_string(const Layer& layer) {
  const Im2colOptions& o = layer.options;
  std::ostringstream text;
  text << "x " << plait::to_string(layer.x_shape) << " K " << plait::to_string(layer.kernel_shape)
       << " stride " << o.stride.h << "x" << o.stride.w << " dilation " << o.dilation.h << "x"
       << o.dilation.w << " padding " << o.padding.top << "_" << o.padding.bottom << "_"
       << o.padding.left << "_" << o.padding.right << " " << name_of(o.padding_mode) << " groups "
       << layer.groups;
  return text.str();
}

// Group by group, with the columns of its channels.
template <class T>
Tensor<T> multiply(const Layer& layer, const Tensor<T>& kernel, const Tensor<T>& matrix,
                   const Dims& y_shape) {
  Tensor<T> y(y_shape);
  const std::int64_t pixels = matrix.size(1);
  const std::int64_t depth = matrix.size(2) / layer.groups;
  const std::int64_t c_o = kernel.size(0);
  for (std::int64_t n = 0; n < matrix.size(0); ++n) {
    for (std::int64_t o = 0; o < c_o; ++o) {
      const std::int64_t first = o / (c_o / layer.groups) * depth;
      for (std::int64_t p = 0; p < pixels; ++p) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; ++k) {
          sum += double{kernel.data()[o * depth + k]} * double{matrix(n, p, first + k)};
        }
        y.data()[(n * c_o + o) * pixels + p] = static_cast<T>(sum);
      }
    }
  }
  return y;
}

// The largest |W X'^T - layer| over `count` random layers.
template <class T>
void expect_products_are_layers(int count, double tolerance) {
  Random random(20261126);
  for (int i = 0; i < count; ++i) {
    const Layer layer = random_layer(random);
    const Im2colOptions& o = layer.options;
    const auto x = normal<T>(layer.x_shape, random);
    const auto kernel = normal<T>(layer.kernel_shape, random);
    const Tensor<T> y = conv2d(x, kernel,
                               {.stride = o.stride,
                                .padding = o.padding,
                                .dilation = o.dilation,
                                .groups = layer.groups,
                                .padding_mode = o.padding_mode,
                                .padding_value = o.padding_value,
                                .algorithm = "reference"});
    const Tensor<T> matrix = im2col(x, o);
    const Dtype dtype = sizeof(T) == 8 ? Dtype::f64 : Dtype::f32;
    ASSERT_EQ(im2col_shape(x.shape(), o, dtype), matrix.shape()) << to_string(layer);
    ASSERT_EQ(matrix.size(1), y.size(2) * y.size(3)) << to_string(layer);
    const Tensor<T> product = multiply(layer, kernel, matrix, y.shape());
    for (std::int64_t e = 0; e < y.size(); ++e) {
      ASSERT_NEAR(product.data()[e], y.data()[e], tolerance)
          << "output " << e << " of " << to_string(layer);
    }
  }
}

TEST(Im2colMatrix, TimesTheKernelIsTheLayerInF64) {
  expect_products_are_layers<double>(200, 1e-12);
}
TEST(Im2colMatrix, TimesTheKernelIsTheLayerInF32) { expect_products_are_layers<float>(200, 5e-5); }

// === errors ===

std::string error_for(const Dims& x_shape, const Im2colOptions& options) {
  const Tensor<float> x(x_shape);
  std::string message = error_of(Status::invalid_argument, [&] { im2col(x, options); });
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { im2col_shape(x_shape, options); }), message);
  return message;
}

TEST(Im2colMatrix, NamesTheShapesAndTheRuleThatIsBroken) {
  EXPECT_EQ(error_for({4, 4}, {.kernel = 2}), "x must be n x c x h x w or c x h x w but is 4x4");
  EXPECT_EQ(error_for({1, 4, 8, 8}, {.kernel = 11, .padding = 1}),
            "the 11x11 kernel is larger than the padded input 10x10 (x is 1x4x8x8, weight is "
            "1x4x11x11, padding 1_1_1_1 (top_bottom_left_right))");
  EXPECT_EQ(error_for({4, 8, 8}, {.kernel = {0, 3}}),
            "every size must be at least 1 but k_h is 0 (x is 1x4x8x8, weight is 1x4x0x3)");
  EXPECT_EQ(error_for({4, 8, 8}, {.stride = {1, 0}}), "stride must be at least 1 but is 1x0");
  EXPECT_EQ(error_for({4, 8, 8}, {.dilation = -1}), "dilation must be at least 1 but is -1x-1");
  EXPECT_EQ(error_for({4, 8, 8}, {.padding = {0, -1}}),
            "padding must not be negative but is 0_0_-1_-1 (top_bottom_left_right)");
  EXPECT_EQ(error_for({4, 8, 8}, {.padding = 8, .padding_mode = PaddingMode::reflect}),
            "reflect padding must be smaller than the axis but is 8_8_8_8 (top_bottom_left_right) "
            "around 8x8 (x is 1x4x8x8)");
  EXPECT_EQ(error_for({4, 8, 8}, {.padding_value = 1}),
            "padding_value is given but the padding mode is zeros, not constant");
}

TEST(Im2colMatrix, RefusesAMissingX) {
  const auto missing = [](const TensorView<const float>& x) {
    return error_of(Status::invalid_argument, [&] { im2col(x, {}); });
  };
  const std::string message = "x must be n x c x h x w or c x h x w but is missing";
  EXPECT_EQ(missing({}), message);
  EXPECT_EQ(missing(TensorView<const float>(nullptr, {1, 2, 2})), message);
}

TEST(Im2colMatrix, NamesTheShapeOfAMatrixThatCannotBe) {
  EXPECT_EQ(error_for({1, 1, 1}, {.kernel = 2, .padding = 1LL << 29}),
            "overflow: the patches matrix, n x (h' w') x (c k_h k_w) = 1x(1073741824x1073741824)x"
            "(1x2x2) of 4 bytes, passes 2^62 bytes (x is 1x1x1x1, kernel is 2x2)");
  EXPECT_EQ(error_for({1, 1, 1}, {.padding = 1LL << 62}).find("overflow: padding"), 0U);
  EXPECT_EQ(error_for({1, 1, 1}, {.padding = kMax}).find("overflow: padding"), 0U);
}

TEST(Im2colMatrix, CountsBytesOfItsType) {
  const std::int64_t taps = 1LL << 30;
  const Im2colOptions options{.kernel = {1, taps}, .padding = {0, taps - 2}};
  const Dims matrix{taps - 2, taps};  // 2^60 - 2^31 elements
  EXPECT_EQ(im2col_shape({1, 1, 1}, options, Dtype::f32), matrix);
  const std::string f64 = error_of(Status::invalid_argument, [&] {
    im2col_shape({1, 1, 1}, options, Dtype::f64);
  });
  EXPECT_NE(f64.find("of 8 bytes, passes 2^62 bytes"), std::string::npos) << f64;
}

TEST(Im2colMatrix, TakesTheLargestStepsThatHaveNothingToStepTo) {
  const Tensor<float> x({1, 2, 2}, {1, 2, 3, 4});
  const Im2colOptions options{.kernel = 1, .stride = kMax, .dilation = kMax};
  EXPECT_EQ(values_of(im2col(x, options)), (std::vector<float>{1}));
}

// Sanitizers end the program at such a request.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Im2colMatrix, SaysThatMemoryIsMissing) {
  const Tensor<float> x({1, 1, 1});
  const std::string message = error_of(Status::out_of_memory, [&] {
    im2col(x, {.kernel = 1, .padding = 1LL << 28});  // 2^58 elements
  });
  EXPECT_EQ(message.find("no memory for a tensor of shape"), 0U) << message;
}
#endif

TEST(Im2colMatrix, StopsWhenCancelled) {
  const Tensor<float> x({1, 4, 4});
  const std::atomic<bool> cancel = true;
  const std::string message =
      error_of(Status::cancelled, [&] { im2col(x, {.kernel = 2, .cancel = &cancel}); });
  EXPECT_EQ(message, "cancelled while the patches matrix was made");
}

}  // namespace
}  // namespace plait::test
