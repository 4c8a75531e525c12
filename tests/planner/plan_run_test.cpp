// Running plans: exact workspaces, cancelling, sharing between threads, executors and plans.
#include <plait/plan.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <thread>
#include <vector>

#include "analysis/verify/guarded.hpp"
#include "support/algorithms.hpp"
#include "support/calls.hpp"

namespace plait {
namespace {

using test::error_of;
using test::only;
using test::poisoned;
using test::same_bytes;
using test::untouched;
using test::wrong_side_by_side;

// Runs a plan of either kind, prepacked or not.
Tensor<float> run_plan(const Plan& made, const Operands<float>& operands,
                       const RunOptions<float>& options = {}) {
  Tensor<float> y = poisoned<float>(made.problem().y_shape());
  if (made.explain().limits.prepacked) {
    const Packed packed = made.pack<float>(operands.kernel.view(), operands.bias_view());
    made.run<float>(operands.x, packed, y, options);
  } else {
    made.run<float>(operands.x, operands.kernel, operands.bias_view(), y, options);
  }
  return y;
}

struct Case {
  std::string algorithm;
  std::string line;
};

// Several chunks deep, tails on every axis; 1x1 and larger kernels, groups, strides.
constexpr std::array kLines = {"1x40x14x13,25x40x3x3,p1,bias,act=relu",
                               "2x12x11x9,21x4x3x5,s2x1,p2_1_0_3,g3",
                               "1x300x12x13,25x300x1x1,bias",
                               "2x42x9x9,33x14x1x1,s2,g3",
                               "1x4x40x41,9x4x5x5,p2",
                               "1x20x9x31,25x20x1x7,p0x3,bias",
                               "2x6x40x41,12x1x17x18,p8,g6,bias"};

// Every line with every algorithm that takes it.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> found;
    for (const AlgorithmInfo& algorithm : algorithms()) {
      for (const std::string& line : test::lines_for(algorithm.name, kLines)) {
        found.push_back({algorithm.name, line});
      }
    }
    return found;
  }();
  return all;
}

// === workspace ===

void run_in_exactly(const Plan& made, const Operands<float>& operands,
                    const Tensor<float>& expected, GuardedBytes::Side side) {
  GuardedBytes workspace(made.workspace_bytes(), 64, side);
  RunOptions<float> options;
  options.workspace = workspace.data();
  EXPECT_TRUE(same_bytes(run_plan(made, operands, options), expected));
  EXPECT_TRUE(workspace.slack_untouched());
  EXPECT_TRUE(same_bytes(run_plan(made, operands, options), expected)) << "with a used workspace";
}

std::optional<Plan> plan_unless_refused(const Case& c, const Limits& limits) {
  try {
    return plan(c.line, limits);
  } catch (const Error& error) {
    const std::string cap = std::to_string(limits.max_workspace_bytes) + " bytes of workspace";
    EXPECT_FALSE(test::traits_of(c.algorithm).keeps_any_cap) << error.what();
    EXPECT_NE(std::string(error.what()).find(cap), std::string::npos) << error.what();
    return std::nullopt;
  }
}

void check_caps(const Case& c, bool prepacked) {
  const Problem problem = parse_problem(c.line);
  const Operands<float> operands(problem);
  const Tensor<float> expected = run_plan(plan(problem, only(c.algorithm)), operands);
  for (const std::size_t cap : {kNoWorkspaceCap, std::size_t{100'000}, std::size_t{20'000},
                                std::size_t{5000}, std::size_t{0}}) {
    SCOPED_TRACE(c.algorithm + " " + c.line + " cap " + std::to_string(cap) +
                 (prepacked ? " prepacked" : ""));
    Limits limits = only(c.algorithm);
    limits.max_workspace_bytes = cap;
    limits.prepacked = prepacked;
    const std::optional<Plan> made = plan_unless_refused(c, limits);
    if (!made) continue;
    EXPECT_LE(made->workspace_bytes(), cap);
    EXPECT_EQ(made->workspace_bytes(), made->cost().workspace_bytes);
    run_in_exactly(*made, operands, expected, GuardedBytes::Side::behind);
    run_in_exactly(*made, operands, expected, GuardedBytes::Side::before);
    EXPECT_TRUE(same_bytes(run_plan(*made, operands), expected)) << "in the library's own";
  }
}

