// Inputs that the transforms of tiles cannot take: what is not finite, too large, or far larger
// than what an output sees. Held against the reference and, where all tiles are computed directly,
// bit for bit against a direct algorithm.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "analysis/test_data.hpp"
#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Variant {
  std::string name;
  std::string kernel;  // taps and padding, for a problem line
  bool limits_range = true;

  std::string line(const std::string& x, int c_i, int c_o) const {
    return x + "," + std::to_string(c_o) + "x" + std::to_string(c_i) + "x" + kernel;
  }
};

std::vector<Variant> variants() {
  return {{"winograd/f2x3", "3x3,p1", false},  {"winograd/f4x3", "3x3,p1"},
          {"winograd/f6x3", "3x3,p1"},         {"winograd/f2x5", "5x5,p2", false},
          {"winograd/f3x5", "5x5,p2"},         {"winograd/f4x5", "5x5,p2"},
          {"winograd/f4x3", "1x3,p0x1"},       {"winograd/f6x3", "3x1,p1x0"},
          {"winograd/f3x5", "1x5,p0x2"},       {"winograd/f4x5", "5x1,p2x0"},
          {"winograd/f2x7", "1x7,p0x3", false}};
}

struct Outcome {
  Tensor<float> y;  // as stored
  RunReport report;
  ErrorReport error;  // of measured()
};

// With x and y in the problem's layout: their elements are taken as they are stored.
Outcome run(const std::string& algorithm, const Problem& problem, const Operands<float>& operands,
            const Machine& machine, int threads = 1) {
  const Plan made =
      plan(problem, {.accuracy = Accuracy::relaxed, .threads = threads, .algorithm = algorithm},
           machine);
  Outcome outcome{poisoned<float>(problem.y_shape()), {}, {}};
  RunOptions<float> options;
  options.report = &outcome.report;
  options.residual = operands.residual_view();
  const TensorView<const float> x(operands.x.data(), problem.x_shape(),
                                  problem.effective_x_strides());
  const TensorView<float> y(outcome.y.data(), problem.y_shape(), problem.effective_y_strides());
  const Packed packed = made.pack<float>(operands.kernel.view(), operands.bias_view());
  made.run<float>(x, packed, y, options);
  return outcome;
}

Outcome measured(const std::string& algorithm, const Problem& problem,
                 const Operands<float>& operands, const Machine& machine, int threads = 1) {
  Outcome outcome = run(algorithm, problem, operands, machine, threads);
  const Plan made = plan(problem, {.accuracy = Accuracy::relaxed, .algorithm = algorithm});
  outcome.error =
      measure_error<float>(problem, made.cost().bound(),
                           {operands.x.data(), problem.x_shape(), problem.effective_x_strides()},
                           operands.kernel.view(), operands.bias_view(), operands.residual_view(),
                           {outcome.y.data(), problem.y_shape(), problem.effective_y_strides()});
  return outcome;
}

// The layer of the bug reports: outputs that do not see an outlier are as exact as without it.
TEST(WinogradGuard, KeepsAnOutlierFromOutputsThatDoNotSeeIt) {
  const Problem problem = parse_problem("1x16x24x24,16x16x3x3,p1");
  for (const float outlier : {1e5F, 1e7F, 1e20F}) {
    Operands<float> operands(problem);
    operands.x(0, 3, 9, 13) = outlier;
    Tensor<float> exact(problem.y_shape());
    const Plan reference = plan(problem, {.algorithm = "reference"});
    reference.run(operands.x, reference.pack(operands.kernel), exact);
    for (const char* algorithm : {"winograd/f2x3", "winograd/f4x3", "winograd/f6x3"}) {
      const Outcome outcome = measured(algorithm, problem, operands, host_machine());
      EXPECT_LE(outcome.error.worst_bound_share, 1) << algorithm;
      double largest = 0;
      for (std::int64_t o = 0; o < problem.c_o; ++o) {
        for (std::int64_t i = 0; i < problem.h_o(); ++i) {
          for (std::int64_t j = 0; j < problem.w_o(); ++j) {
            if (std::abs(i - 9) <= 1 && std::abs(j - 13) <= 1) continue;
            largest = std::max(largest, std::abs(static_cast<double>(outcome.y(0, o, i, j)) -
                                                 static_cast<double>(exact(0, o, i, j))));
          }
        }
      }
      EXPECT_LT(largest, 4e-5) << algorithm << ", " << outlier;  // the outputs' rms is about 1
    }
  }
}

