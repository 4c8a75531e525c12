// The same layer said differently: one algorithm, one predicted time, the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <plait/analysis/accuracy.hpp>
#include <plait/plan.hpp>

#include "support/algorithms.hpp"
#include "support/machines.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

// Floats from the first element of a dense or padded tensor to its last.
std::size_t extent(const Dims& shape, const Dims& strides) {
  std::int64_t last = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) last += (shape[axis] - 1) * strides[axis];
  return static_cast<std::size_t>(last + 1);
}

// The operands of all spellings of a problem.
struct Memory {
  explicit Memory(const Problem& p)
      : x(extent(p.x_shape(), p.effective_x_strides())),
        kernel(extent(p.weight_shape(), dense_strides(p.weight_shape()))),
        bias(static_cast<std::size_t>(p.c_o)),
        residual(extent(p.y_shape(), p.effective_residual_strides())) {
    Random random(3);
    for (auto* values : {&x, &kernel, &bias, &residual}) {
      for (float& value : *values) value = static_cast<float>(random.normal());
    }
  }
  std::vector<float> x, kernel, bias, residual;
};

// With weights that `packing` packs.
std::vector<float> run(const Plan& plan, const Plan& packing, const Memory& memory) {
  const Problem& p = plan.problem();
  std::vector<float> y(extent(p.y_shape(), p.effective_y_strides()), -7);
  const TensorView<const float> bias =
      p.bias ? TensorView<const float>(memory.bias.data(), {p.c_o}) : TensorView<const float>();
  RunOptions<float> options;
  if (p.residual) {
    options.residual = {memory.residual.data(), p.y_shape(), p.effective_residual_strides()};
  }
  const Packed packed = packing.pack<float>(
      {memory.kernel.data(), p.weight_shape(), dense_strides(p.weight_shape())}, bias);
  plan.run<float>({memory.x.data(), p.x_shape(), p.effective_x_strides()}, packed,
                  {y.data(), p.y_shape(), p.effective_y_strides()}, options);
  return y;
}

std::vector<float> run(const Plan& plan, const Memory& memory) { return run(plan, plan, memory); }

ErrorReport error_of(const Plan& plan, const Memory& memory, const std::vector<float>& y) {
  const Problem& p = plan.problem();
  const Dims strides = p.effective_residual_strides();
  return measure_error<float>(
      p, plan.cost().bound(), {memory.x.data(), p.x_shape(), p.effective_x_strides()},
      {memory.kernel.data(), p.weight_shape(), dense_strides(p.weight_shape())},
      p.bias ? TensorView<const float>(memory.bias.data(), {p.c_o}) : TensorView<const float>(),
      p.residual ? TensorView<const float>(memory.residual.data(), p.y_shape(), strides)
                 : TensorView<const float>(),
      {y.data(), p.y_shape(), p.effective_y_strides()});
}

struct Spelt {
  Problem one, other;
};

void add_options(Problem& p, Random& random) {
  p.bias = random.chance(0.5);
  p.residual = random.chance(0.3);
  if (random.chance(0.3)) p.activation = {ActivationKind::hswish, 0};
}

void transpose(Problem& p) {
  std::swap(p.h, p.w);
  std::swap(p.k_h, p.k_w);
  std::swap(p.stride.h, p.stride.w);
  std::swap(p.dilation.h, p.dilation.w);
  std::swap(p.padding.top, p.padding.left);
  std::swap(p.padding.bottom, p.padding.right);
}

void set_groups(Problem& p, Random& random) {
  p.groups = random.pick(std::vector<std::int64_t>{1, 1, 2, 5});
  p.c_i = p.groups * random.between(1, 12);
  p.c_o = p.groups * random.between(1, 12);
}

Spelt row_and_column(Random& random) {
  Problem p;
  set_groups(p, random);
  p.n = random.between(1, 3);
  p.w = random.between(5, 60);
  p.k_w = random.between(1, 5);
  p.padding = Padding(0, 0, random.between(0, 2), random.between(0, 2));
  p.stride.w = random.between(1, 3);
  p.dilation.w = p.k_w <= 2 ? random.between(1, 2) : 1;
  if (random.chance(0.4)) p.x_layout = p.y_layout = Layout::nhwc;
  add_options(p, random);
  Problem column = p;
  transpose(column);
  return {p, column};
}

// n images of one pixel; one image of n pixels in rows and columns.
Spelt batch_and_pixels(Random& random) {
  Problem p;
  set_groups(p, random);
  p.n = random.between(1, 12) * random.between(1, 12);
  add_options(p, random);
  Problem pixels = p;
  std::int64_t rows = random.between(1, p.n);
  while (p.n % rows != 0) --rows;
  pixels.n = 1;
  pixels.h = rows;
  pixels.w = p.n / rows;
  pixels.x_layout = pixels.y_layout = Layout::nhwc;
  if (random.chance(0.5)) p.x_layout = p.y_layout = Layout::nhwc;
  p.stride = Pair(random.between(1, 3), random.between(1, 3));
  return {p, pixels};
}

// Images of a few pixels, and their pixels as one row of one image or of another batch.
Spelt images_and_rows(Random& random) {
  Problem p;
  set_groups(p, random);
  p.n = random.between(1, 9);
  p.h = random.between(1, 6);
  p.w = random.between(1, 6);
  add_options(p, random);
  const bool nhwc = random.chance(0.5);
  if (nhwc) p.x_layout = p.y_layout = Layout::nhwc;
  Problem rows = p;
  if (nhwc) {
    rows.h = p.n * p.h;
  } else {
    const std::int64_t pixels = p.h * p.w;
    rows.h = p.n;
    rows.w = pixels;
    rows.x_strides = Dims{1, pixels, p.c_i * pixels, 1};
    rows.y_strides = Dims{1, pixels, p.c_o * pixels, 1};
    if (p.residual) rows.residual_strides = rows.y_strides;
  }
  rows.n = 1;
  return {p, rows};
}

