#include "rewrite/decompose/factor_line.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <string>
#include <utility>

#include <plait/text.hpp>

#include "rewrite/linear/solve.hpp"

namespace plait::rewrite {
namespace {

// Products of two doubles are exact in this type, and so is the sign of a difference of two of
// them.
__extension__ typedef __float128 Quad;

// The roots of a real factor: one real root, or a conjugate pair.
using Roots = std::vector<std::complex<double>>;

Plane line(const std::vector<double>& values) {
  Plane plane(1, static_cast<int>(values.size()));
  plane.values = values;
  return plane;
}

// === degree 2 ===

void factor_quadratic(const std::vector<double>& c, int exponent, double epsilon,
                      Factoring& result) {
  const Quad exact = Quad{c[1]} * Quad{c[1]} - Quad{4} * Quad{c[0]} * Quad{c[2]};
  const auto discriminant = static_cast<double>(exact);
  result.numbers.push_back({"discriminant", std::ldexp(discriminant, 2 * exponent)});
  const std::string told = "b^2 - 4ac = " + short_text(std::ldexp(discriminant, 2 * exponent));
  if (exact >= 0) {
    // One root is a sum without cancellation; the other one follows from the product of both.
    const double sum = c[1] + std::copysign(std::sqrt(discriminant), c[1]);
    const double first = -sum / (2 * c[2]);
    const double second = sum == 0 ? 0 : -2 * c[0] / sum;
    const Plane a = line({-first, 1});
    const Plane b = line({-second * c[2], c[2]});
    if (take_if_fits(line(c), a, b, epsilon,
                     "the polynomial of degree 2 has real roots: " + told + " >= 0", result)) {
      return;
    }
    result.say(Answer::undecided, "the polynomial of degree 2 has real roots, " + told +
                                      " >= 0, but the factors computed miss it by more than "
                                      "rounding");
    return;
  }
  // The polynomial with a double root that differs from this one in b alone.
  const double root = std::sqrt(c[0] / c[2]);
  const double sign = std::copysign(1.0, c[1]);
  if (take_if_fits(line(c), line({sign * root, 1}), line({sign * root * c[2], c[2]}), epsilon,
                   "within rounding the polynomial of degree 2 has a double root: " + told,
                   result)) {
    return;
  }
  result.say(Answer::impossible, "the polynomial of degree 2 has no real root: " + told + " < 0");
}

// === degree 3 and more ===

// The roots, conjugate pairs together. They are computed with the variable scaled so that the first
// and the last coefficient are equally large.
std::vector<Roots> roots_of(const std::vector<double>& c) {
  const std::size_t degree = c.size() - 1;
  const double scale = std::pow(std::abs(c.front() / c.back()), 1.0 / static_cast<double>(degree));
  std::vector<double> scaled(degree);
  double power = std::pow(scale, -static_cast<double>(degree));
  for (std::size_t i = 0; i < degree; ++i, power *= scale) scaled[i] = c[i] / c.back() * power;
  std::vector<Roots> roots;
  for (const std::complex<double>& value : zeros_of(scaled)) {
    if (value.imag() == 0) roots.push_back({scale * value});
    if (value.imag() > 0) roots.push_back({scale * value, scale * std::conj(value)});
  }
  return roots;
}

// The real polynomial with these roots and leading coefficient 1.
Plane product_of(const std::vector<Roots>& parts) {
  Plane product = line({1});
  for (const Roots& part : parts) {
    const Plane factor = part.size() == 1 ? line({-part[0].real(), 1})
                                          : line({std::norm(part[0]), -2 * part[0].real(), 1});
    product = full_convolution(product, factor);
  }
  return product;
}

int degree_of(const std::vector<Roots>& parts) {
  int degree = 0;
  for (const Roots& part : parts) degree += static_cast<int>(part.size());
  return degree;
}

using Split = std::pair<std::vector<Roots>, std::vector<Roots>>;

// Gives each part in turn to the factor of the smaller degree.
Split dealt(const std::vector<Roots>& parts) {
  Split split;
  for (const Roots& part : parts) {
    (degree_of(split.first) <= degree_of(split.second) ? split.first : split.second)
        .push_back(part);
  }
  return split;
}

// Gives the first half of the parts to one factor and the rest to the other.
Split halved(const std::vector<Roots>& parts) {
  Split split;
  const int half = degree_of(parts) / 2;
  for (const Roots& part : parts) {
    (degree_of(split.first) < half ? split.first : split.second).push_back(part);
  }
  return split;
}

// Several splits to try. Where each factor has roots from everywhere, its coefficients stay small;
// where the factors' roots lie apart, the factors are told apart more exactly. Which is better
// depends on the polynomial.
std::vector<Split> splits_of(std::vector<Roots> parts) {
  const auto sort_by = [&parts](const std::function<double(const std::complex<double>&)>& key) {
    std::stable_sort(parts.begin(), parts.end(),
                     [&key](const Roots& a, const Roots& b) { return key(a[0]) < key(b[0]); });
  };
  std::vector<Split> splits;
  sort_by([](const std::complex<double>& root) { return std::abs(root); });
  splits.push_back(dealt(parts));
  splits.push_back(halved(parts));
  sort_by([](const std::complex<double>& root) { return std::arg(root); });
  splits.push_back(dealt(parts));
  splits.push_back(halved(parts));
  return splits;
}

void factor_by_roots(const std::vector<double>& c, double epsilon, Factoring& result) {
  constexpr int kMostSteps = 30;
  const Plane f = line(c);
  const std::vector<Roots> parts = roots_of(c);
  const auto degree = static_cast<double>(c.size() - 1);
  const auto real =
      std::count_if(parts.begin(), parts.end(), [](const Roots& part) { return part.size() == 1; });
  result.numbers.push_back({"degree", degree});
  result.numbers.push_back({"real_roots", static_cast<double>(real)});
  Plane best_a;
  Plane best_b;
  double best = INFINITY;
  for (const auto& [first, second] : splits_of(parts)) {
    Plane a = product_of(first);
    Plane b = product_of(second);
    for (double& value : b.values) value *= c.back();
    if (!std::isfinite(norm(a)) || !std::isfinite(norm(b))) continue;
    refine(f, a, b, kMostSteps);
    const double share = fit_of(f, a, b, epsilon).residual;
    if (!(share < best)) continue;
    best = share;
    best_a = std::move(a);
    best_b = std::move(b);
  }
  const std::string why =
      "a real polynomial of degree 3 or more always has real factors: its roots are real or come "
      "in conjugate pairs";
  if (best < INFINITY && take_if_fits(f, best_a, best_b, epsilon, why, result)) return;
  result.say(Answer::undecided, why + "; but those computed miss it by more than rounding");
}

// === zeros at the ends ===

// A kernel of zeros + 1 taps that is 1 at tap `before` and zero elsewhere: it only moves the image.
Plane shift(int zeros, int before) {
  Plane plane(1, zeros + 1);
  plane(0, before) = 1;
  return plane;
}

}  // namespace

Factoring factor_line(const std::vector<double>& taps, int exponent, double epsilon) {
  Factoring result;
  const auto n = static_cast<int>(taps.size());
  if (n < 3) {
    result.say(Answer::impossible,
               "two kernels larger than 1x1 along one axis make at least 2 + 2 "
               "- 1 = 3 taps, but the kernel has " +
                   std::to_string(n));
    return result;
  }
  const auto is_set = [](double tap) { return tap != 0; };
  const auto begin = std::find_if(taps.begin(), taps.end(), is_set);
  if (begin == taps.end()) {
    take_if_fits(line(taps), Plane(1, 2), Plane(1, n - 1), epsilon, "all taps are zero", result);
    return result;
  }
  const auto end = std::find_if(taps.rbegin(), taps.rend(), is_set).base();
  const auto before = static_cast<int>(begin - taps.begin());
  const std::vector<double> core(begin, end);
  const int zeros = n - static_cast<int>(core.size());
  if (static_cast<int>(core.size()) > kMostTapsOnALine) {
    result.say(Answer::undecided,
               "a real polynomial of degree 3 or more always has real factors, but they are looked "
               "for up to " +
                   std::to_string(kMostTapsOnALine) + " taps only");
  } else if (core.size() == 3) {
    factor_quadratic(core, exponent, epsilon, result);
  } else if (core.size() > 3) {
    factor_by_roots(core, epsilon, result);
  }
  if (zeros == 0) return result;
  if (result.answer == Answer::found) {
    result.second = full_convolution(result.second, shift(zeros, before));
    return result;
  }
  const std::string within = result.reason.empty() ? "" : "; of what is left: " + result.reason;
  Plane moving = shift(zeros, before);
  Plane rest = line(core);
  if (core.size() == 1) {  // both factors must be larger than 1x1
    moving = shift(1, std::min(before, 1));
    rest = full_convolution(rest, shift(zeros - 1, before - std::min(before, 1)));
  }
  take_if_fits(line(taps), moving, rest, epsilon,
               "a shift and a smaller kernel: the kernel has zeros at its ends" + within, result);
  return result;
}

}  // namespace plait::rewrite
