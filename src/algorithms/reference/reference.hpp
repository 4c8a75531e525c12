// The plain definition of convolution, one output at a time, which every test compares with.
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
  double value = 0;           // after bias, residual and activation, in f64
  double magnitude = 0;       // sum of |x K|, or its replacement in an ErrorBound with a tile
  double added = 0;           // |bias| + |residual|
  double largest_x = 0;       // the largest |x| in the window
  double largest_weight = 0;  // the largest |K|
  double weights = 0;         // sum of |K|
  // The sum of the squares of all terms: (x K)^2, bias^2, residual^2. With a tile, x^2 is its mean.
  double squares = 0;

  void add(double term) {
    value += term;
    squares += term * term;
  }
  // Whether a sum of these is infinite, if it is a number.
  bool of_infinity() const { return !std::isfinite(largest_x + weights + added); }
};

// y[n, o, i, j] with every sum in f64. Products with zeros of the padding are computed like all
// others, so that an infinite weight times a zero gives NaN. `tile` is that of the ErrorBound.
template <class T>
Output output_at(const Problem& problem, const Operands<T>& operands, std::int64_t n,
                 std::int64_t o, std::int64_t i, std::int64_t j, std::int64_t tile = 0);

extern template Output output_at(const Problem&, const Operands<float>&, std::int64_t, std::int64_t,
                                 std::int64_t, std::int64_t, std::int64_t);
extern template Output output_at(const Problem&, const Operands<double>&, std::int64_t,
                                 std::int64_t, std::int64_t, std::int64_t, std::int64_t);

}  // namespace plait::algorithm::reference
