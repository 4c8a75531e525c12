// Chains of layers against single convolutions, with channels picked and placed by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include <plait/plait.hpp>
#include <plait/rewrite.hpp>

#include "core/random.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

template <class T>
Tensor<T> random_tensor(const Dims& shape, std::uint64_t seed) {
  Random random(seed);
  Tensor<T> tensor(shape);
  for (T& value : tensor) value = static_cast<T>(random.normal());
  return tensor;
}

template <class T>
Tensor<T> run_one(const ConvLayer<T>& layer, const Tensor<T>& x) {
  return conv2d<T>(x, layer.kernel,
                   {.stride = layer.stride,
                    .padding = layer.padding,
                    .dilation = layer.dilation,
                    .groups = layer.groups,
                    .bias = layer.bias.size() != 0 ? layer.bias.view() : TensorView<const T>{}});
}

template <class T>
class LayersOf : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(LayersOf, Types);

TYPED_TEST(LayersOf, RunOneAfterTheOther) {
  using T = TypeParam;
  const Layers<T> layers = {
      ConvLayer<T>{.kernel = random_tensor<T>({6, 2, 3, 2}, 1),
                   .bias = random_tensor<T>({6}, 2),
                   .stride = {2, 1},
                   .padding = {1, 0, 2, 1},
                   .groups = 2},
      ConvLayer<T>{.kernel = random_tensor<T>({3, 6, 2, 2}, 3), .dilation = {1, 2}}};
  const Tensor<T> x = random_tensor<T>({2, 4, 9, 8}, 4);
  const Tensor<T> y = run_layers(layers, TensorView<const T>(x.view()));
  EXPECT_TRUE(same_bytes(y, run_one(layers[1], run_one(layers[0], x))));
  EXPECT_EQ(output_shape(layers, x.shape()), y.shape());
}

// Runs the tasks on the calling thread, last one first.
class BackwardsExecutor final : public Executor {
 public:
  void run(int count, TaskRef task) override {
    ++calls;
    for (int index = count - 1; index >= 0; --index) task(index);
  }
  int calls = 0;
};

// Channels of x, n x c x h x w, one after the other.
template <class T>
Tensor<T> picked_from(const Tensor<T>& x, const std::vector<std::int64_t>& channels) {
  const std::int64_t plane = x.size(2) * x.size(3);
  Tensor<T> picked({x.size(0), static_cast<std::int64_t>(channels.size()), x.size(2), x.size(3)});
  T* to = picked.data();
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    for (const std::int64_t c : channels) {
      to = std::copy_n(x.data() + (n * x.size(1) + c) * plane, plane, to);
    }
  }
  return picked;
}

TYPED_TEST(LayersOf, PickAndPlaceChannels) {
  using T = TypeParam;
  const ConvLayer<T> plain = {.kernel = random_tensor<T>({2, 3, 3, 3}, 1), .padding = 1};
  ConvLayer<T> placed = plain;
  placed.reads = {4, 0, 3};
  placed.writes = {3, 1};
  placed.y_channels = 5;
  for (const auto& [h, w] : {std::pair{6, 4}, std::pair{97, 131}}) {  // copied by one task, by some
    const Tensor<T> x = random_tensor<T>({2, 5, h, w}, 2);
    const Tensor<T> expected = run_one(plain, picked_from(x, placed.reads));
    const Tensor<T> y = run_layers<T>({placed}, x, {.threads = 3});
    ASSERT_EQ(y.shape(), (Dims{2, 5, h, w}));
    EXPECT_TRUE(same_bytes(picked_from(y, placed.writes), expected));
    BackwardsExecutor executor;
    const RunLayersOptions by_the_caller = {.threads = 3, .executor = &executor};
    EXPECT_TRUE(same_bytes(run_layers<T>({placed}, x, by_the_caller), y));
    const int runs = std::is_same_v<T, double> ? 0 : 1;  // the reference's are not handed out
    EXPECT_EQ(executor.calls, 2 + runs) << "channels picked, the layer run, channels placed";
    const Tensor<T> others = picked_from(y, {0, 2, 4});
    EXPECT_TRUE(std::all_of(others.begin(), others.end(), [](T value) { return value == 0; }));
  }
}

