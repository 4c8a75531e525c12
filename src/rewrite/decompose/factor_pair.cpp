#include "rewrite/decompose/factor_pair.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rewrite/decompose/plane.hpp"
#include "rewrite/linear/products.hpp"
#include "rewrite/linear/solve.hpp"
#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {
namespace {

// Writes the matrix of p -> known * p, for p of rows x cols, into `to`, from column `first` on.
// Those columns must be zero.
void write_product_matrix(const Plane& known, int rows, int cols, int first, Matrix& to) {
  const int width = known.cols + cols - 1;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) {
      const int column = first + i * cols + j;
      for (int u = 0; u < known.rows; ++u) {
        for (int v = 0; v < known.cols; ++v) {
          to((i + u) * width + j + v, column) = known(u, v);
        }
      }
    }
  }
}

double plain_norm(const std::vector<double>& values) { return std::sqrt(sum_of_squares(values)); }

Plane moved(const Plane& plane, const double* step) {
  Plane result = plane;
  for (double& value : result.values) value += *step++;
  return result;
}

void balance(Plane& a, Plane& b) {
  const double factor = std::sqrt(norm(b) / norm(a));
  if (!(factor > 0) || !std::isfinite(factor)) return;
  for (double& value : a.values) value *= factor;
  for (double& value : b.values) value /= factor;
}

Plane absolute(const Plane& plane) {
  Plane result = plane;
  for (double& value : result.values) value = std::abs(value);
  return result;
}

// Changes a and b so that ||f - a * b|| becomes smaller.
class Descent {
 public:
  Descent(const Plane& f, Plane& a, Plane& b) : f_(f), a_(a), b_(b), r_(missing(a, b)) {}

  double residual() const { return plain_norm(r_) / plain_norm(f_.values); }

  // Steps of Levenberg and Marquardt's method.
  void damped_steps(int most) {
    constexpr double kLeastDamping = 1e-14;
    constexpr double kMostDamping = 1e3;
    constexpr double kTooSlow =
        0.9999;  // a step that leaves more of the squared residual is the last
    const double scale = plain_norm(f_.values);
    double damping = 1e-2;
    for (int step = 0; step < most && residual() > kDone; ++step) {
      const NormalEquations equations = normal_equations(jacobian(), r_);
      const double before = sum_of_squares(r_);
      bool better = false;
      for (; !better && damping <= kMostDamping; damping *= 4) {
        better = take(damped_step(equations, damping * scale));
      }
      if (!better) return;
      damping = std::max(damping / 16, kLeastDamping);
      if (sum_of_squares(r_) > kTooSlow * before && residual() > kClose) return;
    }
  }

 private:
  static constexpr double kDone = 2e-16;
  static constexpr double kClose = 1e-10;

  std::vector<double> missing(const Plane& a, const Plane& b) const {
    std::vector<double> product = full_convolution(a, b).values;
    for (std::size_t i = 0; i < product.size(); ++i) product[i] -= f_.values[i];
    return product;
  }

  Matrix jacobian() const {
    Matrix j(f_.size(), a_.size() + b_.size());
    write_product_matrix(b_, a_.rows, a_.cols, 0, j);
    write_product_matrix(a_, b_.rows, b_.cols, a_.size(), j);
    return j;
  }

  // Takes the step if it makes the residual smaller, and returns whether it does.
  bool take(const std::vector<double>& change) {
    Plane a = moved(a_, change.data());
    Plane b = moved(b_, change.data() + a_.size());
    std::vector<double> r = missing(a, b);
    if (!(sum_of_squares(r) < sum_of_squares(r_))) return false;
    a_ = std::move(a);
    b_ = std::move(b);
    r_ = std::move(r);
    return true;
  }

  const Plane& f_;
  Plane& a_;
  Plane& b_;
  std::vector<double> r_;  // a * b - f
};

}  // namespace

double residual_of(const Plane& f, const Plane& a, const Plane& b) {
  Plane product = full_convolution(a, b);
  for (int i = 0; i < f.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    product.values[at] -= f.values[at];
  }
  const double difference = norm(product);
  return difference == 0 ? 0 : difference / norm(f);
}

Fit fit_of(const Plane& f, const Plane& a, const Plane& b, double epsilon) {
  constexpr double kUnits = 4;
  constexpr double kMostCancelled = 4000;
  const double size = norm(f);
  const double spread = size == 0 ? 0 : norm(full_convolution(absolute(a), absolute(b))) / size;
  return {residual_of(f, rounded(a, epsilon), rounded(b, epsilon)),
          kUnits * epsilon * std::min(kUnits + spread, kMostCancelled)};
}

double refine(const Plane& f, Plane& a, Plane& b, int most_steps) {
  if (norm(f) == 0) return 0;
  balance(a, b);
  Descent(f, a, b).damped_steps(most_steps);
  return residual_of(f, a, b);
}

Plane divided(const Plane& f, const Plane& a) {
  Plane b(f.rows - a.rows + 1, f.cols - a.cols + 1);
  Matrix matrix(f.size(), b.size());
  write_product_matrix(a, b.rows, b.cols, 0, matrix);
  b.values = least_squares(matrix, f.values);
  return b;
}

void normalise(Plane& a, Plane& b) {
  constexpr double kSmall = 1.0 / 1024;
  double largest = 0;
  for (const double value : a.values) largest = std::max(largest, std::abs(value));
  if (largest == 0) return;
  double pivot = 0;
  for (const double value : a.values) {
    if (std::abs(value) >= kSmall * largest) {
      pivot = value;
      break;
    }
  }
  for (double& value : a.values) value /= pivot;
  for (double& value : b.values) value *= pivot;
}

bool take_if_fits(const Plane& f, const Plane& a, const Plane& b, double epsilon,
                  const std::string& reason, Factoring& result) {
  Plane first = a;
  Plane second = b;
  normalise(first, second);
  const Fit fit = fit_of(f, first, second, epsilon);
  if (!fit.fits()) return false;
  result.say(Answer::found, reason);
  result.numbers.push_back({"residual", fit.residual});
  result.numbers.push_back({"residual_allowed", fit.allowed});
  result.first = std::move(first);
  result.second = std::move(second);
  return true;
}

}  // namespace plait::rewrite
