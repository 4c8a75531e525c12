// Every room on every target against the reference: random problems with their edges over-sampled,
// in guarded and poisoned memory, half of them with tiny caches, under any workspace cap.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include <plait/plait.hpp>

#include "support/guarded.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

int cases_per_target() { return std::getenv("PLAIT_FULL") != nullptr ? 5000 : 250; }

// A problem with operands in guarded memory.
template <class T>
struct Arena {
  Arena(const Problem& problem_, Random& random)
      : problem(problem_),
        side(random.chance(0.5) ? GuardedBytes::Side::behind : GuardedBytes::Side::before),
        x(problem.x_shape(), problem.effective_x_strides(), side),
        kernel(problem.kernel_shape(), dense_strides(problem.kernel_shape()), side),
        bias({1, 1, 1, problem.c_o}, {1, 1, 1, 1}, side),
        residual(problem.y_shape(), problem.effective_residual_strides(), side),
        y(problem.y_shape(), problem.effective_y_strides(), side) {
    Tensor<T> values(problem.x_shape());
    fill_relu_like(values, random);
    x.copy_from(values);
    values = Tensor<T>(problem.kernel_shape());
    fill_he(values, problem.depth(), random);
    kernel.copy_from(values);
    values = Tensor<T>({1, 1, 1, problem.c_o});
    fill_he(values, 2, random);
    bias.copy_from(values);
    values = Tensor<T>(problem.y_shape());
    fill_he(values, 2, random);
    residual.copy_from(values);
  }

  TensorView<const T> bias_or_none() const {
    return problem.bias ? TensorView<const T>(bias.view().data(), {problem.c_o})
                        : TensorView<const T>();
  }
  TensorView<const T> residual_or_none() const {
    return problem.residual ? TensorView<const T>(residual.view()) : TensorView<const T>();
  }

  // Runs `plan` in a workspace of exactly the size it asks for.
  RunReport run(const Plan& plan, bool prepacked) {
    GuardedBytes workspace(plan.workspace_bytes(), 64, side);
    RunReport report;
    RunOptions<T> options;
    options.residual = residual_or_none();
    options.workspace = plan.workspace_bytes() == 0 ? nullptr : workspace.data();
    options.report = &report;
    if (prepacked) {
      const Packed packed = plan.pack<T>(kernel.view(), bias_or_none());
      plan.run<T>(x.view(), packed, y.view(), options);
    } else {
      plan.run<T>(x.view(), kernel.view(), bias_or_none(), y.view(), options);
    }
    return report;
  }

  ErrorReport error(double bound) const {
    return measure_error<T>(problem, bound, x.view(), kernel.view(), bias_or_none(),
                            residual_or_none(), y.view());
  }

  Problem problem;
  GuardedBytes::Side side;
  GuardedTensor<T> x, kernel, bias, residual, y;
};

template <class T>
void check_run(const Problem& problem, const Limits& limits, const Machine& machine,
               Random& random) {
  const Plan plan = plait::plan(problem, limits, machine);
  Arena<T> arena(problem, random);
  const RunReport report = arena.run(plan, limits.prepacked);
  const std::string context =
      to_string(problem) + " on " + std::string(name_of(machine.target)) + " by " +
      limits.algorithm + ", cap " + std::to_string(limits.max_workspace_bytes) + ", threads " +
      std::to_string(limits.threads) + ", L2 " + std::to_string(machine.caches.l2_bytes) +
      (limits.prepacked ? ", prepacked" : "");
  EXPECT_EQ(report.algorithm, limits.algorithm) << context;
  if (limits.algorithm != "reference") {
    EXPECT_EQ(report.target, machine.target) << context;
  }
  EXPECT_LE(plan.workspace_bytes(), limits.max_workspace_bytes) << context;
  const ErrorReport error = arena.error(plan.cost().error_bound);
  EXPECT_EQ(error.checked, element_count(problem.y_shape())) << context;
  EXPECT_LE(error.worst_bound_share, 1) << context;
  EXPECT_TRUE(arena.y.gaps_untouched()) << context;
  EXPECT_TRUE(arena.x.gaps_untouched()) << context;
}

Limits random_limits(const std::string& algorithm, Random& random) {
  static constexpr std::size_t kCaps[] = {0, 0, 3000, 20000, kNoWorkspaceCap, kNoWorkspaceCap};
  const bool needs_workspace = algorithm == "strips";
  Limits limits;
  limits.algorithm = algorithm;
  limits.threads = static_cast<int>(random.between(1, 3));
  limits.max_workspace_bytes = needs_workspace ? kNoWorkspaceCap : random.pick(kCaps);
  limits.prepacked = random.chance(0.5);
  return limits;
}

void sweep(const std::string& algorithm, const ProblemSpace& space, std::uint64_t seed) {
  for (const Target target : runnable_targets()) {
    Random random(seed);
    for (int i = 0; i < cases_per_target(); ++i) {
      const Problem problem = random_problem(random, space);
      const Machine machine =
          random.chance(0.5) ? with_fake_caches(on_target(target), random) : on_target(target);
      check_run<float>(problem, random_limits(algorithm, random), machine, random);
      if (testing::Test::HasFailure()) return;  // one problem line is enough to act on
    }
  }
}

