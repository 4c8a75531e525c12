// The plain definition of convolution, one output at a time: the oracle of every test.
#pragma once

#include <cmath>
#include <cstdint>

#include <plait/problem.hpp>

namespace plait::algorithm::reference {

// The operands of a problem; shapes and strides are the problem's. T is float or double.
template <class T>
struct Operands {
  const T* x = nullptr;
  const T* kernel = nullptr;    // dense
  const T* bias = nullptr;      // or null
  const T* residual = nullptr;  // or null
};

struct Output {
  double value = 0;      // after bias, residual and activation, in f64
  double magnitude = 0;  // sum of |x K|, or what stands for it in ErrorBound with a tile
  double added = 0;      // |bias| + |residual|
  double largest_x = 0;  // of the window, in magnitude
  double largest_weight = 0;
  double weights = 0;  // sum of |K|
  double squares = 0;  // sum of the squares of all terms: (x w)^2, bias^2, residual^2; of a tile,
                       // with the mean x^2 of its inputs

  void add(double term) {
    value += term;
    squares += term * term;
  }
  // Whether a sum of these is infinite, if it is a number.
  bool of_infinity() const { return !std::isfinite(largest_x + weights + added); }
};

// y[n, o, i, j] with every sum in f64. Products with padding zeros are computed like the others, so
// that a weight of infinity meets them as 0 * inf. `tile` is that of the ErrorBound.
template <class T>
Output output_at(const Problem& problem, const Operands<T>& operands, std::int64_t n,
                 std::int64_t o, std::int64_t i, std::int64_t j, std::int64_t tile = 0);

extern template Output output_at(const Problem&, const Operands<float>&, std::int64_t, std::int64_t,
                                 std::int64_t, std::int64_t, std::int64_t);
extern template Output output_at(const Problem&, const Operands<double>&, std::int64_t,
                                 std::int64_t, std::int64_t, std::int64_t, std::int64_t);

}  // namespace plait::algorithm::reference