// Exactly the outputs that are not finite by the definition are not, and of the same kind.
TEST(WinogradGuard, NonFiniteInputsReachTheOutputsThatReadThemAndNoOthers) {
  for (const Variant& variant : variants()) {
    for (const Target target : runnable_targets()) {
      for (const char* layout : {"", ",nhwc"}) {
        const Problem problem = parse_problem(variant.line("2x3x14x17", 3, 5) + ",bias" + layout);
        for (const float value : {kInfinity, -kInfinity, kNaN}) {
          Operands<float> operands(problem);
          operands.x(0, 1, 6, 7) = value;
          operands.x(0, 2, 6, 8) = kInfinity;
          operands.x(1, 0, 0, 16) = value;
          const Outcome outcome = measured(variant.name, problem, operands, on_target(target), 2);
          EXPECT_LE(outcome.error.worst_bound_share, 1)
              << variant.name << " " << to_string(problem) << " on " << name_of(target);
          EXPECT_GT(outcome.report.direct_tiles, 0);
          EXPECT_LT(outcome.report.direct_tiles, outcome.report.tiles);
        }
      }
    }
  }
}

// The last tiles reach beyond the layer: what only outputs that do not exist would see as small
// makes no tile direct.
TEST(WinogradGuard, LooksAtOutputsThatExist) {
  for (const Variant& variant : variants()) {
    const Problem problem = parse_problem(variant.line("1x4x19x19", 4, 3));
    Operands<float> operands(problem);
    std::fill(operands.x.begin(), operands.x.end(), 1.0F);
    operands.x(0, 1, 3, 3) = kNaN;  // so that every tile of its region is looked at
    const Outcome even = measured(variant.name, problem, operands, host_machine());
    for (std::int64_t c = 0; c < problem.c_i; ++c) {
      for (std::int64_t i = 0; i < problem.h; ++i) {
        if (problem.k_w > 1) operands.x(0, c, i, 18) = 1e-3F;
        if (problem.k_h > 1) operands.x(0, c, 18, i) = 1e-3F;
      }
    }
    const Outcome fading = measured(variant.name, problem, operands, host_machine());
    EXPECT_EQ(fading.report.direct_tiles, even.report.direct_tiles) << variant.name;
    EXPECT_LE(fading.error.worst_bound_share, 1) << variant.name;
  }
}

// A weight that is not finite meets zeros as NaN, padding too: all tiles of its group are direct.
TEST(WinogradGuard, NonFiniteWeightsAreDirect) {
  for (const Variant& variant : variants()) {
    const Problem problem = parse_problem(variant.line("1x6x13x12", 3, 10) + ",g2");
    for (const float value : {kInfinity, -kInfinity, kNaN}) {
      Operands<float> operands(problem);
      std::fill(operands.x.begin(), operands.x.end(), 1.0F);
      operands.x(0, 4, 5, 5) = 0;
      operands.kernel(7, 1, 0, 0) = value;
      const Outcome outcome = measured(variant.name, problem, operands, host_machine());
      EXPECT_LE(outcome.error.worst_bound_share, 1) << variant.name;
      EXPECT_EQ(2 * outcome.report.direct_tiles, outcome.report.tiles) << variant.name;
    }
  }
}

