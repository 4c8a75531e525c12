#include "rewrite/decompose/factor_plane.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <plait/text.hpp>

#include "core/random.hpp"
#include "rewrite/decompose/factor_line.hpp"
#include "rewrite/decompose/irreducible.hpp"
#include "rewrite/decompose/plane.hpp"
#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {
namespace {

std::string size_text(int rows, int cols) {
  return std::to_string(rows) + "x" + std::to_string(cols);
}
std::string size_text(const Plane& plane) { return size_text(plane.rows, plane.cols); }

std::string product_text(const Plane& a, const Plane& b) {
  return size_text(a) + " * " + size_text(b);
}

// Where the values that are not zero lie.
struct Core {
  int top = 0;
  int left = 0;
  Plane plane;
};

Core core_of(const Plane& kernel) {
  int top = kernel.rows;
  int bottom = -1;
  int left = kernel.cols;
  int right = -1;
  for (int i = 0; i < kernel.rows; ++i) {
    for (int j = 0; j < kernel.cols; ++j) {
      if (kernel(i, j) == 0) continue;
      top = std::min(top, i);
      bottom = std::max(bottom, i);
      left = std::min(left, j);
      right = std::max(right, j);
    }
  }
  Core core{top, left, Plane(bottom - top + 1, right - left + 1)};
  for (int i = 0; i < core.plane.rows; ++i) {
    for (int j = 0; j < core.plane.cols; ++j) core.plane(i, j) = kernel(top + i, left + j);
  }
  return core;
}

// A column and a row; all zero if the kernel is.
void factor_separable(const Plane& kernel, double epsilon, Factoring& result) {
  const Svd parts = svd(matrix_of(kernel), true);
  Plane column(kernel.rows, 1);
  Plane row(1, kernel.cols);
  for (int i = 0; i < kernel.rows; ++i) column(i, 0) = parts.left(i, 0);
  for (int j = 0; j < kernel.cols; ++j) row(0, j) = parts.values[0] * parts.right(j, 0);
  if (!take_if_fits(kernel, column, row, epsilon, "the kernel is a column times a row", result)) {
    result.say(Answer::undecided,
               "the kernel is a column times a row, but those computed miss it by more than "
               "rounding");
  }
}

// === by trying ===

struct Degrees {
  int in_x;
  int in_y;
};

// The degrees that a real factor can have, of two factors the smaller one's; not those of a column
// times a row, which the kernel is not. The most even split first.
std::vector<Degrees> possible_degrees(const Plane& f, const EvenDegrees& even) {
  const int m = f.rows - 1;
  const int n = f.cols - 1;
  std::vector<Degrees> possible;
  for (int a = 0; a <= m; ++a) {
    for (int b = 0; b <= n; ++b) {
      const bool one = (a == 0 && b == 0) || (a == m && b == n);
      const bool separable = (a == 0 && b == n) || (a == m && b == 0);
      const bool odd = (even.in_x && a % 2 != 0) || (even.in_y && b % 2 != 0);
      const bool other_side = std::pair(2 * a, 2 * b) > std::pair(m, n);
      if (!one && !separable && !odd && !other_side) possible.push_back({a, b});
    }
  }
  const auto unevenness = [m, n](const Degrees& d) {
    return std::abs((d.in_x + 1) * (d.in_y + 1) - (m - d.in_x + 1) * (n - d.in_y + 1));
  };
  std::stable_sort(possible.begin(), possible.end(), [&](const Degrees& p, const Degrees& q) {
    return unevenness(p) < unevenness(q);
  });
  return possible;
}

// Starts at random values, many times for small kernels.
bool search(const Plane& f, const std::vector<Degrees>& possible, double epsilon,
            const std::string& reason, const std::atomic<bool>* cancel, Factoring& result) {
  constexpr int kMostSteps = 120;  // a factor that is there twice is neared slowly
  constexpr int kStartsTimesTaps = 600;
  constexpr int kLargest = 49;  // taps; a step takes their cube
  if (f.size() > kLargest) return false;
  Random random(1);
  for (int start = 0; start < kStartsTimesTaps / f.size(); ++start) {
    for (const Degrees& degrees : possible) {
      stop_if(cancel);
      Plane a(degrees.in_x + 1, degrees.in_y + 1);
      for (double& value : a.values) value = random.normal();
      Plane b = divided(f, a);
      refine(f, a, b, kMostSteps);
      if (take_if_fits(f, a, b, epsilon, reason, result)) return true;
    }
  }
  return false;
}

// === the answer for a kernel of rank two or more without zeros at its borders ===

void factor_core(const Plane& f, double epsilon, const std::atomic<bool>* cancel,
                 Factoring& result) {
  if (std::max(f.rows, f.cols) > kLargestSide) {
    result.say(Answer::undecided, "kernels larger than " + size_text(kLargestSide, kLargestSide) +
                                      " are not looked at");
    return;
  }
  const double tolerance = tolerance_of(epsilon, f.size());
  const Irreducibility proof = irreducibility(f, tolerance);
  result.numbers.push_back({"ruppert_columns", static_cast<double>(proof.columns)});
  result.numbers.push_back({"ruppert_rank", static_cast<double>(proof.columns - proof.nullity)});
  result.numbers.push_back({"ruppert_smallest_singular_value", proof.smallest});
  result.numbers.push_back({"ruppert_largest_singular_value", proof.largest});
  result.numbers.push_back({"distance", proof.distance});
  if (proof.distance > tolerance) {
    result.say(Answer::impossible,
               "its polynomial has no factors, not even complex ones: Ruppert's matrix has full "
               "rank, and no " +
                   size_text(f) + " kernel within a relative distance of " +
                   short_text(proof.distance) + " has any");
    return;
  }
  const std::string reason = "its polynomial is a product of two";
  if (proof.nullity > 0 && factors_from_null_space(f, proof, epsilon, reason, result)) return;
  stop_if(cancel);
  const EvenDegrees even = even_degrees(f, tolerance);
  const std::vector<Degrees> possible = possible_degrees(f, even);
  if (possible.empty()) {
    result.say(Answer::impossible,
               "its polynomial has complex factors at most: it has no real root on some line along "
               "each axis, so that real factors would have even degrees, which leaves a column "
               "times a row, and it is none");
    return;
  }
  if (search(f, possible, epsilon, reason, cancel, result)) return;
  result.say(Answer::undecided,
             "Ruppert's matrix lacks rank, so that its polynomial may have factors, perhaps "
             "complex ones only; no real ones were found");
}

}  // namespace