Spelt window_and_channels(Random& random) {
  Problem p;
  set_groups(p, random);
  if (p.groups > 1) p.c_i *= 2;  // not depthwise
  p.n = random.between(1, 9);
  p.k_h = p.h = random.between(1, 5);
  p.k_w = p.w = random.between(1, 5);
  add_options(p, random);
  Problem channels = p;
  channels.c_i = p.c_i * p.h * p.w;
  channels.h = channels.w = channels.k_h = channels.k_w = 1;
  p.stride = Pair(random.between(1, 3));
  return {p, channels};
}

Spelt layouts_of_one_channel(Random& random) {
  Problem p;
  p.n = random.between(1, 3);
  p.h = random.between(3, 20);
  p.w = random.between(3, 20);
  p.k_h = p.k_w = 3;
  p.padding = Padding(random.between(0, 1));
  p.c_o = random.chance(0.5) ? 1 : random.between(1, 9);
  add_options(p, random);
  Problem other = p;
  other.x_layout = Layout::nhwc;
  if (p.c_o == 1) other.y_layout = Layout::nhwc;
  return {p, other};
}

Spelt unread_padding(Random& random) {
  Problem p;
  set_groups(p, random);
  p.n = 2;
  p.h = 1 + 3 * random.between(1, 6);
  p.w = 1 + 3 * random.between(1, 6);
  p.stride = Pair(3);
  p.padding_mode = random.chance(0.5) ? PaddingMode::replicate : PaddingMode::zeros;
  add_options(p, random);
  Problem padded = p;
  padded.padding = Padding(0, random.between(0, 2), 0, random.between(0, 2));
  return {p, padded};
}

struct Kind {
  const char* name;
  Spelt (*make)(Random&);
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class Spellings : public testing::TestWithParam<Kind> {};

TEST_P(Spellings, HaveOnePlanAndOneSetOfBits) {
  for (const char* name : kMachines) {
    const ScopedVariable set("PLAIT_MACHINE", machine_file(name).c_str());
    const Machine machine = detect_machine();
    Random random(17);
    for (int i = 0; i < 30; ++i) {
      const auto [one, other] = GetParam().make(random);
      Limits limits;
      limits.threads = static_cast<int>(random.between(1, 3));
      limits.reproducible = random.chance(0.3);
      const Plan a = plan(one, limits, machine);
      const Plan b = plan(other, limits, machine);
      const std::string both = to_string(one) + " and " + to_string(other) + " on " + name;
      EXPECT_EQ(a.algorithm(), b.algorithm()) << both;
      EXPECT_EQ(a.cost().predicted_seconds, b.cost().predicted_seconds) << both;
      EXPECT_EQ(a.packed_format(), b.packed_format()) << both;
      EXPECT_EQ(a.explain().config, b.explain().config) << both;
      const Memory memory(one);
      const std::vector<float> y = run(a, memory);
      const std::vector<float> z = run(b, memory);
      ASSERT_EQ(y.size(), z.size()) << both;
      EXPECT_EQ(std::memcmp(y.data(), z.data(), y.size() * sizeof(float)), 0) << both;
    }
  }
}

// Held to the sums of the definition over the problem as it was given.
TEST_P(Spellings, KeepTheBoundOfTheGivenProblem) {
  Random random(23);
  for (int i = 0; i < 30; ++i) {
    const auto [one, other] = GetParam().make(random);
    const Memory memory(one);
    for (const Problem& p : {one, other}) {
      const Plan plan = plait::plan(p, {}, built_canonical_machine());
      const std::vector<float> y = run(plan, memory);
      EXPECT_LE(error_of(plan, memory, y).worst_bound_share, 1) << to_string(p);
    }
  }
}

// Planned as a row, but the weights serve images of several columns too.
TEST(PackedFormat, OfOneColumnServesWiderImages) {
  static constexpr std::array kColumns = {"2x8x40x1,6x8x3x1,bias", "2x8x40x1,6x8x1x1,bias",
                                          "2x8x40x1,8x1x3x1,g8,bias", "2x8x40x1,6x8x5x1,bias",
                                          "2x8x40x1,6x8x7x1,bias"};
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const Problem narrow = problem_for(algorithm.name, kColumns);
    const Plan column = plan(narrow, only(algorithm.name));
    Problem wider = narrow;
    wider.w = 5;
    Limits limits = {.accuracy = Accuracy::relaxed, .packed_format = column.packed_format()};
    const Plan wide = plan(wider, limits);
    EXPECT_EQ(wide.algorithm(), algorithm.name);
    const Memory memory(wide.problem());
    const std::vector<float> expected = run(wide, memory);
    EXPECT_EQ(run(wide, column, memory), expected) << algorithm.name;
  }
}

// A 1x1 kernel over 72 channels has no Winograd form, the 3x3 one that it was given as has.
TEST(Forced, AlgorithmsOfTheGivenSpellingAloneAreTaken) {
  const Plan plan = plait::plan("2x8x3x3,4x8x3x3", {.algorithm = "winograd/f2x3"});
  EXPECT_EQ(plan.algorithm(), "winograd/f2x3");
  EXPECT_EQ(plan.explain().computed_as, "");
}

INSTANTIATE_TEST_SUITE_P(Layers, Spellings,
                         testing::Values(Kind{"Columns", row_and_column},
                                         Kind{"Batches", batch_and_pixels},
                                         Kind{"Images", images_and_rows},
                                         Kind{"Windows", window_and_channels},
                                         Kind{"OneChannel", layouts_of_one_channel},
                                         Kind{"UnreadPadding", unread_padding}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace plait::test
