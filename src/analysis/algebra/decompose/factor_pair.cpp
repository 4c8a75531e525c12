#include "analysis/algebra/decompose/factor_pair.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/algebra/decompose/scaled_kernel.hpp"

namespace plait::decomposing {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// Writes the matrix of p -> known * p, for p of rows x cols, into columns of `to`.
void write_product_matrix(const Plane& known, int rows, int cols, Eigen::Ref<MatrixXd> to) {
  to.setZero();
  const int width = known.cols + cols - 1;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) {
      const Eigen::Index column = static_cast<Eigen::Index>(i) * cols + j;
      for (int u = 0; u < known.rows; ++u) {
        for (int v = 0; v < known.cols; ++v) {
          to(static_cast<Eigen::Index>(i + u) * width + (j + v), column) = known(u, v);
        }
      }
    }
  }
}

Eigen::Map<const VectorXd> vector_of(const Plane& plane) {
  return {plane.values.data(), plane.size()};
}

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

// Lessens ||f - a * b||, changing a and b.
class Descent {
 public:
  Descent(const Plane& f, Plane& a, Plane& b) : f_(f), a_(a), b_(b), r_(missing(a, b)) {}

  double residual() const { return r_.norm() / vector_of(f_).norm(); }

  // By Levenberg and Marquardt's method.
  void damped_steps(int most) {
    constexpr double kLeastDamping = 1e-14;
    constexpr double kMostDamping = 1e3;
    constexpr double kTooSlow = 0.9999;  // of the square: a step that gains less leads nowhere
    const double scale = vector_of(f_).norm();
    double damping = 1e-2;
    for (int step = 0; step < most && residual() > kDone; ++step) {
      const MatrixXd j = jacobian();
      const MatrixXd normal = j.transpose() * j;
      const VectorXd gradient = j.transpose() * r_;
      const double before = r_.squaredNorm();
      bool better = false;
      for (; !better && damping <= kMostDamping; damping *= 4) {
        MatrixXd damped = normal;
        damped.diagonal().array() += damping * scale;
        better = take(damped.ldlt().solve(-gradient));
      }
      if (!better) return;
      damping = std::max(damping / 16, kLeastDamping);
      if (r_.squaredNorm() > kTooSlow * before && residual() > kClose) return;
    }
  }

 private:
  static constexpr double kDone = 2e-16;
  static constexpr double kClose = 1e-10;

  VectorXd missing(const Plane& a, const Plane& b) const {
    const Plane product = full_convolution(a, b);
    return vector_of(product) - vector_of(f_);
  }

  MatrixXd jacobian() const {
    MatrixXd j(f_.size(), a_.size() + b_.size());
    write_product_matrix(b_, a_.rows, a_.cols, j.leftCols(a_.size()));
    write_product_matrix(a_, b_.rows, b_.cols, j.rightCols(b_.size()));
    return j;
  }

  // Changes a and b if that is better.
  bool take(const VectorXd& change) {
    Plane a = moved(a_, change.data());
    Plane b = moved(b_, change.data() + a_.size());
    const VectorXd r = missing(a, b);
    if (!(r.squaredNorm() < r_.squaredNorm())) return false;
    a_ = std::move(a);
    b_ = std::move(b);
    r_ = r;
    return true;
  }

  const Plane& f_;
  Plane& a_;
  Plane& b_;
  VectorXd r_;  // a * b - f
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
  MatrixXd matrix(f.size(), b.size());
  write_product_matrix(a, b.rows, b.cols, matrix);
  const VectorXd solved = matrix.colPivHouseholderQr().solve(VectorXd(vector_of(f)));
  std::copy_n(solved.data(), solved.size(), b.values.begin());
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

}  // namespace plait::decomposing