TEST(Workspace, IsExactAndCappedAndNeverShowsInTheBits) {
  for (const Case& c : cases()) {
    for (const bool prepacked : {true, false}) check_caps(c, prepacked);
  }
}

TEST(Workspace, NoneAtAllAlwaysWorks) {
  for (const char* line : kLines) {
    for (const bool prepacked : {true, false}) {
      Limits limits;
      limits.max_workspace_bytes = 0;
      limits.prepacked = prepacked;
      EXPECT_EQ(plan(line, limits).workspace_bytes(), 0U) << line;
    }
  }
}

TEST(Workspace, CapsBite) {
  for (const char* algorithm : {"im2col", "pointwise"}) {
    Limits limits = only(algorithm);
    limits.prepacked = false;
    std::vector<std::size_t> sizes;
    for (const std::size_t cap : {kNoWorkspaceCap, std::size_t{5000}, std::size_t{0}}) {
      limits.max_workspace_bytes = cap;
      sizes.push_back(plan("1x300x32x32,64x300x1x1", limits).workspace_bytes());
    }
    EXPECT_GT(sizes[0], 5000U) << algorithm << ": the uncapped plan would break the cap";
    EXPECT_LE(sizes[1], 5000U);
    EXPECT_EQ(sizes[2], 0U);
  }
}

TEST(Workspace, HoldsThePackedWeightsUnlessPrepacked) {
  // Enough pixels that packing pays, on this machine.
  const Machine machine = canonical_machine();
  const char* line = "4x64x56x56,64x64x3x3,p1";
  Limits limits = only("im2col", 1);
  EXPECT_GT(plan(line, limits, machine).packed_bytes(), 64U * 64 * 9 * 4 - 1);
  limits.prepacked = false;
  const Plan unpacked = plan(line, limits, machine);
  EXPECT_EQ(unpacked.packed_bytes(), 0U);
  EXPECT_GE(unpacked.workspace_bytes(), 64U * 64 * 9 * 4);
}

// === cancelling ===

TEST(Cancel, BeforeTheRunThrowsWithoutComputing) {
  const std::atomic<bool> cancel = true;
  RunOptions<float> options;
  options.cancel = &cancel;
  for (const auto& [algorithm, line] : cases()) {
    const Plan made = plan(line, only(algorithm));
    const Operands<float> operands(made.problem());
    const Packed packed = made.pack<float>(operands.kernel.view(), operands.bias_view());
    Tensor<float> y = poisoned<float>(made.problem().y_shape());
    EXPECT_EQ(error_of(Status::cancelled, [&] { made.run(operands.x, packed, y, options); }),
              "the run was cancelled");
    EXPECT_TRUE(untouched(y)) << algorithm;
  }
}

TEST(Cancel, AFlagThatStaysDownChangesNothing) {
  const std::atomic<bool> cancel = false;
  RunOptions<float> options;
  options.cancel = &cancel;
  for (const auto& [algorithm, line] : cases()) {
    const Plan made = plan(line, only(algorithm));
    const Operands<float> operands(made.problem());
    EXPECT_TRUE(same_bytes(run_plan(made, operands, options), run_plan(made, operands)));
  }
}