TYPED_TEST(LayersOf, ReadAnyStridesAndNoLayersAreX) {
  using T = TypeParam;
  const Tensor<T> memory = random_tensor<T>({1, 6, 5, 3}, 1);  // n x h x w x c
  const TensorView<const T> x(memory.data(), {1, 3, 6, 5}, {90, 1, 15, 3});
  const Layers<T> layers = {ConvLayer<T>{.kernel = random_tensor<T>({2, 3, 3, 3}, 2)}};
  EXPECT_TRUE(same_bytes(run_layers(layers, x), run_one(layers[0], dense_copy(x))));
  EXPECT_TRUE(same_bytes(run_layers<T>({}, x), dense_copy(x)));
}

TEST(Layers, CountTheirProducts) {
  const Layers<float> layers = {
      ConvLayer<float>{.kernel = random_tensor<float>({8, 3, 3, 3}, 1), .stride = 2, .padding = 1},
      ConvLayer<float>{
          .kernel = random_tensor<float>({4, 8, 1, 3}, 2), .stride = {2, 1}, .padding = {0, 1}},
  };
  // A position of y takes two rows of the first layer's output.
  EXPECT_EQ(multiplications_per_position(layers), 8 * 3 * 9 * 2 + 4 * 8 * 3);
  const auto costs = compare_layers<float>({layers, {layers[0]}}, {2, 3, 16, 16});
  ASSERT_EQ(costs.size(), 2U);
  EXPECT_EQ(costs[0].multiplications, 2 * 8 * 8 * 8 * 27 + 2 * 4 * 4 * 8 * 24);
  EXPECT_EQ(costs[1].multiplications, 2 * 8 * 8 * 8 * 27);
  EXPECT_GT(costs[0].predicted_seconds, costs[1].predicted_seconds);
  EXPECT_EQ(costs[0].measured_seconds, 0);
}

TEST(Layers, AreTimedWhenAsked) {
  const Layers<float> layers = {ConvLayer<float>{.kernel = random_tensor<float>({4, 4, 1, 1}, 1)}};
  for (const LayersCost& cost :
       compare_layers<float>({layers, layers}, {1, 4, 64, 64}, {.measure_seconds = 0.01})) {
    EXPECT_GT(cost.measured_seconds, 0);
  }
}

TEST(Layers, StopWhenCancelled) {
  const std::atomic<bool> cancelled = true;
  const Layers<float> layers = {ConvLayer<float>{.kernel = random_tensor<float>({1, 1, 3, 3}, 1)}};
  const Tensor<float> x({1, 1, 8, 8});
  error_of(Status::cancelled, [&] { run_layers<float>(layers, x, {.cancel = &cancelled}); });
  error_of(Status::cancelled, [&] {
    compare_layers<float>({layers}, x.shape(), {.measure_seconds = 1, .cancel = &cancelled});
  });
}

void expect_refused(const ConvLayer<float>& layer, const Dims& x_shape, const char* message) {
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { output_shape<float>({layer}, x_shape); }),
            message);
}

TEST(Layers, RefuseWhatDoesNotFit) {
  const ConvLayer<float> layer = {.kernel = Tensor<float>({2, 3, 3, 3})};
  expect_refused(layer, {3, 8, 8}, "x must be n x c x h x w but is 3x8x8");
  expect_refused(layer, {1, 4, 8, 8},
                 "a layer of kernel 2x3x3x3 in 1 groups reads 3 channels but x is 1x4x8x8");
  expect_refused({.kernel = Tensor<float>({2, 3})}, {1, 3, 8, 8},
                 "a layer's kernel must be c_o x c_i/groups x k_h x k_w but is 2x3");
  ConvLayer<float> wrong = layer;
  wrong.groups = 0;
  expect_refused(wrong, {1, 3, 8, 8}, "groups must be at least 1 but is 0");
  wrong = layer;
  wrong.bias = Tensor<float>({3});
  expect_refused(wrong, {1, 3, 8, 8}, "bias must have one value per output channel (2) but is 3");
  wrong = layer;
  wrong.reads = {0, 1};
  expect_refused(wrong, {1, 3, 8, 8}, "reads must list the layer's 3 channels but has 2");
  wrong.reads = {0, 1, 5};
  expect_refused(wrong, {1, 5, 8, 8}, "reads has channel 5 but x has 5");
  wrong = layer;
  wrong.writes = {0, 1};
  wrong.y_channels = 1;
  expect_refused(wrong, {1, 3, 8, 8}, "writes has channel 1 but y has 1");
  wrong.writes = {1, 1};
  wrong.y_channels = 2;
  expect_refused(wrong, {1, 3, 8, 8}, "writes has channel 1 twice");
}

}  // namespace
}  // namespace plait::test
