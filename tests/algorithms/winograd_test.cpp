// What is particular to winograd: what it refuses, which class a variant is in, how much workspace
// it takes. What it does where inputs do not suit it: winograd_guard_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

struct Variant {
  std::string name;
  std::int64_t m;  // outputs of a tile, along an axis that has
  std::int64_t r;  // so many taps
  std::int64_t k_h = r;
  std::int64_t k_w = r;

  std::int64_t lines() const { return k_h == 1 ? 1 : m; }
  std::int64_t pixels() const { return k_w == 1 ? 1 : m; }
};

std::vector<Variant> variants() {
  return {
      {"winograd/f2x3", 2, 3},       {"winograd/f4x3", 4, 3},       {"winograd/f6x3", 6, 3},
      {"winograd/f2x5", 2, 5},       {"winograd/f3x5", 3, 5},       {"winograd/f4x5", 4, 5},
      {"winograd/f4x3", 4, 3, 1, 3}, {"winograd/f6x3", 6, 3, 3, 1}, {"winograd/f4x5", 4, 5, 5, 1},
      {"winograd/f2x7", 2, 7, 1, 7}, {"winograd/f2x7", 2, 7, 7, 1}};
}

Problem layer(const Variant& variant, std::int64_t c_i, std::int64_t c_o, std::int64_t size) {
  Problem p;
  p.c_i = c_i;
  p.c_o = c_o;
  p.h = size;
  p.w = size + 3;
  p.k_h = variant.k_h;
  p.k_w = variant.k_w;
  p.padding = Padding(variant.k_h / 2, variant.k_w / 2);
  return p;
}

Limits only(const Variant& variant) {
  return {.accuracy = Accuracy::relaxed, .threads = 2, .algorithm = variant.name};
}

std::string refusal(const Variant& variant, const Problem& problem, const Limits& limits) {
  return error_of(Status::unsupported, [&] { plan(problem, limits); }).substr(0, 400) +
         variant.name;
}

TEST(Winograd, SaysWhatItRefuses) {
  for (const Variant& variant : variants()) {
    const Problem taken = layer(variant, 3, 4, 9);
    EXPECT_EQ(plan(taken, only(variant)).algorithm(), variant.name);
    const auto expect = [&](const Problem& problem, const Limits& limits,
                            const std::string& reason) {
      EXPECT_NE(refusal(variant, problem, limits).find(reason), std::string::npos)
          << refusal(variant, problem, limits);
    };
    Problem p = taken;
    p.stride = 2;
    expect(p, only(variant), "only stride 1, not 2x2");
    p = taken;
    p.k_w = variant.r - 1;
    expect(p, only(variant), "kernels, not " + std::to_string(variant.k_h) + "x");
    Limits capped = only(variant);
    capped.max_workspace_bytes = 100;
    expect(taken, capped, "within 100 bytes of workspace");
    Limits by_columns = only(variant);
    by_columns.tile_columns = 16;
    expect(taken, by_columns, "not of 16 columns");
  }
}

TEST(Winograd, VariantsAreInTheStrictestClassTheirErrorAllows) {
  const auto takes = [](const Variant& variant, std::int64_t channels, Accuracy accuracy) {
    Limits limits = only(variant);
    limits.accuracy = accuracy;
    try {
      plan(layer(variant, channels, 16, 20), limits);
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  for (const Variant& variant : variants()) {
    const bool one_way = variant.k_h == 1 || variant.k_w == 1;
    const bool large = variant.m + variant.r == 9 && !one_way;
    const bool small = (variant.m == 2 && variant.r == 3) || one_way;
    EXPECT_EQ(takes(variant, 64, Accuracy::strict), small) << variant.name;
    EXPECT_TRUE(takes(variant, 96, Accuracy::fp32)) << variant.name;
    EXPECT_EQ(takes(variant, 1024, Accuracy::fp32), !large) << variant.name;
    EXPECT_TRUE(takes(variant, 1024, Accuracy::relaxed)) << variant.name;
  }
}

TEST(Winograd, TakesAtMostThreeQuartersOfL2PerThread) {
  for (const Variant& variant : variants()) {
    for (const std::int64_t channels : {16, 64, 128, 256}) {
      for (const std::int64_t l2 : {1 << 20, 2 << 20}) {
        Machine machine = host_machine();
        machine.caches.l2_bytes = l2;
        const Plan made = plan(layer(variant, channels, channels, 56), only(variant), machine);
        EXPECT_LE(static_cast<std::int64_t>(made.workspace_bytes()), made.threads() * l2 / 4 * 3)
            << variant.name << " " << channels;
      }
    }
  }
}

// The last tile would read as far beyond the padding again, and more.
TEST(Winograd, TakesTheLargestDilation) {
  const Problem problem =
      parse_problem("1x1x1x1,1x1x3x1,p288230376151711743x0,d288230376151711743x1");
  const Tensor<float> x(problem.x_shape(), {3});
  const Tensor<float> kernel(problem.weight_shape(), {1, 2, 4});
  for (const char* variant : {"winograd/f2x3", "winograd/f4x3", "winograd/f6x3"}) {
    Tensor<float> y(problem.y_shape());
    const Plan made = plan(problem, {.algorithm = variant});
    made.run(x, made.pack(kernel), y);
    EXPECT_NEAR(y(0, 0, 0, 0), 6, 1e-4) << variant;
    const ErrorReport error =
        measure_error<float>(problem, made.cost().bound(), x, kernel, {}, {}, y);
    EXPECT_LE(error.worst_bound_share, 1) << variant;
  }
}

// An input of one 1 returns the kernel, but for roundings.
TEST(Winograd, AnImpulseReturnsTheKernel) {
  for (const Variant& variant : variants()) {
    for (const Target target : runnable_targets()) {
      const Problem problem = layer(variant, 4, 6, 11);
      Random random(4);
      Tensor<float> x(problem.x_shape());
      Tensor<float> kernel(problem.weight_shape());
      fill_he(kernel, problem.depth(), random);
      x(0, 2, 5, 6) = 1;
      Tensor<float> y(problem.y_shape());
      const Plan made = plan(problem, only(variant), on_target(target));
      made.run(x, made.pack(kernel), y);
      const Padding& pad = problem.padding;
      for (std::int64_t o = 0; o < problem.c_o; ++o) {
        for (std::int64_t u = 0; u < variant.k_h; ++u) {
          for (std::int64_t v = 0; v < variant.k_w; ++v) {
            EXPECT_NEAR(y(0, o, 5 + pad.top - u, 6 + pad.left - v), kernel(o, 2, u, v), 1e-5)
                << variant.name;
          }
        }
      }
    }
  }
}

TEST(Winograd, SubnormalsStayWithinTheBound) {
  for (const Variant& variant : variants()) {
    const Problem problem = layer(variant, 8, 8, 10);
    Tensor<float> x(problem.x_shape());
    Tensor<float> kernel(problem.weight_shape());
    for (std::int64_t c = 0; c < 8; ++c) x(0, c, 5, 5) = 1e-42F;
    for (std::int64_t c = 0; c < 8; ++c) kernel(0, c, 1, 1) = 1e-41F;
    const Plan made = plan(problem, only(variant));
    Tensor<float> y(problem.y_shape());
    made.run(x, made.pack(kernel), y);
    const ErrorReport error = measure_error<float>(problem, made.cost().bound(), x.view(),
                                                   kernel.view(), {}, {}, y.view());
    EXPECT_LE(error.worst_bound_share, 1) << variant.name;
  }
}

}  // namespace
}  // namespace plait::test