// What has only zeros in its window is its bias, whatever the tile holds.
TEST(WinogradGuard, WindowsOfZerosAreExact) {
  for (const Variant& variant : variants()) {
    for (const Target target : runnable_targets()) {
      const Problem problem = parse_problem(variant.line("1x5x23x21", 5, 7) + ",bias,res");
      Operands<float> operands(problem);
      for (std::int64_t c = 0; c < problem.c_i; ++c) {
        for (std::int64_t i = 0; i < problem.h; ++i) {
          for (std::int64_t j = 0; j < problem.w; ++j) {
            const bool spot = i >= 7 && i < 12 && j >= 5 && j < 15;
            operands.x(0, c, i, j) = spot ? 1 + operands.x(0, c, i, j) : 0;
          }
        }
      }
      const Outcome outcome = measured(variant.name, problem, operands, on_target(target));
      EXPECT_LE(outcome.error.worst_bound_share, 1) << variant.name;
      EXPECT_EQ(outcome.report.direct_tiles, 0) << variant.name;
      int zeros = 0;
      for (std::int64_t o = 0; o < problem.c_o; ++o) {
        for (std::int64_t i = 0; i < problem.h_o(); ++i) {
          for (std::int64_t j = 0; j < problem.w_o(); ++j) {
            const bool sees = i + problem.k_h / 2 >= 7 && i - problem.k_h / 2 < 12 &&
                              j + problem.k_w / 2 >= 5 && j - problem.k_w / 2 < 15;
            if (sees) continue;
            ++zeros;
            ASSERT_EQ(outcome.y(0, o, i, j),
                      operands.bias.data()[o] + operands.residual(0, o, i, j))
                << variant.name << " at " << i << ", " << j;
          }
        }
      }
      EXPECT_GT(zeros, 1000);
    }
  }
}

// Weights so large that no tile may be transformed: the sums are those of the direct algorithms, to
// the bit, in every layout, in blocks of every size, in groups, phases and at all borders.
TEST(WinogradGuard, DirectTilesHaveTheBitsOfDirectAlgorithms) {
  Random random(8);
  int direct = 0;
  for (const Variant& variant : variants()) {
    for (const Target target : runnable_targets()) {
      for (const char* options : {"", ",bias,act=relu", ",bias,res,act=silu", ",nhwc", ",d2",
                                  ",reflect", ",symmetric", ",pconst=0.5"}) {
        const bool deep = random.chance(0.3);
        Problem problem = parse_problem(
            variant.line(deep ? "1x90x7x9" : "2x6x19x22", deep ? 90 : 6, deep ? 70 : 9) + options);
        if (problem.dilation.h > 1) problem.padding = Padding(problem.k_h / 2, problem.k_w / 2);
        Operands<float> operands(problem);
        for (float& weight : operands.kernel) weight *= 1e37F;
        for (float& value : operands.x) value *= 1e-3F;
        Machine machine = on_target(target);
        if (random.chance(0.5)) machine.caches.l2_bytes = random.between(4, 64) << 10;
        const Outcome outcome = run(variant.name, problem, operands, machine, 2);
        ASSERT_EQ(outcome.report.direct_tiles, outcome.report.tiles);
        const Outcome expected = run("im2col", problem, operands, machine);
        EXPECT_TRUE(same_bytes(outcome.y, expected.y))
            << variant.name << " " << to_string(problem) << " on " << name_of(target);
        ++direct;
      }
    }
  }
  EXPECT_GT(direct, 70);
}

