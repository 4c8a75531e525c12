// The reference's gradients: adjoint identities, finite differences, and what a run refuses.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "analysis/test_data.hpp"
#include "analysis/verify/random_case.hpp"
#include "core/random.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

// Memory for an operand with its own strides, and what lies at its elements.
template <class T>
class Strided {
 public:
  explicit Strided(const Operand& operand) : operand_(operand) {
    std::int64_t below = 0;
    std::int64_t above = 0;
    for (int axis = 0; axis < operand.shape.rank(); ++axis) {
      const std::int64_t reach = (operand.shape[axis] - 1) * operand.strides[axis];
      (reach < 0 ? below : above) += reach;
    }
    data_.resize(static_cast<std::size_t>(above - below + 1));
    first_ = -below;
  }
  TensorView<T> view() { return {data_.data() + first_, operand_.shape, operand_.strides}; }
  void fill(Random& random) {
    for (T& value : data_) value = static_cast<T>(random.normal());
  }

 private:
  Operand operand_;
  std::vector<T> data_;
  std::int64_t first_ = 0;
};

template <class T>
double dot(TensorView<const T> a, TensorView<const T> b) {
  const Tensor<T> x = dense_copy(a);
  const Tensor<T> y = dense_copy(b);
  double sum = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    sum += static_cast<double>(x.data()[i]) * static_cast<double>(y.data()[i]);
  }
  return sum;
}
// Of the magnitudes: what rounding is measured by.
template <class T>
double magnitude(TensorView<const T> a, TensorView<const T> b) {
  return std::sqrt(dot(a, a) * dot(b, b));
}

Problem in_direction(Problem problem, Direction direction) {
  problem.direction = direction;
  if (direction == Direction::backward_data && problem.x_strides &&
      may_self_overlap(problem.x_shape(), *problem.x_strides)) {
    problem.x_strides.reset();
  }
  return problem;
}

// A layer, dy, and the gradients that plans of the reference give.
template <class T>
struct Gradients {
  Gradients(const Problem& given, Random& random)
      : layer(given),
        x(first_operand(layer)),
        kernel(second_operand(layer)),
        y(result_operand(layer)),
        dy(result_operand(layer)),
        dx(result_operand(in_direction(layer, Direction::backward_data))),
        dk(result_operand(in_direction(layer, Direction::backward_weights))),
        dbias(result_operand(in_direction(layer, Direction::backward_bias))) {
    x.fill(random);
    kernel.fill(random);
    dy.fill(random);
    forward(y);
    const Plan data = plan(in_direction(layer, Direction::backward_data));
    data.run<T>(dy.view(), data.pack<T>(kernel.view()), dx.view());
    plan(in_direction(layer, Direction::backward_weights))
        .run<T>(x.view(), dy.view(), {}, dk.view());
    plan(in_direction(layer, Direction::backward_bias)).run<T>(dy.view(), {}, {}, dbias.view());
  }

  void forward(Strided<T>& to) {
    Limits limits;
    limits.algorithm = "reference";
    const Plan made = plan(layer, limits);
    made.run<T>(x.view(), made.pack<T>(kernel.view()), to.view());
  }
  double objective() {
    Strided<T> now(result_operand(layer));
    forward(now);
    return dot<T>(now.view(), dy.view());
  }

  Problem layer;
  Strided<T> x, kernel, y, dy, dx, dk, dbias;
};

Problem plain_layer(Random& random, Dtype dtype) {
  Problem p = random_problem(random, 3000);
  p.activation = {};
  p.residual = p.bias = false;
  p.residual_strides.reset();
  p.dtype = dtype;
  if (p.x_strides && may_self_overlap(p.x_shape(), *p.x_strides)) p.x_strides.reset();
  return p;
}

