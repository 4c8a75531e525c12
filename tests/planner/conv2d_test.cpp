// conv2d against a loop of its own over the definition: every option, any strides.
#include <plait/conv2d.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "analysis/verify/guarded.hpp"
#include "support/calls.hpp"

namespace plait {
namespace {

// A view with gaps, steps and turned axes in memory of its own.
template <class T>
struct Strided {
  std::vector<T> memory;
  TensorView<const T> view;
};

template <class T>
Strided<T> random_strided(const Dims& shape, bool dense, Random& random) {
  Dims parent = shape;
  const std::int64_t step = dense ? 1 : random.between(1, 3);
  for (int axis = 0; axis < shape.rank() && !dense; ++axis) parent[axis] += random.between(0, 2);
  Strided<T> strided;
  strided.memory.resize(static_cast<std::size_t>(element_count(parent) * step));
  for (T& value : strided.memory) value = static_cast<T>(random.normal());
  Dims strides = dense_strides(parent);
  std::int64_t origin = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    strides[axis] *= step;
    if (dense || random.chance(0.7)) continue;
    origin += (shape[axis] - 1) * strides[axis];
    strides[axis] = -strides[axis];
  }
  strided.view = {strided.memory.data() + origin, shape, strides};
  return strided;
}

// === the definition ===

// The input position that stands for position p of the padded axis; -1 for the fill value.
std::int64_t folded(PaddingMode mode, std::int64_t p, std::int64_t size) {
  while (p < 0 || p >= size) {
    switch (mode) {
      case PaddingMode::zeros:
      case PaddingMode::constant:
        return -1;
      case PaddingMode::replicate:
        p += p < 0 ? 1 : -1;
        break;
      case PaddingMode::circular:
        p += p < 0 ? size : -size;
        break;
      case PaddingMode::reflect:
        p = p < 0 ? -p : 2 * (size - 1) - p;
        break;
      case PaddingMode::symmetric:
        p = p < 0 ? -p - 1 : 2 * size - p - 1;
        break;
    }
  }
  return p;
}

double activated(const Activation& activation, double v) {
  switch (activation.kind) {
    case ActivationKind::none:
      return v;
    case ActivationKind::relu:
      return std::max(v, 0.0);
    case ActivationKind::relu6:
      return std::clamp(v, 0.0, 6.0);
    case ActivationKind::leaky:
      return v > 0 ? v : activation.slope * v;
    case ActivationKind::hswish:
      return v * std::clamp(v / 6 + 0.5, 0.0, 1.0);
    case ActivationKind::silu:
      return v / (1 + std::exp(-v));
    case ActivationKind::sigmoid:
      return 1 / (1 + std::exp(-v));
    case ActivationKind::tanh:
      return 1 - 2 / (std::exp(2 * v) + 1);
  }
  return v;
}

// The element of a tensor of rank 3 or 4, whatever the layout.
template <class T>
double at(TensorView<const T> view, Layout layout, std::int64_t n, std::int64_t c, std::int64_t i,
          std::int64_t j) {
  const bool nchw = layout == Layout::nchw;
  if (view.rank() == 3) return static_cast<double>(nchw ? view(c, i, j) : view(i, j, c));
  return static_cast<double>(nchw ? view(n, c, i, j) : view(n, i, j, c));
}

struct Sizes {
  std::int64_t n, c_i, h, w, c_o, k_h, k_w;
};

struct Sum {
  double value = 0;      // before the activation
  double magnitude = 0;  // of all terms
  void add(double term) {
    value += term;
    magnitude += std::abs(term);
  }
};

template <class T>
Sum defined(const Sizes& s, TensorView<const T> x, TensorView<const T> kernel,
            const Conv2dOptions<T>& o, std::int64_t n, std::int64_t m, std::int64_t i,
            std::int64_t j) {
  Sum sum;
  for (std::int64_t c = 0; c < s.c_i / o.groups; ++c) {
    const std::int64_t channel = m / (s.c_o / o.groups) * (s.c_i / o.groups) + c;
    for (std::int64_t u = 0; u < s.k_h; ++u) {
      for (std::int64_t v = 0; v < s.k_w; ++v) {
        const std::int64_t row =
            folded(o.padding_mode, i * o.stride.h + u * o.dilation.h - o.padding.top, s.h);
        const std::int64_t col =
            folded(o.padding_mode, j * o.stride.w + v * o.dilation.w - o.padding.left, s.w);
        const double value =
            row < 0 || col < 0 ? o.padding_value : at(x, o.layout, n, channel, row, col);
        sum.add(value * static_cast<double>(kernel(m, c, u, v)));
      }
    }
  }
  if (o.bias.data() != nullptr) sum.add(static_cast<double>(o.bias(m)));
  if (o.residual.data() != nullptr) sum.add(at(o.residual, o.layout, n, m, i, j));
  return sum;
}

// === random calls ===

template <class T>
struct Call {
  Sizes sizes{};
  Dims y_shape;  // in the axis order of the layout
  std::int64_t h_o = 0, w_o = 0;
  Strided<T> x, kernel, bias, residual;
  Conv2dOptions<T> options;
};

Dims in_layout(Layout layout, int rank, const Dims& nchw) {
  Dims shape;
  if (rank == 4) shape.push_back(nchw[0]);
  if (layout == Layout::nchw) shape.push_back(nchw[1]);
  shape.push_back(nchw[2]);
  shape.push_back(nchw[3]);
  if (layout == Layout::nhwc) shape.push_back(nchw[1]);
  return shape;
}

// What is drawn: anything, or what fast algorithms take (a few options, 1x1 kernels among them).
enum class Draw { anything, plain, pointwise };

// Reflection and wrapping need pads smaller than the axes (>= 4).
template <class T>
void draw_options(Conv2dOptions<T>& o, Draw draw, Random& random) {
  static constexpr PaddingMode kModes[] = {
      PaddingMode::zeros,    PaddingMode::zeros,    PaddingMode::reflect,  PaddingMode::replicate,
      PaddingMode::circular, PaddingMode::constant, PaddingMode::symmetric};
  if (random.chance(0.7)) o.stride = {random.between(1, 3), random.between(1, 3)};
  o.dilation = {random.between(1, 2), random.between(1, 2)};
  o.groups = random.between(1, 3);
  if (random.chance(0.4)) o.layout = Layout::nhwc;
  if (random.chance(0.3)) o.activation.kind = ActivationKind::relu;
  if (draw == Draw::pointwise) return;
  if (random.chance(0.7)) {
    o.padding = {random.between(0, 3), random.between(0, 3), random.between(0, 3),
                 random.between(0, 3)};
  }
  if (draw == Draw::plain) return;
  o.padding_mode = random.pick(kModes);
  if (o.padding_mode == PaddingMode::constant) o.padding_value = 0.75;
  o.activation.kind = static_cast<ActivationKind>(random.between(0, 7));
  if (o.activation.kind == ActivationKind::leaky) o.activation.slope = 0.1;
}

// Enough rows and columns for whole register tiles.
template <class T>
void draw_sizes(Call<T>& call, Draw draw, Random& random) {
  const Conv2dOptions<T>& o = call.options;
  const std::int64_t most_taps = draw == Draw::pointwise ? 1 : 4;
  Sizes& s = call.sizes;
  s = {random.between(1, 3),        o.groups * random.between(1, 5),  random.between(4, 11),
       random.between(4, 40),       o.groups * random.between(1, 17), random.between(1, most_taps),
       random.between(1, most_taps)};
  s.h = std::max(s.h, o.dilation.h * (s.k_h - 1) + 1);
  s.w = std::max(s.w, o.dilation.w * (s.k_w - 1) + 1);
  call.h_o =
      (s.h + o.padding.top + o.padding.bottom - o.dilation.h * (s.k_h - 1) - 1) / o.stride.h + 1;
  call.w_o =
      (s.w + o.padding.left + o.padding.right - o.dilation.w * (s.k_w - 1) - 1) / o.stride.w + 1;
}

template <class T>
Call<T> random_call(Random& random) {
  static constexpr Draw kDraws[] = {Draw::anything, Draw::anything, Draw::plain, Draw::pointwise};
  const Draw draw = random.pick(kDraws);
  Call<T> call;
  Conv2dOptions<T>& o = call.options;
  draw_options(o, draw, random);
  draw_sizes(call, draw, random);
  Sizes& s = call.sizes;
  const int rank = random.chance(0.3) ? 3 : 4;
  if (rank == 3) s.n = 1;
  call.y_shape = in_layout(o.layout, rank, {s.n, s.c_o, call.h_o, call.w_o});
  call.x = random_strided<T>(in_layout(o.layout, rank, {s.n, s.c_i, s.h, s.w}), random.chance(0.5),
                             random);
  call.kernel =
      random_strided<T>({s.c_o, s.c_i / o.groups, s.k_h, s.k_w}, random.chance(0.5), random);
  if (random.chance(0.5)) {
    call.bias = random_strided<T>({s.c_o}, random.chance(0.5), random);
    o.bias = call.bias.view;
  }
  if (draw == Draw::anything && random.chance(0.5)) {
    call.residual = random_strided<T>(call.y_shape, random.chance(0.5), random);
    o.residual = call.residual.view;
  }
  return call;
}

template <class T>
void expect_defined(const Call<T>& call, TensorView<const T> y) {
  const Sizes& s = call.sizes;
  const double relative = std::is_same_v<T, float> ? 1e-5 : 1e-14;
  ASSERT_EQ(y.shape(), call.y_shape);
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t m = 0; m < s.c_o; ++m) {
      for (std::int64_t i = 0; i < call.h_o; ++i) {
        for (std::int64_t j = 0; j < call.w_o; ++j) {
          const Sum sum = defined(s, call.x.view, call.kernel.view, call.options, n, m, i, j);
          ASSERT_NEAR(at(y, call.options.layout, n, m, i, j),
                      activated(call.options.activation, sum.value),
                      relative * (sum.magnitude + 0.1))
              << "at " << n << ", " << m << ", " << i << ", " << j;
        }
      }
    }
  }
}

