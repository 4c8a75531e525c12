// Every activation at special values: through every algorithm on every target, as the bias alone
// and as the residual.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/plait.hpp>

#include "support/calls.hpp"
#include "support/random.hpp"

namespace plait::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array kActivations = {"none",       "relu",       "relu6",    "leaky:0",
                                     "leaky:0.01", "leaky:-0.5", "hswish",   "silu",
                                     "sigmoid",    "tanh",       "leaky:1.5"};
constexpr std::int64_t kValues = 46;

Activation activation_of(const std::string& name) {
  return name == "none" ? Activation{} : parse_activation(name);
}

// Both signs of each: where numbers end, where hswish, relu6 and silu bend, around where an
// exponential overflows f32, and far beyond.
template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  const T three = 3;
  const T six = 6;
  std::vector<T> values;
  for (const T size : {T{0},
                       Limits::denorm_min(),
                       std::nextafter(Limits::min(), T{0}),
                       Limits::min(),
                       T(1e-30),
                       T(1e-7),
                       T{1},
                       T(2.4),
                       std::nextafter(three, T{0}),
                       three,
                       std::nextafter(three, six),
                       std::nextafter(six, three),
                       six,
                       std::nextafter(six, T{7}),
                       T{20},
                       T{88},
                       T{89},
                       T{104},
                       T{200},
                       T(1e30),
                       Limits::max(),
                       Limits::infinity(),
                       Limits::quiet_NaN()}) {
    values.push_back(size);
    values.push_back(-size);
  }
  return values;
}

// How many numbers apart two of the same sign are.
template <class T>
std::int64_t distance(T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  return std::abs(std::int64_t{std::bit_cast<Bits>(a)} - std::int64_t{std::bit_cast<Bits>(b)});
}

// Whether a result is the exact one to two units in the last place: the same kind of value, and of
// the same sign even where it is 0. Subnormal results may have become 0.
template <class T>
bool agrees(T got, long double exact) {
  if (std::isnan(exact)) return std::isnan(got);
  const T rounded = static_cast<T>(exact);
  if (std::isinf(rounded)) return got == rounded;
  if (std::signbit(got) != std::signbit(rounded)) return false;
  const T least = std::numeric_limits<T>::min();
  if (std::abs(rounded) < least) return std::abs(got) <= least;
  return distance(got, rounded) <= 2;
}

// The formulas once more, with the limits said aloud.
long double formula(const Activation& activation, long double v) {
  using enum ActivationKind;
  const auto sigmoid_of = [](long double u) {
    return u < 0 ? std::exp(u) / (1 + std::exp(u)) : 1 / (1 + std::exp(-u));
  };
  if (std::isnan(v)) return v;
  switch (activation.kind) {
    case none:
      return v;
    case relu:
      return v < 0 ? 0 : v;
    case relu6:
      return v < 0 ? 0 : v > 6 ? 6 : v;
    case leaky:
      if (v < 0 && activation.slope == 0) return -0.0L;
      return v < 0 ? activation.slope * v : v;
    case hswish:
      return v <= -3 ? -0.0L : v >= 3 ? v : v * (v + 3) / 6;
    case silu:
      return v < -2000 ? -0.0L : v * sigmoid_of(v);
    case sigmoid:
      return sigmoid_of(v);
    case tanh:
      return std::tanh(v);
  }
  return v;
}

TEST(ActivationValues, OfTheDefinitionAreTheFormulas) {
  const std::vector<double> values = special_values<double>();
  ASSERT_EQ(std::ssize(values), kValues);
  for (const std::string name : kActivations) {
    const Activation activation = activation_of(name);
    for (const double v : values) {
      const double got = apply(activation, v);
      const long double exact = formula(activation, static_cast<long double>(v));
      EXPECT_TRUE(agrees(got, exact)) << name << " of " << v << " is " << got << ", not " << exact;
    }
  }
}

TEST(ActivationValues, AtAnInfinityAreTheLimits) {
  struct Row {
    const char* name;
    double below, above;
  };
  for (const Row& row :
       {Row{"none", -kInfinity, kInfinity}, Row{"relu", 0, kInfinity}, Row{"relu6", 0, 6},
        Row{"leaky:0", -0.0, kInfinity}, Row{"leaky:-0", 0, kInfinity},
        Row{"leaky:0.01", -kInfinity, kInfinity}, Row{"leaky:1.5", -kInfinity, kInfinity},
        Row{"leaky:-0.5", kInfinity, kInfinity}, Row{"leaky:1e-300", -kInfinity, kInfinity},
        Row{"hswish", -0.0, kInfinity}, Row{"silu", -0.0, kInfinity}, Row{"sigmoid", 0, 1},
        Row{"tanh", -1, 1}}) {
    const Activation activation = activation_of(row.name);
    const double below = apply(activation, -kInfinity);
    EXPECT_EQ(below, row.below) << row.name;
    EXPECT_EQ(std::signbit(below), std::signbit(row.below)) << row.name;
    EXPECT_EQ(apply(activation, kInfinity), row.above) << row.name;
    EXPECT_TRUE(std::isnan(apply(activation, kNan))) << row.name;
  }
}

enum class Fed { as_bias, as_residual };

