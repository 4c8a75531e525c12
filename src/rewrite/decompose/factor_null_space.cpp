// Factors from the null space of Ruppert's matrix. Let f = f_1 ... f_r over the complex numbers,
// none twice. The solutions (g, h) and (f_x, f_y) span all sums over k of c_k f / f_k (f_k)_x, and
// alike in y; on a zero of f_k, g / f_x = c_k. So values at the zeros of f on a line tell which of
// them belong to the same factor, and how the solutions combine to c_k = 1 for some of the factors
// and 0 for the others. With p the product of those factors, that combination (G, H) has
//
//   f p_x = G p,  f p_y = H p
//
// which is linear in p.
#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>
#include <vector>

#include "core/random.hpp"
#include "rewrite/decompose/factor_plane.hpp"
#include "rewrite/decompose/irreducible.hpp"
#include "rewrite/decompose/plane.hpp"
#include "rewrite/linear/solve.hpp"
#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {
namespace {

using Complex = std::complex<double>;
using Complexes = std::vector<Complex>;

Plane derivative_x(const Plane& f) {
  Plane d(std::max(0, f.rows - 1), f.cols);
  for (int i = 0; i < d.rows; ++i) {
    for (int j = 0; j < d.cols; ++j) d(i, j) = (i + 1) * f(i + 1, j);
  }
  return d;
}
Plane derivative_y(const Plane& f) { return transposed(derivative_x(transposed(f))); }

Complex value_at(const Plane& f, Complex x, Complex y) {
  Complex sum = 0;
  for (int i = f.rows; i-- > 0;) {
    Complex row = 0;
    for (int j = f.cols; j-- > 0;) row = row * y + f(i, j);
    sum = sum * x + row;
  }
  return sum;
}

// Zeros of f(., y) for a real y.
Complexes zeros_on_line(const Plane& f, double y) {
  std::vector<double> c(static_cast<std::size_t>(f.rows));
  for (int i = 0; i < f.rows; ++i) {
    for (int j = f.cols; j-- > 0;) {
      c[static_cast<std::size_t>(i)] = c[static_cast<std::size_t>(i)] * y + f(i, j);
    }
  }
  if (c.back() == 0) return {};
  const double leading = c.back();
  c.pop_back();
  for (double& value : c) value /= leading;
  return zeros_of(c);
}

// A factor over the complex numbers: its degrees, and the c_k of each solution.
struct ComplexFactor {
  int in_x = 0;
  int in_y = 0;
  Complexes c;
  Complex key;  // of one random combination of the solutions
};

// The solutions (g, h), and (f_x, f_y) as the last one.
struct Solutions {
  std::vector<Plane> g, h;
};

struct Zero {
  bool along_x;
  Complexes c;
  Complex key;
};

void add_zeros(const Plane& f, const Solutions& solutions, const Complexes& mix, bool along_x,
               double at, std::vector<Zero>& zeros) {
  const auto& parts = along_x ? solutions.g : solutions.h;
  for (const Complex& zero : zeros_on_line(along_x ? f : transposed(f), at)) {
    const Complex x = along_x ? zero : Complex(at);
    const Complex y = along_x ? Complex(at) : zero;
    const Complex slope = value_at(parts.back(), x, y);
    Complexes c;
    Complex key = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      c.push_back(value_at(parts[k], x, y) / slope);
      key += mix[k] * c[k];
    }
    zeros.push_back({along_x, std::move(c), key});
  }
}

