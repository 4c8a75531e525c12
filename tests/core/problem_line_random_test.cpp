#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <plait/problem.hpp>

#include "core/values.hpp"

namespace plait {
namespace {

// A valid problem that uses any of the options, and counts those it uses.
class RandomProblem {
 public:
  explicit RandomProblem(std::uint64_t seed) : random_(seed) {}

  Problem draw() {
    for (;;) {
      Problem p = candidate();
      try {
        validate(p);
        return p;
      } catch (const Error&) {  // draw again
      }
    }
  }

 private:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool sometimes() { return below(3) == 0; }
  template <class Enum>
  Enum any(Enum last) {
    return static_cast<Enum>(below(static_cast<std::int64_t>(last) + 1));
  }

  // Any finite bits: every exponent, subnormals and -0 included.
  double real() {
    for (;;) {
      const double value =
          sometimes() ? static_cast<double>(below(21) - 10) / 8 : std::bit_cast<double>(random_());
      if (std::isfinite(value)) return value;
    }
  }

  Dims strides(const Dims& shape) {
    Dims result = layout_strides(shape, any(Layout::nhwc));
    for (int axis = 0; axis < 4; ++axis) {
      if (sometimes()) result[axis] = -result[axis];
      if (sometimes()) result[axis] *= 3;
    }
    return result;
  }

  Problem candidate() {
    Problem p;
    p.groups = sometimes() ? 1 + below(4) : 1;
    p.n = 1 + below(3);
    p.c_i = p.groups * (1 + below(70));
    p.c_o = p.groups * (1 + below(70));
    p.h = 1 + below(40);
    p.w = 1 + below(40);
    p.k_h = 1 + below(7);
    p.k_w = 1 + below(7);
    if (sometimes()) p.stride = sometimes() ? Pair(1 + below(4)) : Pair(1 + below(4), 1 + below(4));
    if (sometimes()) p.dilation = sometimes() ? Pair(2) : Pair(1 + below(4), 1 + below(4));
    switch (below(4)) {
      case 0:
        p.padding = below(4);
        break;
      case 1:
        p.padding = {below(4), below(4)};
        break;
      case 2:
        p.padding = {below(4), below(4), below(4), below(4)};
        break;
      default:
        p.padding = same_padding(p, sometimes());
    }
    p.padding_mode = any(PaddingMode::symmetric);
    if (p.padding_mode == PaddingMode::constant) p.padding_value = real();
    p.bias = sometimes();
    p.residual = sometimes();
    p.activation.kind = any(ActivationKind::tanh);
    if (p.activation.kind == ActivationKind::leaky) p.activation.slope = real();
    p.dtype = any(Dtype::u8);
    p.direction = any(Direction::backward_bias);
    p.x_layout = any(Layout::nhwc);
    p.y_layout = any(Layout::nhwc);
    if (sometimes()) p.x_strides = strides(p.x_shape());
    if (sometimes()) p.y_strides = strides(p.y_shape());
    if (p.residual && sometimes()) p.residual_strides = strides(p.y_shape());
    return p;
  }

  std::mt19937_64 random_;
};

// The option without its value: "s", "act=leaky", "xstrides=".
std::string kind_of(const std::string& option) {
  const std::size_t value = option.find_first_of("-0123456789");
  for (const std::string_view word : {"relu6", "f32", "f64", "bf16", "i8", "u8"}) {
    if (option.ends_with(word)) return option;
  }
  return option.substr(0, value);
}

TEST(ProblemLine, RoundTrips) {
  RandomProblem source(6);
  std::mt19937_64 random(7);
  std::map<std::string, int> uses;
  for (int round = 0; round < 5000; ++round) {
    const Problem p = source.draw();
    const std::string line = to_string(p);
    ASSERT_EQ(parse_problem(line), p) << line;
    ASSERT_EQ(to_string(parse_problem(line)), line);

    // The order of the options does not matter, nor does the space around commas.
    std::vector<std::string> fields;
    for (const std::string_view field : split(line, ',')) fields.emplace_back(field);
    std::shuffle(fields.begin() + 2, fields.end(), random);
    std::string shuffled = "name:";
    for (const std::string& field : fields) {
      shuffled += std::string(random() % 2, ' ') + field + std::string(random() % 2, '\t') + ",";
    }
    shuffled.pop_back();
    ASSERT_EQ(parse_problem(shuffled), p) << shuffled;

    for (std::size_t i = 2; i < fields.size(); ++i) ++uses[kind_of(fields[i])];
  }
  for (const char* option : {"s",
                             "p",
                             "d",
                             "g",
                             "bias",
                             "res",
                             "reflect",
                             "symmetric",
                             "replicate",
                             "circular",
                             "pconst=",
                             "act=relu",
                             "act=relu6",
                             "act=leaky:",
                             "act=hswish",
                             "act=silu",
                             "act=sigmoid",
                             "act=tanh",
                             "f64",
                             "bf16",
                             "i8",
                             "u8",
                             "nhwc",
                             "nchw>nhwc",
                             "nhwc>nchw",
                             "xstrides=",
                             "backward_data",
                             "backward_weights",
                             "backward_bias",
                             "ystrides=",
                             "rstrides="}) {
    EXPECT_GT(uses[option], 50) << option;
  }
}

TEST(ProblemLine, SurvivesAnyText) {
  RandomProblem source(8);
  std::mt19937_64 random(9);
  const std::string_view pieces = "0123456789x,,:_=-+.spdgeact rfiuhn>w\t\n\0\xff#";
  int refused = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string line = to_string(source.draw());
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % (line.size() + 1);
      switch (random() % 3) {
        case 0:
          line.insert(at, 1, pieces[random() % pieces.size()]);
          break;
        case 1:
          line.erase(at, 1 + random() % 3);
          break;
        default:
          line.insert(at, line.substr(random() % (line.size() + 1), random() % 12));
      }
    }
    try {
      const Problem p = parse_problem(line);
      ASSERT_EQ(parse_problem(to_string(p)), p) << line;
    } catch (const Error& error) {
      const std::string message = error.what();
      ASSERT_TRUE(message.starts_with("column ")) << message;
      ASSERT_EQ(message.find('\n'), std::string::npos);
      const std::size_t column = std::stoul(message.substr(7));
      ASSERT_GE(column, 1u);
      ASSERT_LE(column, line.size() + 1) << message;
      ++refused;
    }
  }
  EXPECT_GT(refused, 10000);
  EXPECT_LT(refused, 50000);
}

}  // namespace
}  // namespace plait