// A layer whose x is 0, so that its sums are what is fed to it.
template <class T>
class ZeroLayer {
 public:
  ZeroLayer(const std::string& line, const std::string& activation, Fed fed)
      : problem_(parse_problem(line + (fed == Fed::as_bias ? ",bias" : ",res") +
                               (sizeof(T) == 8 ? ",f64" : "") +
                               (activation == "none" ? "" : ",act=" + activation))),
        operands_(problem_) {
    std::fill_n(operands_.x.data(), operands_.x.size(), T{0});
    Tensor<T>& fed_to = fed == Fed::as_bias ? operands_.bias : operands_.residual;
    const std::vector<T> values = special_values<T>();
    for (std::int64_t i = 0; i < fed_to.size(); ++i) {
      fed_to.data()[i] = values[static_cast<std::size_t>(i % kValues)];
    }
  }

  // What is wrong with the output; "refused" where the algorithm does not take the layer.
  std::string failure(const std::string& algorithm, const Machine& machine) {
    Limits limits;
    limits.algorithm = algorithm;
    limits.accuracy = Accuracy::relaxed;
    limits.threads = 1;
    try {
      const Plan made = plan(problem_, limits, machine);
      Tensor<T> y = poisoned<T>(problem_.y_shape());
      const TensorView<T> view{y.data(), y.shape(), problem_.effective_y_strides()};
      RunOptions<T> options;
      if (problem_.residual) options.residual = residual();
      made.run<T>({operands_.x.data(), problem_.x_shape(), problem_.effective_x_strides()},
                  made.pack<T>(operands_.kernel.view(), operands_.bias_view()), view, options);
      return difference(view);
    } catch (const Error& error) {
      return error.status() == Status::unsupported ? "refused" : error.what();
    }
  }

 private:
  TensorView<const T> residual() const {
    return {operands_.residual.data(), problem_.y_shape(), problem_.effective_residual_strides()};
  }

  std::string difference(TensorView<const T> y) const {
    const Dims shape = y.shape();
    for (std::int64_t o = 0; o < shape[1]; ++o) {
      for (std::int64_t i = 0; i < shape[2]; ++i) {
        for (std::int64_t j = 0; j < shape[3]; ++j) {
          const T v = problem_.bias ? operands_.bias(o) : residual()(0, o, i, j);
          if (is_right(v, y(0, o, i, j))) continue;
          std::ostringstream text;
          text << v << " became " << y(0, o, i, j) << " in channel " << o << " at " << i << ", "
               << j;
          return text.str();
        }
      }
    }
    return "";
  }

  bool is_right(T v, T got) const {
    const double exact = apply(problem_.activation, static_cast<double>(v));
    // A subnormal may be flushed to zero, and loses its sign when it is added to one.
    const T least = std::numeric_limits<T>::min();
    if (std::abs(v) < least) return std::abs(static_cast<double>(got) - exact) <= 2 * least;
    return agrees(got, static_cast<long double>(exact));
  }

  Problem problem_;
  Operands<T> operands_;
};

// One channel per value, so that the bias has them all.
constexpr std::array kLines = {
    "1x3x9x11,46x3x3x3,p1",      "1x3x9x11,46x3x3x3,p1,nhwc",      "1x3x9x11,46x3x1x1",
    "1x3x9x11,46x3x1x1,nhwc",    "1x2x9x11,46x2x5x5,p2",           "1x2x5x20,46x2x1x7,p0x3",
    "1x46x9x11,46x1x3x3,p1,g46", "1x46x9x11,46x1x3x3,p1,g46,nhwc", "1x46x9x11,46x1x5x5,p2,g46"};

TEST(ActivationValues, AreThoseOfTheDefinitionInEveryAlgorithmOnEveryTarget) {
  std::set<std::string> all;
  for (const AlgorithmInfo& algorithm : algorithms()) all.insert(algorithm.name);
  for (const Target target : runnable_targets()) {
    const Machine machine = on_target(target);
    std::set<std::string> taken;
    for (const std::string line : kLines) {
      for (const std::string activation : kActivations) {
        for (const Fed fed : {Fed::as_bias, Fed::as_residual}) {
          ZeroLayer<float> layer(line, activation, fed);
          for (const std::string& algorithm : all) {
            const std::string failure = layer.failure(algorithm, machine);
            if (failure == "refused") continue;
            taken.insert(algorithm);
            EXPECT_EQ(failure, "")
                << algorithm << " on " << name_of(target) << ", " << activation
                << (fed == Fed::as_bias ? " of the bias, " : " of the residual, ") << line;
          }
        }
      }
    }
    EXPECT_EQ(taken, all) << name_of(target);
  }
}

TEST(ActivationValues, AreThoseOfTheDefinitionInF64) {
  for (const std::string activation : kActivations) {
    for (const Fed fed : {Fed::as_bias, Fed::as_residual}) {
      ZeroLayer<double> layer(kLines.front(), activation, fed);
      EXPECT_EQ(layer.failure("reference", host_machine()), "") << activation;
    }
  }
}

// A slope that is 0 only where subnormals are flushed would lose its infinity.
TEST(ActivationValues, OfASlopeTooSmallForF32AreLeftToTheReference) {
  for (const std::string slope : {"1e-60", "1e-40", "-1e-40"}) {
    ZeroLayer<float> layer(kLines.front(), "leaky:" + slope, Fed::as_bias);
    for (const AlgorithmInfo& algorithm : algorithms()) {
      EXPECT_EQ(layer.failure(algorithm.name, host_machine()),
                algorithm.name == "reference" ? "" : "refused")
          << algorithm.name;
    }
  }
}

}  // namespace
}  // namespace plait::test