// Which tiles are direct depends on the data and the variant alone, and so do the bits.
TEST(WinogradGuard, DecidesAlikeForAllThreadsBlocksLayoutsAndTargets) {
  for (const Variant& variant : variants()) {
    const Problem lines = parse_problem(variant.line("1x20x25x31", 20, 12));
    Operands<float> operands(lines);
    Random random(9);
    for (int i = 0; i < 6; ++i) {
      operands.x.data()[random.between(0, operands.x.size() - 1)] = 1e6F;
    }
    const Outcome expected = measured(variant.name, lines, operands, host_machine());
    EXPECT_EQ(expected.report.direct_tiles > 0, variant.limits_range) << variant.name;
    EXPECT_LE(expected.error.worst_bound_share, 1) << variant.name;
    for (const Target target : runnable_targets()) {
      Machine machine = on_target(target);
      for (const std::int64_t l2 : {std::int64_t{16} << 10, host_machine().caches.l2_bytes}) {
        machine.caches.l2_bytes = l2;
        const Outcome outcome = run(variant.name, lines, operands, machine, 2);
        EXPECT_EQ(outcome.report.direct_tiles, expected.report.direct_tiles) << variant.name;
        EXPECT_EQ(outcome.report.tiles, expected.report.tiles) << variant.name;
        if (has_fused_multiply_add(target) == has_fused_multiply_add(host_machine().target)) {
          EXPECT_TRUE(same_bytes(outcome.y, expected.y)) << variant.name << " " << name_of(target);
        }
      }
    }
    Problem pixels = lines;
    pixels.x_layout = Layout::nhwc;
    Operands<float> turned = operands;
    const Dims strides = pixels.effective_x_strides();
    for (std::int64_t c = 0; c < lines.c_i; ++c) {
      for (std::int64_t i = 0; i < lines.h; ++i) {
        for (std::int64_t j = 0; j < lines.w; ++j) {
          turned.x.data()[c * strides[1] + i * strides[2] + j * strides[3]] =
              operands.x(0, c, i, j);
        }
      }
    }
    pixels.y_layout = Layout::nchw;
    const Outcome outcome = run(variant.name, pixels, turned, host_machine());
    EXPECT_EQ(outcome.report.direct_tiles, expected.report.direct_tiles) << variant.name;
    EXPECT_TRUE(same_bytes(outcome.y, expected.y)) << variant.name;
  }
}

// Data of the error classes and normal data trip no tile: with PLAIT_FULL, of a million each.
TEST(WinogradGuard, OrdinaryDataTripsNoTile) {
  const bool full = std::getenv("PLAIT_FULL") != nullptr;
  for (const Variant& variant : variants()) {
    if (!variant.limits_range) continue;
    const int channels =
        variant.kernel.starts_with("1x") || variant.kernel.find("x1,") == 1 ? 16 : 8;
    const Problem problem = parse_problem(variant.line(
        "1x" + std::to_string(channels) + (full ? "x1000x1200" : "x100x120"), channels, 1));
    for (const bool normal : {false, true}) {
      std::int64_t tiles = 0;
      for (std::uint64_t seed = 1; tiles < (full ? 50'000 : 500); ++seed) {
        Operands<float> operands(problem, seed);
        Random random(seed);
        if (normal) fill_he(operands.x, 2, random);
        const Plan made =
            plan(problem, {.accuracy = Accuracy::relaxed, .threads = 2, .algorithm = variant.name});
        Tensor<float> y(problem.y_shape());
        RunReport report;
        RunOptions<float> options;
        options.report = &report;
        made.run<float>(operands.x.view(), made.pack(operands.kernel), y.view(), options);
        EXPECT_EQ(report.direct_tiles, 0)
            << variant.name << ", " << (normal ? "normal" : "ReLU-like");
        tiles += report.tiles;
      }
    }
  }
}

// Numbers on the way to the outputs would be too large for f32 where these are not.
TEST(WinogradGuard, LargeNumbersDoNotOverflowOnTheWay) {
  for (const Variant& variant : variants()) {
    const Problem problem = parse_problem(variant.line("1x4x12x13", 4, 6));
    for (const float scale : {1e30F, 1e36F, 3e37F}) {
      Operands<float> operands(problem);
      for (float& value : operands.x) value *= scale;
      for (float& weight : operands.kernel) weight *= 1e-3F;
      const Outcome outcome = measured(variant.name, problem, operands, host_machine());
      EXPECT_LE(outcome.error.worst_bound_share, 1) << variant.name << ", " << scale;
    }
  }
}

}  // namespace
}  // namespace plait::test
