// The bits of an output depend on the algorithm's name and the problem alone: not on threads, the
// batch it sits in, cache sizes, caps, packing, or AVX2 against AVX-512.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include <plait/plait.hpp>

#include "support/algorithms.hpp"
#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

struct Data {
  explicit Data(const Problem& problem) : x(problem.x_shape()), kernel(problem.weight_shape()) {
    Random random(7);
    fill_relu_like(x, random);
    fill_he(kernel, problem.depth(), random);
  }
  Tensor<float> x, kernel;
};

Tensor<float> run(const Problem& problem, const Data& data, const Limits& limits,
                  const Machine& machine) {
  const Plan plan = plait::plan(problem, limits, machine);
  Tensor<float> y(problem.y_shape());
  if (limits.prepacked) {
    plan.run(data.x, plan.pack(data.kernel), y);
  } else {
    plan.run<float>(data.x.view(), data.kernel.view(), {}, y.view());
  }
  return y;
}

struct BitsCase {
  std::string algorithm;
  std::string line;
};
void PrintTo(const BitsCase& test, std::ostream* out) {
  *out << test.algorithm << " " << test.line;
}

// Every algorithm with every line that it takes.
std::vector<BitsCase> bits_cases() {
  static constexpr std::array kLines = {"3x19x13x17,37x19x3x3,p1",
                                        "2x64x9x9,20x64x3x3,s2,p1",
                                        "2x32x12x12,32x8x3x3,p1,g4",
                                        "1x300x7x7,24x300x2x2",
                                        "2x32x12x12,32x8x5x3,p1,g4,d2,s3x2",
                                        "2x150x9x9,70x150x3x3,p1",
                                        "2x20x19x23,33x20x3x3,p2,d2x3",
                                        "2x20x19x23,33x20x3x1,p1x0",
                                        "3x35x9x31,33x35x1x7,p0x3",
                                        "3x19x13x17,37x19x5x5,p2",
                                        "2x70x11x9,20x70x5x5,p1",
                                        "3x70x13x17,37x70x1x1",
                                        "2x600x7x7,33x600x1x1",
                                        "2x64x12x12,20x64x1x1,s2",
                                        "2x60x7x7,64x60x1x1",
                                        "3x19x33x37,38x1x3x3,p1,g19",
                                        "2x6x29x31,6x1x5x5,s2,p2,g6",
                                        "2x3x40x43,6x1x25x27,p12,g3",
                                        "3x5x23x21,10x1x4x3,s2x3,d2,p3,g5",
                                        "2x40x17x19,40x1x7x7,p3,g40"};
  std::vector<BitsCase> cases;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    std::vector<std::string> taken = lines_for(algorithm.name, kLines);
    // One without tiles and tasks is slow, and does the same whatever the line.
    if (!traits_of(algorithm.name).is_vectorised && taken.size() > 2) taken.resize(2);
    for (const std::string& line : taken) cases.push_back({algorithm.name, line});
  }
  return cases;
}

class Bits : public testing::TestWithParam<BitsCase> {
 protected:
  Problem problem_ = parse_problem(GetParam().line);
  Data data_{problem_};
  Limits limits_ = only(GetParam().algorithm, 1);
};

TEST_P(Bits, DoNotDependOnThreads) {
  const Tensor<float> expected = run(problem_, data_, limits_, host_machine());
  for (const int threads : {2, 3, 7}) {
    limits_.threads = threads;
    EXPECT_TRUE(same_bytes(run(problem_, data_, limits_, host_machine()), expected)) << threads;
  }
}

TEST_P(Bits, DoNotDependOnCachesCapsOrPacking) {
  const Tensor<float> expected = run(problem_, data_, limits_, host_machine());
  Random random(8);
  for (int i = 0; i < 20; ++i) {
    static constexpr std::size_t kCaps[] = {0, 5000, 50000, kNoWorkspaceCap};
    const std::size_t cap = random.pick(kCaps);
    if (traits_of(GetParam().algorithm).keeps_any_cap) limits_.max_workspace_bytes = cap;
    limits_.prepacked = random.chance(0.5);
    limits_.threads = static_cast<int>(random.between(1, 3));
    const Machine machine = with_fake_caches(host_machine(), random);
    EXPECT_TRUE(same_bytes(run(problem_, data_, limits_, machine), expected))
        << "cap " << limits_.max_workspace_bytes << ", L2 " << machine.caches.l2_bytes;
  }
}

// Other rates choose other tiles: narrow, flat and tall ones must agree.
TEST_P(Bits, DoNotDependOnTheTile) {
  const Tensor<float> expected = run(problem_, data_, limits_, host_machine());
  for (const double fmas : {0.1, 0.5, 1.0, 2.0, 8.0}) {
    Machine machine = host_machine();
    machine.rates.vector_fmas_per_cycle = fmas;
    EXPECT_TRUE(same_bytes(run(problem_, data_, limits_, machine), expected)) << fmas;
  }
}

TEST_P(Bits, DoNotDependOnTheBatch) {
  const Tensor<float> batch = run(problem_, data_, limits_, host_machine());
  Problem single = problem_;
  single.n = 1;
  const std::int64_t x_image = data_.x.size() / problem_.n;
  const std::int64_t y_image = batch.size() / problem_.n;
  for (std::int64_t n = 0; n < problem_.n; ++n) {
    Data image(single);
    std::copy(data_.x.begin() + n * x_image, data_.x.begin() + (n + 1) * x_image, image.x.begin());
    image.kernel = data_.kernel;
    const Tensor<float> y = run(single, image, limits_, host_machine());
    EXPECT_EQ(std::memcmp(y.data(), batch.data() + n * y_image,
                          static_cast<std::size_t>(y_image) * sizeof(float)),
              0)
        << "image " << n;
  }
}