// Joins the zeros with the nearest keys until `count` clusters are left.
std::vector<ComplexFactor> clustered(const std::vector<Zero>& zeros, std::size_t count) {
  std::vector<std::vector<std::size_t>> clusters;
  for (std::size_t i = 0; i < zeros.size(); ++i) clusters.push_back({i});
  const auto distance = [&zeros](const auto& a, const auto& b) {
    double least = INFINITY;
    for (const std::size_t i : a) {
      for (const std::size_t j : b) least = std::min(least, std::abs(zeros[i].key - zeros[j].key));
    }
    return least;
  };
  while (clusters.size() > count) {
    std::pair<std::size_t, std::size_t> nearest = {0, 1};
    double least = INFINITY;
    for (std::size_t a = 0; a < clusters.size(); ++a) {
      for (std::size_t b = a + 1; b < clusters.size(); ++b) {
        const double apart = distance(clusters[a], clusters[b]);
        if (apart < least) nearest = {a, b};
        least = std::min(least, apart);
      }
    }
    auto& into = clusters[nearest.first];
    auto& from = clusters[nearest.second];
    into.insert(into.end(), from.begin(), from.end());
    clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(nearest.second));
  }
  std::vector<ComplexFactor> factors;
  for (const auto& cluster : clusters) {
    ComplexFactor factor;
    factor.c.resize(zeros[0].c.size());
    for (const std::size_t i : cluster) {
      ++(zeros[i].along_x ? factor.in_x : factor.in_y);
      for (std::size_t k = 0; k < factor.c.size(); ++k) {
        factor.c[k] += zeros[i].c[k] / static_cast<double>(cluster.size());
      }
      factor.key += zeros[i].key / static_cast<double>(cluster.size());
    }
    factors.push_back(factor);
  }
  return factors;
}

// Sets of factors whose product is real: one of them, or two that are conjugate.
std::vector<std::vector<std::size_t>> real_sets(const std::vector<ComplexFactor>& factors) {
  std::vector<std::vector<std::size_t>> sets;
  std::vector<bool> used(factors.size());
  for (std::size_t k = 0; k < factors.size(); ++k) {
    if (used[k]) continue;
    std::size_t mate = k;
    for (std::size_t other = 0; other < factors.size(); ++other) {
      if (used[other]) continue;
      const Complex wanted = std::conj(factors[k].key);
      if (std::abs(factors[other].key - wanted) < std::abs(factors[mate].key - wanted)) {
        mate = other;
      }
    }
    used[k] = used[mate] = true;
    sets.push_back(mate == k ? std::vector{k} : std::vector{k, mate});
  }
  return sets;
}

// p of x-degree in_x and y-degree in_y with f p_x = G p and f p_y = H p, as nearly as can be.
Plane solved_for_factor(const Plane& f, const Plane& g, const Plane& h, int in_x, int in_y) {
  const int width = f.cols + in_y;
  const int rows = (f.rows + in_x) * width;
  Matrix matrix(std::int64_t{2} * rows, std::int64_t{in_x + 1} * (in_y + 1));
  int column = 0;
  for (int i = 0; i <= in_x; ++i) {
    for (int j = 0; j <= in_y; ++j, ++column) {
      for (int a = 0; a < f.rows; ++a) {
        for (int b = 0; b < f.cols; ++b) {
          if (i > 0) matrix((a + i - 1) * width + b + j, column) += i * f(a, b);
          if (j > 0) matrix(rows + (a + i) * width + b + j - 1, column) += j * f(a, b);
        }
      }
      for (int a = 0; a < g.rows; ++a) {
        for (int b = 0; b < g.cols; ++b) matrix((a + i) * width + b + j, column) -= g(a, b);
      }
      for (int a = 0; a < h.rows; ++a) {
        for (int b = 0; b < h.cols; ++b) matrix(rows + (a + i) * width + b + j, column) -= h(a, b);
      }
    }
  }
  const Svd parts = svd(matrix, true);
  Plane p(in_x + 1, in_y + 1);
  for (int row = 0; row < p.size(); ++row) {
    p.values[static_cast<std::size_t>(row)] = parts.right(row, parts.right.cols - 1);
  }
  return p;
}

// The sum of by[k].real() parts[k].
Plane combined(const std::vector<Plane>& parts, const Complexes& by) {
  Plane sum = parts.back();
  std::fill(sum.values.begin(), sum.values.end(), 0);
  for (std::size_t k = 0; k < parts.size(); ++k) {
    for (int i = 0; i < parts[k].rows; ++i) {
      for (int j = 0; j < parts[k].cols; ++j) {
        sum(i, j) += by[k].real() * parts[k](i, j);
      }
    }
  }
  return sum;
}