// sum(dy * conv(x, K)) = sum(dx * x) = sum(dK * K), as each is linear in x and in K; with padding
// of another value than 0, only in K.
template <class T>
void check_adjoints(Dtype dtype, double tolerance, std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 300; ++i) {
    const Problem p = plain_layer(random, dtype);
    Gradients<T> g(p, random);
    const double expected = dot<T>(g.dy.view(), g.y.view());
    const double scale = tolerance * (magnitude<T>(g.dy.view(), g.y.view()) + 1);
    const std::string what = to_string(p);
    if (p.padding_value == 0) {
      ASSERT_NEAR(dot<T>(g.dx.view(), g.x.view()), expected,
                  scale + tolerance * magnitude<T>(g.dx.view(), g.x.view()))
          << what;
    }
    ASSERT_NEAR(dot<T>(g.dk.view(), g.kernel.view()), expected,
                scale + tolerance * magnitude<T>(g.dk.view(), g.kernel.view()))
        << what;
    Tensor<T> ones({p.c_o});
    for (T& value : ones) value = 1;
    Tensor<T> all(p.y_shape());
    for (T& value : all) value = 1;
    ASSERT_NEAR(dot<T>(g.dbias.view(), ones.view()), dot<T>(g.dy.view(), all.view()),
                tolerance * magnitude<T>(g.dy.view(), all.view()))
        << what;
  }
}

TEST(Gradients, AreAdjointInF64) { check_adjoints<double>(Dtype::f64, 1e-13, 3); }
TEST(Gradients, AreAdjointInF32) { check_adjoints<float>(Dtype::f32, 1e-6, 4); }

// y is linear in each of x, K and the bias, so that a difference over any step is the derivative.
TEST(Gradients, AreFiniteDifferences) {
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const Problem p = plain_layer(random, Dtype::f64);
    Gradients<double> g(p, random);
    const auto check = [&](Strided<double>& operand, Strided<double>& gradient) {
      const Dims shape = operand.view().shape();
      const auto element = [&](std::int64_t index) {
        std::array<std::int64_t, 4> at{};
        for (int axis = 3; axis >= 0; --axis) {
          at[static_cast<std::size_t>(axis)] = index % shape[axis];
          index /= shape[axis];
        }
        return at;
      };
      for (int sample = 0; sample < 4; ++sample) {
        const auto [a, b, c, d] = element(random.between(0, element_count(shape) - 1));
        double& value = operand.view()(a, b, c, d);
        const double before = value;
        const double step = 0.5;
        value = before + step;
        const double above = g.objective();
        value = before - step;
        const double below = g.objective();
        value = before;
        ASSERT_NEAR((above - below) / (2 * step), gradient.view()(a, b, c, d),
                    1e-10 * (std::abs(above) + std::abs(below) + 1))
            << to_string(p);
      }
    };
    check(g.x, g.dx);
    check(g.kernel, g.dk);
  }
}

TEST(Gradients, OfASmallLayerByHand) {
  const float dy[] = {1, 2, 3, 4};
  const float kernel[] = {1, 10, 100, 1000};
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  Tensor<float> dx({1, 1, 3, 3});
  const Plan data = plan("1x1x3x3,1x1x2x2,backward_data");
  EXPECT_EQ(data.algorithm(), "reference");
  data.run<float>({dy, {1, 1, 2, 2}}, data.pack<float>({kernel, {1, 1, 2, 2}}), dx.view());
  const std::vector<float> expected = {1, 12, 20, 103, 1234, 2040, 300, 3400, 4000};
  EXPECT_EQ(std::vector<float>(dx.begin(), dx.end()), expected);
  Tensor<float> dk({1, 1, 2, 2});
  plan("1x1x3x3,1x1x2x2,backward_weights")
      .run<float>({x, {1, 1, 3, 3}}, {dy, {1, 1, 2, 2}}, {}, dk.view());
  EXPECT_EQ(std::vector<float>(dk.begin(), dk.end()), (std::vector<float>{37, 47, 67, 77}));
  Tensor<float> dbias({1});
  plan("1x1x3x3,1x1x2x2,bias,backward_bias").run<float>({dy, {1, 1, 2, 2}}, {}, {}, dbias.view());
  EXPECT_EQ(dbias.data()[0], 10);
}

TEST(Gradients, RefuseWhatTheyDoNotKnow) {
  const auto refusal = [](const std::string& line) {
    return error_of(Status::unsupported, [&] { plan(line); });
  };
  expect_contains(refusal("1x1x3x3,1x1x2x2,act=relu,backward_data"),
                  "multiply dy by the slope of relu");
  expect_contains(refusal("1x1x3x3,1x1x2x2,res,backward_weights"), "that of the residual is dy");
  expect_contains(refusal("1x1x3x3,1x1x2x2,backward_bias,i8"), "only f32 and f64");
  expect_contains(refusal("1x1x1x1,1x1x1x33554433,p0x16777216,backward_data"), "taps");
}