TEST_P(Bits, AreTheSameOnEveryTargetWithFusedMultiplyAdd) {
  std::vector<Target> fused;
  for (const Target target : runnable_targets()) {
    if (has_fused_multiply_add(target)) fused.push_back(target);
  }
  if (fused.size() < 2) GTEST_SKIP() << "this machine has fewer than two such targets";
  const Tensor<float> expected = run(problem_, data_, limits_, on_target(fused[0]));
  EXPECT_TRUE(same_bytes(run(problem_, data_, limits_, on_target(fused[1])), expected));
}

TEST_P(Bits, DoNotDependOnTheLayoutOfTheOutput) {
  const Tensor<float> expected = run(problem_, data_, limits_, host_machine());
  problem_.y_layout = Layout::nhwc;
  const Plan plan = plait::plan(problem_, limits_);
  Tensor<float> storage(problem_.y_shape());
  const TensorView<float> y(storage.data(), problem_.y_shape(), problem_.effective_y_strides());
  plan.run<float>(data_.x.view(), plan.pack(data_.kernel), y);
  EXPECT_TRUE(same_bytes(dense_copy(TensorView<const float>(y)), expected));
}

// Outputs that no cache holds go past the caches, in whole vectors only.
TEST_P(Bits, DoNotDependOnWhatTheCachesHold) {
  const Tensor<float> expected = run(problem_, data_, limits_, host_machine());
  problem_.y_layout = Layout::nhwc;
  Machine machine = host_machine();
  machine.caches.l3_bytes = 0;
  const Plan plan = plait::plan(problem_, limits_, machine);
  Tensor<float> storage({expected.size() + 1});
  for (const std::int64_t shift : {0, 1}) {
    const TensorView<float> y(storage.data() + shift, problem_.y_shape(),
                              problem_.effective_y_strides());
    plan.run<float>(data_.x.view(), plan.pack(data_.kernel), y);
    EXPECT_TRUE(same_bytes(dense_copy(TensorView<const float>(y)), expected)) << shift;
  }
}

TEST_P(Bits, DoNotDependOnTheLayoutOfTheInput) {
  const Tensor<float> expected = run(problem_, data_, limits_, host_machine());
  for (const Layout y_layout : {Layout::nchw, Layout::nhwc}) {
    problem_.x_layout = Layout::nhwc;
    problem_.y_layout = y_layout;
    Tensor<float> x_storage(problem_.x_shape());
    const TensorView<float> x(x_storage.data(), problem_.x_shape(), problem_.effective_x_strides());
    for (std::int64_t n = 0; n < problem_.n; ++n) {
      for (std::int64_t c = 0; c < problem_.c_i; ++c) {
        for (std::int64_t i = 0; i < problem_.h; ++i) {
          for (std::int64_t j = 0; j < problem_.w; ++j) x(n, c, i, j) = data_.x(n, c, i, j);
        }
      }
    }
    for (const int threads : {1, 2, 5}) {
      limits_.threads = threads;
      const Plan plan = plait::plan(problem_, limits_);
      Tensor<float> storage(problem_.y_shape());
      const TensorView<float> y(storage.data(), problem_.y_shape(), problem_.effective_y_strides());
      plan.run<float>(TensorView<const float>(x), plan.pack(data_.kernel), y);
      EXPECT_TRUE(same_bytes(dense_copy(TensorView<const float>(y)), expected));
    }
  }
}

// All that sum over (c, u, v) in chunks of 256 terms have the same bits.
TEST(BitsOfAlgorithms, AreThoseOfOneOrder) {
  static constexpr std::array kLines = {
      "2x64x9x9,20x64x3x3,s2,p1",          "1x300x7x7,70x300x3x3,p1",
      "2x32x12x12,32x8x5x3,p1,g4,d2,s3x2", "2x600x7x7,33x600x1x1",
      "1x3x30x40,6x1x3x3,p1,g3",           "1x3x30x40,3x1x5x5,s2,p2,g3",
      "1x1x40x50,2x1x25x27,p12",           "1x2x20x20,2x1x4x2,s2x3,d2,g2"};
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (!traits_of(algorithm.name).sums_in_chunks) continue;
    for (const std::string& line : lines_for(algorithm.name, kLines)) {
      const Problem problem = parse_problem(line);
      const Data data(problem);
      for (const Target target : runnable_targets()) {
        const Machine machine = on_target(target);
        EXPECT_TRUE(same_bytes(run(problem, data, only(algorithm.name), machine),
                               run(problem, data, only("direct/pixels"), machine)))
            << algorithm.name << " " << line << " on " << name_of(target);
      }
    }
  }
}

std::string case_name(const testing::TestParamInfo<BitsCase>& info) {
  return identifier_of(info.param.algorithm) + "_" + std::to_string(info.index);
}
INSTANTIATE_TEST_SUITE_P(Algorithms, Bits, testing::ValuesIn(bits_cases()), case_name);

}  // namespace
}  // namespace plait::test