TEST(Rooms, Im2colMatchesTheReference) { sweep("im2col", {.max_macs = 400'000}, 1); }

TEST(Rooms, PointwiseMatchesTheReference) {
  sweep("pointwise", {.max_macs = 400'000, .pointwise = true}, 2);
}

TEST(Rooms, StripsMatchTheReference) { sweep("strips", {.max_macs = 400'000}, 7); }

// The smallest workspace that strips ask for, and one byte less.
TEST(Rooms, StripsKeepToACapOrRefuseIt) {
  const Problem problem = parse_problem("1x16x20x30,24x16x3x3,p1");
  Limits limits{.threads = 1, .algorithm = "strips"};
  std::size_t smallest = plan(problem, limits).workspace_bytes();
  for (std::size_t cap = smallest; cap > 0; --cap) {
    limits.max_workspace_bytes = cap;
    try {
      smallest = plan(problem, limits).workspace_bytes();
      EXPECT_LE(smallest, cap);
      cap = smallest;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(std::to_string(cap)), std::string::npos)
          << error.what();
      break;
    }
  }
  EXPECT_LT(smallest, 20'000U);
  Random random(8);
  limits.max_workspace_bytes = smallest;
  check_run<float>(problem, limits, host_machine(), random);
}

TEST(Rooms, ReferenceIsWithinItsOwnBoundOnEveryOption) {
  Random random(3);
  for (int i = 0; i < cases_per_target(); ++i) {
    Problem problem = random_problem(random, {.max_macs = 50'000, .every_option = true});
    Limits limits = random_limits("reference", random);
    check_run<float>(problem, limits, host_machine(), random);
    problem.dtype = Dtype::f64;
    check_run<double>(problem, limits, host_machine(), random);
    if (HasFailure()) return;
  }
}

// Each line once fell off somebody's fast path (sources: bench/problems/odd.txt), or sits on an
// edge of the blocking.
TEST(Rooms, ThePublicOddShapesMatchTheReference) {
  Random random(4);
  for (const char* line :
       {"1x512x4x4,64x512x3x3,p1", "1x144x12x12,144x144x3x3,p1", "1x128x83x11,32x128x5x1,s3x1,p2x0",
        "1x17x31x29,13x17x3x3,p1", "4x8x32x32,8x8x5x5,p2", "2x1x15x700,4x1x5x200",
        "1x3x64x64,64x3x7x7,s2,p2_3_2_3", "1x64x14x14,64x4x3x3,p1,g16", "1x1x1x1,1x1x1x1",
        "1x1x1x1,1x1x3x3,p1", "1x2x3x4,3x2x3x4", "3x2x5x5,4x2x2x2,s4", "1x4x9x9,4x4x3x3,p4,d4"}) {
    for (const Target target : runnable_targets()) {
      for (const char* algorithm : {"im2col", "strips"}) {
        check_run<float>(parse_problem(line), {.threads = 2, .algorithm = algorithm},
                         on_target(target), random);
      }
    }
  }
}

// Rooms multiply padding zeros like the reference, so that 0 * inf meets at the same outputs.
TEST(Rooms, TreatNaNAndInfinityAsTheReferenceDoes) {
  Random random(5);
  for (const Target target : runnable_targets()) {
    for (const std::string algorithm : {"im2col", "pointwise", "strips"}) {
      const Problem problem = parse_problem(
          algorithm == "pointwise" ? "1x3x7x9,5x3x1x1,act=relu" : "1x3x7x9,5x3x3x3,p1,act=relu");
      Arena<float> arena(problem, random);
      arena.kernel.view()(2, 1, 0, 0) = std::numeric_limits<float>::infinity();
      arena.kernel.view()(4, 0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
      arena.x.view()(0, 1, 3, 4) = -std::numeric_limits<float>::infinity();
      const Plan plan = plait::plan(problem, {.algorithm = algorithm}, on_target(target));
      arena.run(plan, true);
      EXPECT_LE(arena.error(plan.cost().error_bound).worst_bound_share, 1)
          << algorithm << " on " << name_of(target);
    }
  }
}

// Subnormal data may be flushed to zero inside a run, within the bound; the caller's mode returns.
TEST(Rooms, SubnormalsStayWithinTheBoundAndTheModeIsRestored) {
  Random random(6);
  const Problem problem = parse_problem("1x8x10x10,8x8x3x3,p1");
  Arena<float> arena(problem, random);
  for (std::int64_t c = 0; c < 8; ++c) arena.x.view()(0, c, 5, 5) = 1e-42F;
  for (std::int64_t c = 0; c < 8; ++c) arena.kernel.view()(0, c, 1, 1) = 1e-41F;
  const Plan plan = plait::plan(problem, {.threads = 1, .algorithm = "im2col"});
  arena.run(plan, true);
  EXPECT_LE(arena.error(plan.cost().error_bound).worst_bound_share, 1);
  volatile float tiny = 1e-40F;
  EXPECT_GT(tiny * 0.5F, 0.0F) << "flush-to-zero was left on";
}

}  // namespace
}  // namespace plait::test
