// The reference's sums with numbers that count what is done with them, against the ledger.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <plait/analysis/layer_cost.hpp>

#include "algorithms/reference/sums.hpp"
#include "analysis/verify/random_case.hpp"
#include "core/problem/padding.hpp"
#include "core/random.hpp"

namespace plait::test {
namespace {

struct Tally {
  std::int64_t multiplications = 0;
  std::int64_t additions = 0;
  bool padding_counts = true;
};
// Of the number type below, whose operators have no other way to it.
Tally tally;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

// A number that is there or not: nothing times a number is nothing, and a number added to nothing
// is that number. Neither is an operation. Padding is made of a double.
class Number {
 public:
  Number() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): as the reference fills in padding
  Number(double padding) : there_(padding != 0 || tally.padding_counts) {}
  static Number given() {
    Number number;
    number.there_ = true;
    return number;
  }

  friend Number operator*(const Number& a, const Number& b) {
    if (!a.there_ || !b.there_) return {};
    ++tally.multiplications;
    return given();
  }
  Number& operator+=(const Number& other) {
    if (there_ && other.there_) ++tally.additions;
    there_ = there_ || other.there_;
    return *this;
  }

 private:
  bool there_ = false;
};

std::vector<Number> numbers(const Dims& shape, const Dims& strides, const Number*& first) {
  std::int64_t below = 0;
  std::int64_t above = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t reach = (shape[axis] - 1) * strides[axis];
    (reach < 0 ? below : above) += reach;
  }
  std::vector<Number> data(static_cast<std::size_t>(above - below + 1), Number::given());
  first = data.data() - below;
  return data;
}

template <class F>
void for_each(const Dims& shape, const F& f) {
  for (std::int64_t a = 0; a < shape[0]; ++a) {
    for (std::int64_t b = 0; b < shape[1]; ++b) {
      for (std::int64_t c = 0; c < shape[2]; ++c) {
        for (std::int64_t d = 0; d < shape[3]; ++d) f(a, b, c, d);
      }
    }
  }
}

// Runs the reference's sums of the problem's direction.
Tally count(const Problem& p, bool padding_counts) {
  tally = {0, 0, padding_counts};
  const Number* x = nullptr;
  const Number* kernel = nullptr;
  const Number* dy = nullptr;
  const auto x_data = numbers(p.x_shape(), p.effective_x_strides(), x);
  const auto kernel_data = numbers(p.weight_shape(), dense_strides(p.weight_shape()), kernel);
  const auto dy_data = numbers(p.y_shape(), p.effective_y_strides(), dy);
  const auto go_on = [] { return false; };
  switch (p.direction) {
    case Direction::forward:
      for_each(p.y_shape(), [&](auto n, auto o, auto i, auto j) {
        Number sum;
        algorithm::reference::for_each_product(
            p, x, kernel, n, o, i, j,
            [&](const Number& value, const Number& weight) { sum += value * weight; });
        // The bias is added whatever the sum holds.
        if (p.bias) ++tally.additions;
      });
      break;
    case Direction::backward_data:
      for_each(p.x_shape(), [&](auto n, auto c, auto row, auto column) {
        algorithm::reference::data_gradient(p, dy, kernel, n, c, row, column);
      });
      break;
    case Direction::backward_weights:
      for_each(p.weight_shape(), [&](auto o, auto c, auto u, auto v) {
        algorithm::reference::weight_gradient(p, x, dy, o, c, u, v, go_on);
      });
      break;
    case Direction::backward_bias:
      for (std::int64_t o = 0; o < p.c_o; ++o) algorithm::reference::bias_gradient(p, dy, o, go_on);
      break;
  }
  return tally;
}

// The layer over an input that holds its padding: what backward_data scatters into.
Problem padded(Problem p) {
  p.h += p.padding.top + p.padding.bottom;
  p.w += p.padding.left + p.padding.right;
  p.padding = Padding(0);
  p.padding_mode = PaddingMode::zeros;
  p.padding_value = 0;
  p.x_strides.reset();
  return p;
}

TEST(Counting, TheReferenceDoesWhatTheLedgerSays) {
  Random random(17);
  std::int64_t grouped = 0;
  std::int64_t dilated = 0;
  for (int i = 0; i < 500; ++i) {
    Problem p = random_problem(random, 2000);
    grouped += p.groups > 1 ? 1 : 0;
    dilated += p.dilation.h > 1 ? 1 : 0;
    for (const Direction direction : {Direction::forward, Direction::backward_data,
                                      Direction::backward_weights, Direction::backward_bias}) {
      p.direction = direction;
      if (direction == Direction::backward_data) p.x_strides.reset();
      const LayerCost told = cost(p);
      const std::string what = to_string(p);
      const bool scatters = direction == Direction::backward_data && padding_is_one_value(p);
      const Tally all = count(scatters ? padded(p) : p, true);
      ASSERT_EQ(all.multiplications, told.multiplications) << what;
      ASSERT_EQ(all.additions, told.additions) << what;
      if (p.padding_mode == PaddingMode::constant && scatters) continue;
      const Tally real = count(p, false);
      ASSERT_EQ(real.multiplications, told.multiplications_without_padding) << what;
      ASSERT_EQ(real.additions, told.additions_without_padding) << what;
    }
  }
  EXPECT_GT(grouped, 50);
  EXPECT_GT(dilated, 50);
}

}  // namespace
}  // namespace plait::test