// The product of the factors that are marked.
Plane product_of(const Plane& f, const Solutions& solutions,
                 const std::vector<ComplexFactor>& factors, const std::vector<bool>& marked) {
  std::vector<Complexes> values;
  Complexes wanted(factors.size());
  int in_x = 0;
  int in_y = 0;
  for (std::size_t k = 0; k < factors.size(); ++k) {
    values.push_back(factors[k].c);
    if (!marked[k]) continue;
    wanted[k] = 1;
    in_x += factors[k].in_x;
    in_y += factors[k].in_y;
  }
  const Complexes by = smallest_solution(values, wanted);
  return solved_for_factor(f, combined(solutions.g, by), combined(solutions.h, by), in_x, in_y);
}

// How unequal the two sides of a split are, in taps.
int unevenness(const Plane& f, const std::vector<ComplexFactor>& factors,
               const std::vector<bool>& marked) {
  int in_x = 0;
  int in_y = 0;
  for (std::size_t k = 0; k < factors.size(); ++k) {
    if (!marked[k]) continue;
    in_x += factors[k].in_x;
    in_y += factors[k].in_y;
  }
  return std::abs((in_x + 1) * (in_y + 1) - (f.rows - in_x) * (f.cols - in_y));
}

// All ways to put the real sets on two sides, the most even first.
std::vector<std::vector<bool>> splits_of(const Plane& f, const std::vector<ComplexFactor>& factors,
                                         const std::vector<std::vector<std::size_t>>& sets) {
  constexpr std::size_t kMostSets = 10;
  const std::size_t movable = std::min(sets.size(), kMostSets) - 1;  // the last set stays
  std::vector<std::vector<bool>> splits;
  for (std::size_t bits = 1; bits < std::size_t{1} << movable; ++bits) {
    std::vector<bool> marked(factors.size());
    for (std::size_t s = 0; s < movable; ++s) {
      if ((bits >> s & 1) == 0) continue;
      for (const std::size_t k : sets[s]) marked[k] = true;
    }
    splits.push_back(std::move(marked));
  }
  std::stable_sort(splits.begin(), splits.end(), [&](const auto& a, const auto& b) {
    return unevenness(f, factors, a) < unevenness(f, factors, b);
  });
  return splits;
}

}  // namespace

bool factors_from_null_space(const Plane& f, const Irreducibility& found, double epsilon,
                             const std::string& reason, Factoring& result) {
  constexpr int kLines = 4;
  constexpr int kMostSteps = 30;
  constexpr std::size_t kMostSplits = 4;
  const auto count = static_cast<std::size_t>(found.nullity) + 1;
  Solutions solutions{found.g, found.h};
  solutions.g.push_back(derivative_x(f));
  solutions.h.push_back(derivative_y(f));
  Random random(1);
  for (int line = 0; line < kLines; ++line) {
    Complexes mix(count);
    for (Complex& value : mix) value = random.normal();
    mix.back() = 0;
    std::vector<Zero> zeros;
    add_zeros(f, solutions, mix, true, 2 * random.uniform() - 1, zeros);
    add_zeros(f, solutions, mix, false, 2 * random.uniform() - 1, zeros);
    const bool regular = std::all_of(zeros.begin(), zeros.end(), [](const Zero& zero) {
      return std::isfinite(std::abs(zero.key));
    });
    if (zeros.size() < count || !regular) continue;
    const std::vector<ComplexFactor> factors = clustered(zeros, count);
    const auto splits = splits_of(f, factors, real_sets(factors));
    for (std::size_t s = 0; s < std::min(splits.size(), kMostSplits); ++s) {
      Plane a = product_of(f, solutions, factors, splits[s]);
      if (a.rows > f.rows || a.cols > f.cols || a.size() == 1 || a.size() == f.size()) continue;
      Plane b = divided(f, a);
      refine(f, a, b, kMostSteps);
      if (take_if_fits(f, a, b, epsilon, reason, result)) return true;
    }
  }
  return false;
}

}  // namespace plait::rewrite