Factoring factor_plane(const Plane& kernel, int exponent, double epsilon,
                       const std::atomic<bool>* cancel) {
  if (kernel.rows == 1 || kernel.cols == 1) {
    Factoring result = factor_line(kernel.values, exponent, epsilon);
    if (kernel.cols == 1) {
      result.first = transposed(result.first);
      result.second = transposed(result.second);
    }
    return result;
  }
  Factoring result;
  const std::vector<double> values = svd(matrix_of(kernel), false).values;
  const double tolerance = tolerance_of(epsilon, std::max(kernel.rows, kernel.cols));
  if (values[1] <= tolerance * values[0]) {
    factor_separable(kernel, epsilon, result);
    return result;
  }
  const Core core = core_of(kernel);
  const Plane& f = core.plane;
  factor_core(f, epsilon, cancel, result);
  Plane shift(kernel.rows - f.rows + 1, kernel.cols - f.cols + 1);
  if (result.answer == Answer::found) {
    result.reason += ", " + product_text(result.first, result.second);
  }
  if (shift.size() == 1) return result;
  shift(core.top, core.left) = 1;
  if (result.answer == Answer::found) {
    result.second = full_convolution(result.second, shift);
    return result;
  }
  const std::string within = "; of the " + size_text(f) + " within: " + result.reason;
  take_if_fits(kernel, shift, f, epsilon,
               "a shift and a smaller kernel: the kernel has zeros at its borders" + within,
               result);
  return result;
}

}  // namespace plait::rewrite