template <class T>
std::string text_of(const Call<T>& call) {
  const Conv2dOptions<T>& o = call.options;
  return "x " + to_string(call.x.view.shape()) + " K " + to_string(call.kernel.view.shape()) +
         " groups " + std::to_string(o.groups) + " mode " + std::string(name_of(o.padding_mode)) +
         " act " + std::string(name_of(o.activation.kind)) + " " + std::string(name_of(o.layout));
}

template <class T>
class Conv2d : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Conv2d, Types);

TYPED_TEST(Conv2d, IsTheDefinitionForRandomOptions) {
  Random random(2022);
  for (int round = 0; round < 400; ++round) {
    const Call<TypeParam> call = random_call<TypeParam>(random);
    SCOPED_TRACE("round " + std::to_string(round) + ": " + text_of(call));
    const Tensor<TypeParam> y = conv2d<TypeParam>(call.x.view, call.kernel.view, call.options);
    expect_defined<TypeParam>(call, y);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TYPED_TEST(Conv2d, IntoAStridedOutputLeavesTheGapsAlone) {
  Random random(2023);
  for (int round = 0; round < 200; ++round) {
    const Call<TypeParam> call = random_call<TypeParam>(random);
    SCOPED_TRACE("round " + std::to_string(round) + ": " + text_of(call));
    const Dims strides =
        random_strided<TypeParam>(call.y_shape, random.chance(0.2), random).view.strides();
    // GuardedTensor has four axes.
    Dims shape4 = call.y_shape;
    Dims strides4 = strides;
    if (shape4.rank() == 3) {
      shape4 = {1, shape4[0], shape4[1], shape4[2]};
      strides4 = {1, strides[0], strides[1], strides[2]};
    }
    const GuardedTensor<TypeParam> y(
        shape4, strides4,
        random.chance(0.5) ? GuardedBytes::Side::behind : GuardedBytes::Side::before);
    const TensorView<TypeParam> view(y.view().data(), call.y_shape, strides);
    conv2d_into<TypeParam>(view, call.x.view, call.kernel.view, call.options);
    expect_defined<TypeParam>(call, view);
    EXPECT_TRUE(y.gaps_untouched());
    if (testing::Test::HasFailure()) return;
  }
}

TYPED_TEST(Conv2d, EveryAlgorithmThatTakesThemGivesTheSame) {
  Random random(2024);
  std::vector<std::string> ran;
  for (int round = 0; round < 100; ++round) {
    Call<TypeParam> call = random_call<TypeParam>(random);
    for (const AlgorithmInfo& info : algorithms()) {
      call.options.algorithm = info.name;
      SCOPED_TRACE("round " + std::to_string(round) + ": " + text_of(call) + " " + info.name);
      try {
        expect_defined<TypeParam>(
            call, conv2d<TypeParam>(call.x.view, call.kernel.view, call.options).view());
        ran.push_back(info.name);
      } catch (const Error& error) {
        ASSERT_EQ(error.status(), Status::unsupported) << error.what();
      }
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(std::count(ran.begin(), ran.end(), "reference"), 100);
  if (std::is_same_v<TypeParam, float>) {
    EXPECT_GT(std::count(ran.begin(), ran.end(), "im2col"), 30);
    EXPECT_GT(std::count(ran.begin(), ran.end(), "pointwise"), 15);
  }
}

TYPED_TEST(Conv2d, CapsAndThreadsDoNotShow) {
  Random random(2025);
  int compared = 0;
  for (int round = 0; round < 50; ++round) {
    Call<TypeParam> call = random_call<TypeParam>(random);
    const auto run = [&] { return conv2d<TypeParam>(call.x.view, call.kernel.view, call.options); };
    for (const AlgorithmInfo& info : algorithms()) {
      call.options.algorithm = info.name;
      call.options.max_workspace_bytes = kNoWorkspaceCap;
      call.options.threads = 1;
      try {
        const Tensor<TypeParam> y = run();
        call.options.threads = 3;
        EXPECT_TRUE(test::same_bytes(run(), y)) << text_of(call) << " by " << info.name;
        call.options.max_workspace_bytes = 0;  // not all can do without
        EXPECT_TRUE(test::same_bytes(run(), y)) << text_of(call) << " by " << info.name;
        ++compared;
      } catch (const Error& error) {
        ASSERT_EQ(error.status(), Status::unsupported) << error.what();
      }
    }
  }
  EXPECT_GE(compared, 50);
}

// A stride of 0 repeats an input; only outputs must not share memory with themselves.
TEST(Conv2dViews, ABatchMayRepeatOneImage) {
  Random random(5);
  Tensor<float> image({3, 6, 7});
  Tensor<float> kernel({4, 3, 3, 3});
  fill_relu_like(image, random);
  fill_he(kernel, 27, random);
  const TensorView<const float> repeated(image.data(), {2, 3, 6, 7}, {0, 42, 7, 1});
  const Tensor<float> once = conv2d(image, kernel);
  const Tensor<float> twice = conv2d<float>(repeated, kernel);
  for (std::int64_t i = 0; i < twice.size(); ++i) {
    ASSERT_EQ(twice.begin()[i], once.begin()[i % once.size()]);
  }
}

TEST(Conv2dWeights, ChangedInPlaceChangeTheResult) {
  Random random(6);
  Tensor<float> x({1, 8, 12, 12});
  Tensor<float> kernel({16, 8, 3, 3});
  Tensor<float> bias({16});
  fill_relu_like(x, random);
  fill_he(kernel, 72, random);
  const Tensor<float> before = conv2d(x, kernel, {.bias = bias});
  for (float& weight : kernel) weight *= 2;
  const Tensor<float> doubled = conv2d(x, kernel, {.bias = bias});
  for (std::int64_t i = 0; i < before.size(); ++i) {
    ASSERT_EQ(doubled.begin()[i], 2 * before.begin()[i]);
  }
  for (float& value : bias) value = 1;
  const Tensor<float> shifted = conv2d(x, kernel, {.bias = bias});
  for (std::int64_t i = 0; i < before.size(); ++i) {
    ASSERT_NEAR(shifted.begin()[i], doubled.begin()[i] + 1, 1e-5);
  }
}

}  // namespace
}  // namespace plait