// Cancels a run that would take minutes. That the end of y was not reached shows that the flag was
// seen; if it never is, the test takes these minutes, and fails.
void cancel_in_the_middle(const Plan& made) {
  const Operands<float> operands(made.problem());
  const Packed packed = made.pack(operands.kernel);
  Tensor<float> y = poisoned<float>(made.problem().y_shape());
  std::atomic<bool> cancel = false;
  RunOptions<float> options;
  options.cancel = &cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    cancel = true;
  });
  EXPECT_EQ(error_of(Status::cancelled, [&] { made.run(operands.x, packed, y, options); }),
            "the run was cancelled");
  canceller.join();
  EXPECT_TRUE(std::isnan(*(y.end() - 1))) << "ran to the end";
}

TEST(Cancel, InTheMiddleOfALongReferenceRun) {
  cancel_in_the_middle(plan("1x256x128x128,512x256x7x7,p3", only("reference")));
}

TEST(Cancel, InTheMiddleOfALongProduct) {
  // The emulated target is the slowest by far.
  cancel_in_the_middle(
      plan("1x512x160x160,512x512x5x5,p2", only("im2col"), test::on_target(Target::emu128)));
}

// === many at once ===

TEST(Sharing, ConcurrentRunsOfOnePlanGiveEqualBytes) {
  for (const auto& [algorithm, line] : cases()) {
    const Plan made = plan(line, only(algorithm));
    const Operands<float> operands(made.problem());
    const Packed packed = made.pack<float>(operands.kernel.view(), operands.bias_view());
    const auto run = [&] {
      Tensor<float> y = poisoned<float>(made.problem().y_shape());
      made.run(operands.x, packed, y);
      return y;
    };
    EXPECT_EQ(wrong_side_by_side(run(), run), 0) << algorithm << " " << line;
  }
}

TEST(Sharing, ConcurrentRunsInTheCallersWorkspacesGiveEqualBytes) {
  for (const auto& [algorithm, line] : cases()) {
    Limits limits = only(algorithm);
    limits.prepacked = false;  // every run packs the weights into its workspace
    const Plan made = plan(line, limits);
    const Operands<float> operands(made.problem());
    const auto run = [&] {
      GuardedBytes workspace(made.workspace_bytes(), 64, GuardedBytes::Side::behind);
      RunOptions<float> options;
      options.workspace = workspace.data();
      return run_plan(made, operands, options);
    };
    EXPECT_EQ(wrong_side_by_side(run(), run), 0) << algorithm << " " << line;
  }
}

// Runs the tasks on the calling thread, last one first.
class BackwardsExecutor final : public Executor {
 public:
  void run(int count, TaskRef task) override {
    most_tasks = std::max(most_tasks, count);
    for (int index = count - 1; index >= 0; --index) task(index);
  }
  int most_tasks = 0;
};

TEST(Sharing, AnyExecutorGivesEqualBytes) {
  for (const auto& [algorithm, line] : cases()) {
    for (const bool prepacked : {true, false}) {
      Limits limits = only(algorithm, 3);
      limits.prepacked = prepacked;
      const Plan made = plan(line, limits);
      const Operands<float> operands(made.problem());
      BackwardsExecutor executor;
      RunReport report;
      RunOptions<float> options;
      options.executor = &executor;
      options.report = &report;
      EXPECT_TRUE(same_bytes(run_plan(made, operands, options), run_plan(made, operands)));
      EXPECT_EQ(report.algorithm, algorithm);
      EXPECT_EQ(report.threads, made.threads());
      if (test::traits_of(algorithm).is_vectorised) {
        EXPECT_EQ(executor.most_tasks, made.threads()) << "the caller's executor did the work";
      }
    }
  }
}

TEST(Sharing, PlansAndPackedWeightsSurviveCopies) {
  const auto make = [] {
    const Plan original = plan("1x40x14x13,25x40x3x3,p1,bias", only("im2col"));
    const Plan copy = original;
    return copy;
  };
  Plan made = make();
  const Operands<float> operands(made.problem());
  const Tensor<float> expected = run_plan(made, operands);
  std::vector<Plan> copies(3, made);
  std::vector<Packed> packed(2, made.pack(operands.kernel, operands.bias));
  EXPECT_EQ(packed[0].data(), packed[1].data()) << "copies share the bytes";
  packed.erase(packed.begin());
  made = plan("1x1x1x1,1x1x1x1");
  copies.erase(copies.begin());
  Tensor<float> y(expected.shape());
  copies.back().run(operands.x, packed.back(), y);
  EXPECT_TRUE(same_bytes(y, expected));
  EXPECT_EQ(copies.back().explain().chosen().algorithm, "im2col");
}