TEST(Gradients, NameWhatIsWrongWithAnOperand) {
  Tensor<float> x({1, 2, 5, 5});
  Tensor<float> dy({1, 3, 3, 3});
  Tensor<float> dk({3, 2, 3, 3});
  Tensor<float> other({1, 3, 3, 3});
  const auto refusal = [](auto call) { return error_of(Status::invalid_argument, call); };
  const Plan weights = plan("1x2x5x5,3x2x3x3,backward_weights");
  const TensorView<const float> none;
  expect_contains(refusal([&] { weights.run<float>(dy.view(), dy.view(), none, dk.view()); }),
                  "x must be 1x2x5x5 for this plan but is 1x3x3x3");
  expect_contains(refusal([&] { weights.run<float>(x.view(), x.view(), none, dk.view()); }),
                  "dy must be 1x3x3x3 for this plan but is 1x2x5x5");
  expect_contains(refusal([&] { weights.run<float>(x.view(), dy.view(), none, other.view()); }),
                  "dweight must be 3x2x3x3");
  expect_contains(refusal([&] { weights.pack<float>(dk.view()); }),
                  "backward_weights reads no weight that could be packed");
  const Plan data = plan("1x2x5x5,3x2x3x3,bias,backward_data");
  Tensor<float> bias({3});
  expect_contains(refusal([&] { data.pack<float>(dk.view(), bias.view()); }),
                  "gradients do not read it");
  const Packed packed = data.pack<float>(dk.view());
  expect_contains(refusal([&] { data.run<float>(x.view(), packed, x.view()); }),
                  "dy must be 1x3x3x3");
  const Plan biases = plan("1x2x5x5,3x2x3x3,backward_bias");
  expect_contains(refusal([&] { biases.run<float>(dy.view(), dy.view(), none, bias.view()); }),
                  "reads dy alone");
}

TEST(Gradients, AreNotVerifiedLikeOutputs) {
  VerifyOptions options;
  options.problems = {parse_problem("1x1x3x3,1x1x2x2,backward_data")};
  expect_contains(error_of(Status::unsupported, [&] { verify(options); }),
                  "verify checks the forward direction, not backward_data");
  expect_contains(
      error_of(Status::unsupported, [&] { compare(options.problems[0], "reference", "im2col"); }),
      "outputs are compared in the forward direction, not backward_data");
}

TEST(Gradients, CountTheirProducts) {
  for (const std::string direction :
       {"forward", "backward_data", "backward_weights", "backward_bias"}) {
    Problem p = parse_problem("2x4x9x8,6x2x3x3,s2,p1,g2,f64");
    p.direction = parse_direction(direction);
    Limits limits;
    limits.algorithm = "reference";
    limits.prepacked = false;
    const Plan made = plan(p, limits);
    Strided<double> in(first_operand(p));
    Strided<double> second(second_operand(p));
    Strided<double> out(result_operand(p));
    RunReport report;
    RunOptions<double> options;
    options.report = &report;
    made.run<double>(in.view(),
                     direction == "backward_bias" ? TensorView<const double>() : second.view(), {},
                     out.view(), options);
    EXPECT_EQ(report.multiplications, made.cost().multiplications) << direction;
    EXPECT_EQ(report.additions, made.cost().additions) << direction;
    EXPECT_EQ(report.multiplications, direction == "backward_data"
                                          ? cost(p).multiplications_without_padding
                                          : cost(p).multiplications);
  }
}

TEST(Gradients, AreCancelled) {
  for (const std::string direction : {"backward_data", "backward_weights", "backward_bias"}) {
    Problem p = parse_problem("1x2x40x40,2x2x3x3," + direction);
    Strided<float> in(first_operand(p));
    Strided<float> second(second_operand(p));
    Strided<float> out(result_operand(p));
    const std::atomic<bool> cancel{true};
    RunOptions<float> options;
    options.cancel = &cancel;
    Limits limits;
    limits.prepacked = false;
    expect_contains(error_of(Status::cancelled,
                             [&] {
                               plan(p, limits).run<float>(in.view(),
                                                          direction == "backward_bias"
                                                              ? TensorView<const float>()
                                                              : second.view(),
                                                          {}, out.view(), options);
                             }),
                    "cancelled");
  }
}

}  // namespace
}  // namespace plait::test
