// Linear equations that are complex or near singular, and the zeros of polynomials.
#pragma once

#include <complex>
#include <vector>

#include "rewrite/linear/matrix.hpp"

namespace plait::rewrite {

// The smallest x with the least ||matrix x - wanted||, whatever the rank. The matrix is a list of
// rows.
std::vector<std::complex<double>> smallest_solution(
    const std::vector<std::vector<std::complex<double>>>& rows,
    const std::vector<std::complex<double>>& wanted);

// J^T J and J^T r, which give the steps that lessen a residual r with the derivatives J.
struct NormalEquations {
  Matrix matrix;
  std::vector<double> right;
};
NormalEquations normal_equations(const Matrix& j, const std::vector<double>& r);
// x with (J^T J + damping I) x = -J^T r.
std::vector<double> damped_step(const NormalEquations& equations, double damping);

// Whether the pivots of a Cholesky factorisation of the rows' Gram matrix are all above this share
// of the largest square of a row's norm.
bool independent_rows(const Matrix& rows, double share);

// The zeros of x^n + c[n - 1] x^(n - 1) + ... + c[0]: the eigenvalues of its companion matrix.
std::vector<std::complex<double>> zeros_of(const std::vector<double>& c);

}  // namespace plait::rewrite