// === packed weights across sizes ===

TEST(PackedFormat, ServesPlansOfOtherSizes) {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const Problem problem = test::problem_for(algorithm.name);
    const Plan first = plan(problem, only(algorithm.name));
    const Operands<float> operands(problem);
    const Packed packed = first.pack(operands.kernel, operands.bias);
    EXPECT_EQ(packed.format(), first.packed_format());
    EXPECT_EQ(packed.bytes(), first.packed_bytes());
    for (const auto& [n, h, w] : {std::array{1, 7, 7}, std::array{3, 5, 60}}) {
      Problem resized = problem;
      resized.n = n;
      resized.h = h;
      resized.w = w;
      const Plan other =
          plan(resized, {.accuracy = Accuracy::relaxed, .packed_format = packed.format()});
      EXPECT_EQ(other.algorithm(), algorithm.name) << "the only one that takes the format";
      EXPECT_EQ(other.packed_format(), packed.format());
      const Operands<float> images(resized, 2);
      Tensor<float> y(resized.y_shape());
      other.run(images.x, packed, y);
      const Plan own = plan(resized, only(algorithm.name));
      Tensor<float> expected(y.shape());
      own.run(images.x, own.pack(operands.kernel, operands.bias), expected);
      EXPECT_TRUE(same_bytes(y, expected)) << algorithm.name << " " << to_string(resized);
    }
  }
}

TEST(PackedFormat, OfAnotherAlgorithmIsRefusedByName) {
  const char* line = "1x40x9x9,30x40x3x3";
  Limits limits = only("im2col");
  limits.packed_format = plan(line, only("reference")).packed_format();
  const std::string refusal =
      "no algorithm computes \"1x40x9x9,30x40x3x3\": im2col: no im2col tile takes weights packed "
      "as "
      "\"reference 30x40x3x3 g1 f32\"";
  EXPECT_EQ(error_of(Status::unsupported, [&] { plan(line, limits); }), refusal);
  limits.max_workspace_bytes = 100;
  EXPECT_EQ(error_of(Status::unsupported, [&] { plan(line, limits); }),
            refusal + " within 100 bytes of workspace");
  limits.algorithm = "reference";
  limits.packed_format = "soup";
  EXPECT_EQ(error_of(Status::unsupported, [&] { plan(line, limits); }),
            "no algorithm computes \"1x40x9x9,30x40x3x3\": reference: packs weights as "
            "\"reference 30x40x3x3 g1 f32\", not \"soup\"");
  limits.algorithm = "";
  const std::string text = error_of(Status::unsupported, [&] { plan(line, limits); });
  for (const AlgorithmInfo& info : algorithms()) {
    EXPECT_NE(text.find(info.name + ": "), std::string::npos) << text;
  }
}

TEST(PackedFormat, OfOtherWeightsIsRefused) {
  Limits limits = only("im2col");
  limits.packed_format = plan("1x40x9x9,30x40x3x3", only("im2col")).packed_format();
  for (const char* line : {"1x40x9x9,31x40x3x3", "1x40x9x9,30x40x3x3,bias", "1x40x9x9,30x40x1x9",
                           "1x40x9x9,30x20x3x3,g2"}) {
    EXPECT_THROW(plan(line, limits), Error) << line;
  }
  EXPECT_NO_THROW(plan("1x40x9x9,30x40x3x3,s2,p1,d2", limits)) << "the weights are the same";
}

}  // namespace
}  // namespace plait
